"""What ledger, snapshot and words say of spans → those sections of the insights that others have by class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labelcue.insights.facts import Facts
from labelcue.insights.heldout_spans import Blind, blind_spans
from labelcue.insights.report import Report
from labelcue.insights.spans import Spanned, with_spans
from labelcue.labels.spans import found_in, spans_of
from labelcue.labels.tokens import Tokens
from labelcue.store.snapshot import Snapshot
from labelcue.types import Answer, Floats

Latest = Mapping[tuple[int, int], tuple[Answer, float]]
"""(task, annotator) → the newest answer, and when it was given, in Unix seconds."""


def with_labels(found: Report, facts: Facts, latest: Latest, snapshot: Snapshot, tokens: Tokens) -> Report:
    """The report of the pool, with what the spans of its texts tell. `tokens`: of the rows of `facts.matrix`."""
    spanned = _spanned(facts, latest, snapshot)
    places = np.searchsorted(facts.ids, spanned.tasks)
    rows, classes = facts.row[places], snapshot.classes
    few = len(rows) < 2 or not classes or int(rows.max()) >= len(tokens)
    none = Blind((frozenset(),) * len(rows), np.ones(len(rows), dtype=np.float32), np.zeros(len(rows), dtype=np.bool_))
    rng = np.random.default_rng([facts.seed, 2])
    blind = none if few else blind_spans(facts.unit(places), tokens, rows, spanned.given, classes, rng)
    return with_spans(found, spanned, blind)


def _spanned(facts: Facts, latest: Latest, snapshot: Snapshot) -> Spanned:
    known = set(facts.ids.tolist())
    tasks = np.array(sorted({task for task, _ in latest} & known), dtype=np.int64)
    said: dict[int, list[tuple[int, frozenset[tuple[int, int, str]]]]] = {task: [] for task in tasks.tolist()}
    first = dict.fromkeys(said, np.inf)
    for (task, user), (answer, at) in sorted(latest.items()):
        if task in said:
            said[task].append((user, spans_of(answer)))
            first[task] = min(first[task], at)
    places = np.searchsorted(facts.ids, tasks)
    predicted = [_predicted(snapshot, place) for place in places.tolist()]
    propensity: Floats = facts.propensity[places]
    return Spanned(
        classes=snapshot.classes,
        tasks=tasks,
        said=tuple(tuple(said[task]) for task in tasks.tolist()),
        predicted=tuple(predicted),
        audit=facts.audit[places] & snapshot.trained,
        propensity=propensity,
        first=np.array([first[task] for task in tasks.tolist()], dtype=np.float64),
        seed=facts.seed,
    )


def _predicted(snapshot: Snapshot, place: int) -> frozenset[tuple[int, int, str]]:
    return frozenset(span for span, _ in found_in(snapshot.classes, snapshot.said(place)))
