"""Does the learner live, and has it read everything? Told from its status file alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from labelcue.doctor.finding import Finding

FRESH_S = 15.0
"""A learner that has said nothing for so long is taken for dead; it speaks every five seconds at least."""


def learner_findings(project: int, status: Mapping[str, Any]) -> Iterator[Finding]:
    """`learner`, `embedding` and `other-model`, as far as the learner knows them."""
    age = abs(time.time() - float(status.get("at", 0)))  # The clock may have been set back since.
    start = "Start it with `labelcue serve`; its log says why it stopped."
    if not status:
        yield Finding("learner", "bad", "No learner has taken up this project yet.", start, project)
        return
    if age > FRESH_S:
        yield Finding("learner", "bad", f"The learner has been silent for {age:.0f} s.", start, project)
    elif status.get("error"):
        remedy = "Look into its log; it tries again by itself."
        yield Finding("learner", "bad", f"The learner's last round failed: {status['error']}", remedy, project)
    else:
        yield Finding("learner", "ok", "The learner is at work.", start, project)
    yield _embedding(project, status.get("embedding") or {})
    if (status.get("model") or {}).get("model"):
        yield _model(project, status["model"], int(status.get("tasks", 0)))


def _embedding(project: int, embedding: Mapping[str, Any]) -> Finding:
    done, total = int(embedding.get("done", 0)), int(embedding.get("total", 0))
    unreadable = int(embedding.get("unreadable", 0))
    remedy = "Wait while the learner runs; `labelcue status` shows how far it is and why tasks cannot be read."
    if embedding.get("error"):
        return Finding("embedding", "bad", f"Embedding stopped: {embedding['error']}", remedy, project)
    if unreadable:
        reason = next(iter((embedding.get("problems") or {}).values()), "")
        what = f"{unreadable} of {total} tasks cannot be read and are not in the queue{reason and ': ' + str(reason)}."
        return Finding("embedding", "warn", what, "Mend these tasks' data, or leave them to be labelled last.", project)
    if done < total:
        return Finding("embedding", "warn", f"{done} of {total} tasks are embedded; the rest follows.", remedy, project)
    return Finding("embedding", "ok", f"All {total} tasks are embedded.", remedy, project)


def _model(project: int, model: Mapping[str, Any], tasks: int) -> Finding:
    heard, missing = int(model.get("heard", 0)), int(model.get("missing", 0))
    remedy = (
        "Tasks that it says nothing of are ordered by the labels' own model, or by coverage alone; look at its log."
    )
    if model.get("error"):
        return Finding("other-model", "warn", f"The other model is not heard: {model['error']}", remedy, project)
    if not model.get("listens"):
        listen = "Choose the surrogate external: `labelcue set -p N surrogate=external`, or connect without --model."
        what = "The surrogate that was chosen does not listen to the other model."
        return Finding("other-model", "warn", what, listen, project)
    if missing:
        reason = next(iter((model.get("problems") or {}).values()), "")
        what = f"Of {missing} of {tasks} tasks the other model says nothing that counts: {reason}"
        return Finding("other-model", "warn", what, remedy, project)
    return Finding("other-model", "ok", f"The other model was heard of {heard} of {tasks} tasks.", remedy, project)
