"""When something needs a person: pure judgements on what the learner and the ledger say of one project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]
SLOW_EVENTS = 50
"""Events that the queue may be behind before it counts as late."""
SLOW_S = 600.0
"""The queue may be behind by a single event for so long."""
QUIET_S = 900.0
"""A reconcile that worked should be no longer ago."""
MOST_SLICES = 20
"""Slices of one project that have an alarm of their own; pages and reports list the others."""
JUDGED = 10
"""Audit labels of a slice from which on its accuracy is judged, as on the page Coverage."""
HOLD_S: Mapping[str, float] = {"learner": 60.0, "training": 60.0, "delivery": 60.0, "reconcile": 60.0, "lag": 120.0}
"""So long a condition holds before it is an alarm, and is gone before the alarm is over; others count at once."""
FRESH = ("learner", "training", "delivery", "reconcile", "lag")
"""Alarms that are read off the learner's status."""
STUDIED = ("drift", "slice", "accuracy", "stop")
"""Alarms that are read off its insights."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that needs a person."""

    project: int
    name: str
    """One of `FRESH` or `STUDIED`."""
    severity: Severity
    message: str
    remedy: str
    subject: str = ""
    """Which one, where a project can have several of a name: `field=value` of a slice."""

    @property
    def key(self) -> str:
        """One alarm stands for each key, however often its words change."""
        return f"{self.project}/{self.name}/{self.subject}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one project now; None: it cannot be told."""

    project: int
    now: float
    """Unix seconds."""
    status: Mapping[str, Any] | None
    """status.json; empty before the learner's first word."""
    report: Mapping[str, Any] | None
    """insights.json with every section; None also before the first."""
    alive: bool
    behind: int | None
    """Events that the published queue does not know."""
    queue_at: float | None
    """Unix seconds of the round that made the queue."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The alarms of one project; those whose name is in `unknown` may stand or not, and stay as they were."""

    alarms: tuple[Alarm, ...]
    unknown: frozenset[str]


def judge(sight: Sight, best: float | None) -> Judged:
    """`best`: the highest lower bound of the accuracy that was ever reported with these classes, None before one."""
    found: list[Alarm] = []
    unknown: set[str] = set()
    if sight.status is None:
        unknown |= set(FRESH)
    else:
        found += _of_learner(sight, sight.status)
        unknown |= _untold(sight, sight.status)
    if sight.report is None or sight.report.get("at") is None:
        unknown |= set(STUDIED)
    else:
        found += _of_insights(sight.project, sight.report, best)
    return Judged(tuple(one for one in found if one.name not in unknown), frozenset(unknown))


def _untold(sight: Sight, status: Mapping[str, Any]) -> set[str]:
    """What a learner that is silent, or still reads its tasks, cannot tell."""
    embedding = status.get("embedding") or {}
    unknown = set[str]() if sight.alive else set(FRESH) - {"learner"}
    if sight.behind is None or int(embedding.get("done") or 0) < int(embedding.get("total") or 0):
        unknown.add("lag")
    return unknown


def _of_learner(sight: Sight, status: Mapping[str, Any]) -> Iterator[Alarm]:
    project = sight.project
    if not sight.alive:
        words = "The learner is not running: labels no longer change the queue."
        yield Alarm(project, "learner", "critical", words, "Start it: labelcue serve")
    trouble = _first(status, ("config_error", "error")) or _first(status.get("embedding") or {}, ("error",))
    if status.get("gone"):
        trouble = "The project is gone from Label Studio."
    if trouble:
        words = f"The learner cannot train: {trouble}"
        yield Alarm(project, "training", "critical", words, "`labelcue doctor` looks for the cause.")
    if words := _first(status.get("delivery") or {}, ("error",)):
        said = f"The queue does not reach Label Studio: {words}"
        yield Alarm(project, "delivery", "critical", said, "`labelcue doctor` looks for the cause.")
    yield from _reconcile(sight, status.get("reconcile") or {})
    yield from _lag(sight)


def _reconcile(sight: Sight, reconcile: Mapping[str, Any]) -> Iterator[Alarm]:
    last, error = reconcile.get("last_ok"), reconcile.get("error")
    if not error and (not last or reconcile.get("doing") or sight.now - float(last) <= QUIET_S):
        return
    words = f"Comparing with Label Studio fails: {error}"
    if not error:
        words = f"The last comparison with Label Studio was {(sight.now - float(last or 0)) / 60:.0f} minutes ago."
    yield Alarm(sight.project, "reconcile", "warning", words, "`labelcue doctor` looks for the cause.")


def _lag(sight: Sight) -> Iterator[Alarm]:
    behind = sight.behind or 0
    old = sight.queue_at is not None and sight.now - sight.queue_at > SLOW_S
    if behind > SLOW_EVENTS or (behind and old):
        words = f"The queue does not know the last {behind:,} event{'s' if behind > 1 else ''} yet."
        yield Alarm(sight.project, "lag", "warning", words, "Look into the learner's log; `labelcue status` says more.")


def _of_insights(project: int, report: Mapping[str, Any], best: float | None) -> Iterator[Alarm]:
    if report["drift"].get("alarm"):
        remedy = "Look at the page Coverage; a quota or a pin brings the new tasks to annotators first."
        yield Alarm(project, "drift", "warning", str(report["drift"]["sentence"]), remedy)
    accuracy = report["audit"].get("accuracy")
    yield from _slices(project, report["coverage"].get("slices") or (), accuracy)
    if accuracy and best is not None and accuracy["high"] < best:
        words = (
            f"Accuracy on audit labels fell: it is {accuracy['low']:.1%} to {accuracy['high']:.1%} now, and was "
            f"{best:.1%} or more."
        )
        remedy = "Look at the pages Quality and Coverage: labels may be wrong, or tasks may have changed."
        yield Alarm(project, "accuracy", "critical", words, remedy)
    if report["stopping"].get("advice") == "stop":
        remedy = "Look at the page Stop? for what the advice rests on."
        yield Alarm(project, "stop", "info", str(report["stopping"]["sentence"]), remedy)


def _slices(project: int, slices: Iterable[Mapping[str, Any]], whole: Mapping[str, Any] | None) -> Iterator[Alarm]:
    """Slices whose accuracy is below the whole's; too few labels alone is no alarm, a quota mends it."""
    overall = whole["value"] if whole else 0.0
    judged = ((one, one["accuracy"]) for one in slices if one["accuracy"] and one["accuracy"]["n"] >= JUDGED)
    below = [(one, found["high"]) for one, found in judged if found["high"] < overall]
    for one, high in below[:MOST_SLICES]:
        subject = f"{one['field']}={one['name']}"
        words = f"The slice {subject} is below the threshold: accuracy at most {high:.0%}, overall {overall:.0%}."
        yield Alarm(project, "slice", "warning", words, "Give it a quota on the page Coverage.", subject)


def _first(words: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(words[name]) for name in names if words.get(name)), "")
