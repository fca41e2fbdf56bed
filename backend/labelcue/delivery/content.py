"""What a frontier says in Label Studio: one prediction a task, scored by its place. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from labelcue.labels import REGIONS
from labelcue.labelstudio.predicted import regions_of
from labelcue.labelstudio.regions import prediction
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Json, Scores, TaskId, TaskSpec

Heard = Callable[[TaskId], Event | None]
"""What another model said last of a task."""


def nobody(_task: TaskId) -> Event | None:
    """Of whom nothing was heard."""
    return None


def predictions(
    snapshot: Snapshot,
    tasks: Sequence[TaskId],
    version: str,
    spec: TaskSpec | None,
    confident: float,
    heard: Heard = nobody,
) -> list[dict[str, Json]]:
    """One prediction for each task: its score is place / number, in [0, 1), so that Label Studio serves them in order.

    With `spec`, each shows the predicted label where the model is at least `confident` of it; without, none does:
    an empty result orders the queue and biases nobody.
    """
    return [
        {
            "task": int(task),
            "result": shown(snapshot, task, spec, confident, heard) if spec else [],
            "score": place / len(tasks),
            "model_version": version,
        }
        for place, task in enumerate(tasks)
    ]


def threshold(snapshot: Snapshot, confident: float, base: str) -> float | None:
    """From which confidence a label is shown by the settings of the round, else by `base`; None: never."""
    shown_from: dict[str, float | None] = {"off": None, "confident": confident, "on": 0.0}
    return shown_from.get(str(snapshot.round.levers.get("pre_annotation", base)))


def shown(snapshot: Snapshot, task: TaskId, spec: TaskSpec, confident: float, heard: Heard = nobody) -> list[Json]:
    """The one region with the predicted label, set or number, or those that another model has marked; none where the
    model is less than `confident` (0 to 1) of it, where nothing is trained, and for audits: an annotator who sees the
    model's label agrees with it more often."""
    if snapshot.is_audit(task):
        return []
    standing = snapshot.of(task) if snapshot.trained else None
    if standing is None or standing.confidence < confident:
        return []
    if spec.kind == REGIONS:
        event = heard(task)
        return [] if event is None else regions_of(spec, event.body)
    said = None if standing.answer is None else (standing.answer, standing.confidence)
    likely = standing.probabilities
    scores = Scores(task, tuple(likely.values()), tuple(likely), snapshot.version, said, standing.each)
    result: list[Json] = prediction(spec, scores)["result"]
    return result


def free_of(snapshot: Snapshot, tasks: Sequence[TaskId]) -> set[TaskId]:
    """Those of `tasks` that are in the published order still: neither labelled, skipped, leased nor deleted."""
    if not len(snapshot.ids) or not tasks:
        return set()
    wanted = np.asarray(tasks, dtype=np.int64)
    places = np.minimum(np.searchsorted(snapshot.ids, wanted), len(snapshot.ids) - 1)
    free = (snapshot.ids[places] == wanted) & (snapshot.rank[places] >= 0)
    return {TaskId(task) for task in wanted[free].tolist()}
