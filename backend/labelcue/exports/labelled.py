"""The labelled set as the ledger had it at one position: the same position gives the same rows for ever."""

from __future__ import annotations

from collections.abc import Iterator
from math import fsum
from typing import Any

from labelcue.errors import LabelCueError, TaskUnreadable
from labelcue.labels import LabelKind, kind_for
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.store.base import Ledger
from labelcue.store.fold import AnnotationState, Fold, fold, stamp
from labelcue.types import Answer, TaskId, TaskSpec

Row = dict[str, Any]


def labelled(ledger: Ledger, project: int, upto: int | None = None) -> Iterator[Row]:
    """Every task with a usable label, by ascending id, as the ledger's events up to `upto` have it.

    A row: `task`; `label`, the one that most annotators gave, None where the first place is shared (of numbers their
    mean); `agreed`; `labels`, each annotator's `{annotator, label, at}` (a `null` annotator: imported); `data`, the
    task's own fields.
    """
    state = fold(ledger.read(project, upto=upto))
    spec = _spec(state)
    if spec is None:
        return
    kind = kind_for(spec)
    for task in sorted(state.tasks):
        given = _labels(state, task, spec)
        if given:
            data = ledger.event(state.tasks[task].position).body["data"]
            yield {"task": task, **_summed(kind, given), "data": data}


def selected(ledger: Ledger, project: int, upto: int | None = None) -> Iterator[Row]:
    """Every labelled task and how it was chosen: `stream` (`audit`, `explore`, or `strategy` where no lot drew it),
    `propensity`, the chance that it had at its place, and `weight`, 1 / propensity over the mean of its stream, with
    which the labels of one stream stand for the pool (Horvitz and Thompson, JASA 1952)."""
    state = fold(ledger.read(project, upto=upto))
    rows = [(row, state.draw_of(row["task"])) for row in labelled(ledger, project, upto)]
    inverse: dict[str, list[float]] = {}
    for _, draw in rows:
        if draw is not None:
            inverse.setdefault(draw.stream, []).append(1 / draw.propensity)
    for row, draw in rows:
        found: Row = {"task": row["task"], "label": row["label"]}
        if draw is None:
            yield {**found, "stream": "strategy", "propensity": None, "weight": None}
            continue
        weight = 1 / draw.propensity / (fsum(inverse[draw.stream]) / len(inverse[draw.stream]))
        yield {**found, "stream": draw.stream, "propensity": draw.propensity, "weight": round(weight, 9)}


def disagreements(ledger: Ledger, project: int, upto: int | None = None) -> Iterator[Row]:
    """The rows of `labelled` whose annotators differ."""
    return (row for row in labelled(ledger, project, upto) if not row["agreed"])


def _summed(kind: LabelKind, given: list[Row]) -> Row:
    label, agreed = kind.agreed([one["label"] for one in given])
    labels = [{**one, "label": kind.pack(one["label"])} for one in given]
    return {"label": None if label is None else kind.pack(label), "agreed": agreed, "labels": labels}


def _labels(state: Fold, task: TaskId, spec: TaskSpec) -> list[Row]:
    found: dict[tuple[int | None, int], Row] = {}
    for one in sorted(state.of_task(task), key=lambda one: stamp(one.updated_at, one.key)):
        label = None if one.cancelled else _label(spec, one)
        if label is not None:
            # Of one annotator the latest label counts; imports without one stand for themselves.
            own = (one.user, 0) if one.user is not None else (None, one.annotation)
            found[own] = {"annotator": one.user, "label": label, "at": one.updated_at}
    return [found[own] for own in sorted(found, key=lambda own: (own[0] is None, own))]


def _label(spec: TaskSpec, one: AnnotationState) -> Answer | None:
    try:
        return label_of(spec, one.result)
    except TaskUnreadable:
        return None  # The learner's status names it; a label that nobody can read is none.


def _spec(state: Fold) -> TaskSpec | None:
    try:
        return parse_config(state.label_config or "")
    except LabelCueError:
        return None
