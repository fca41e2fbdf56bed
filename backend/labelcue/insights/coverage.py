"""What of the pool the labels reach: distances, classes, slices, near-copies and outliers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from labelcue.insights.audit import Sample, by_group
from labelcue.insights.intervals import Estimate
from labelcue.pool.edges import Edges
from labelcue.types import Bools, Floats, Ints, Label

STEPS = 40
"""Points of the curve, beside the one at 0."""
COPY = 0.01
"""Cosine distance up to which two tasks are near-copies."""
GROUPS, MEMBERS, OUTLIERS, SLICES = 50, 10, 100, 1000
"""Of each so many are listed."""
JUDGED = 10
"""Audit labels from which on a slice is judged by its accuracy, and tasks from which on by its labels."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How near the labels are to the tasks, in cosine distance: 0 is the same, 1 is nothing in common."""

    radius: float
    """The typical distance between neighbours, the median to the tenth: what counts as covered."""
    covered: float
    """Share of the tasks with a label within the radius, 0 to 1."""
    curve: tuple[tuple[float, float], ...]
    """(distance, share of the tasks with a label within it)."""
    median: float
    p95: float
    farthest: float
    """The covering radius of the core-set: no task is farther from a label."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How the labels spread over the classes."""

    labels: tuple[int, ...]
    """For each class."""
    predicted: tuple[float, ...]
    """Share of the tasks that are predicted as each class."""
    ratio: float | None
    """Labels of the largest class over those of the smallest that has any; None before there are two."""
    effective: float
    """exp of the labels' entropy: as many classes of equal size would be as diverse."""
    absent: tuple[str, ...]
    """Classes without a label."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Tasks that share a value of one field."""

    field: str
    name: str
    tasks: int
    labelled: int
    accuracy: Estimate | None
    """By the audit labels within; None where there are none, or too few audit labels overall."""
    covered: float | None
    """Share with a label within the radius; None without labels."""
    flags: tuple[str, ...]
    """What is below the threshold, in words."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Tasks that are nearly the same."""

    groups: tuple[tuple[int, ...], ...]
    """Rows of the largest groups, some of each."""
    number: int
    """Of groups."""
    spared: int
    """Tasks beyond the first of each group: their labels would tell next to nothing."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Labels by which slices are judged."""

    rows: Ints
    """(n,) rows of the audits."""
    chosen: Ints
    """(k,) rows of the tasks that a strategy chose."""
    seen: Sample
    """Whether models are right on them, and how much each counts."""
    overall: float
    """Accuracy of all."""


def reach(squared: Floats, radius: float) -> Reach | None:
    """The curve of (n,) squared distances to the nearest label; None without labels."""
    if not len(squared) or not np.isfinite(squared).all():
        return None
    cosine = np.sort(squared.astype(np.float64) / 2)
    at = np.linspace(0, max(cosine[-1], 1e-6), STEPS + 1)
    share = np.searchsorted(cosine, at, side="right") / len(cosine)
    curve = tuple((round(float(x), 5), round(float(y), 5)) for x, y in zip(at, share, strict=True))
    within = float((cosine <= radius).mean())
    median, p95 = (float(one) for one in np.quantile(cosine, [0.5, 0.95]))
    return Reach(radius, within, curve, median, p95, float(cosine[-1]))


def balance(labels: Ints, predicted: Ints, classes: Sequence[Label]) -> Balance:
    """`labels` (n,) and `predicted` (m,) are indices into `classes`."""
    given = np.bincount(labels, minlength=len(classes))
    shares = np.bincount(predicted, minlength=len(classes)) / max(len(predicted), 1)
    some = given[given > 0]
    part = some / some.sum() if len(some) else np.ones(1)
    return Balance(
        labels=tuple(int(one) for one in given),
        predicted=tuple(round(float(one), 5) for one in shares),
        ratio=float(some.max() / some.min()) if len(some) > 1 else None,
        effective=float(np.exp(-(part * np.log(part)).sum())) if len(some) else 0.0,
        absent=tuple(name for name, count in zip(classes, given, strict=True) if not count),
    )


@dataclass(frozen=True, slots=True)
class _Whole:
    """All tasks, that each slice is compared with."""

    labelled: Bools
    near: Bools
    """(n,) whether a label is within the radius."""
    audited: Audited | None

    def slices_of(self, field: str, values: Sequence[str | None]) -> Iterator[Slice]:
        """Every value of one field."""
        names = sorted({value for value in values if value is not None})
        number = {name: place for place, name in enumerate(names)}
        group = np.array([-1 if value is None else number[value] for value in values], dtype=np.int64)
        tasks, done, near = (
            np.bincount(group[some], minlength=len(names))
            for some in (group >= 0, (group >= 0) & self.labelled, (group >= 0) & self.near)
        )
        accuracies: list[Estimate | None] = [None] * len(names)
        if self.audited:
            audited = self.audited
            shares = by_group(group[audited.rows], group[audited.chosen], names, audited.seen)
            accuracies = [one.accuracy for one in shares]
        for place, name in enumerate(names):
            covered = float(near[place] / tasks[place]) if self.labelled.any() else None
            yield self._judged(Slice(field, name, int(tasks[place]), int(done[place]), accuracies[place], covered, ()))

    def _judged(self, one: Slice) -> Slice:
        """The same with what is below a threshold: the whole's accuracy, half of its labels, half of its coverage."""
        flags, share = [], float(self.labelled.mean())
        overall, accuracy = self.audited.overall if self.audited else 0.0, one.accuracy
        if accuracy and accuracy.n >= JUDGED and accuracy.high < overall:
            flags.append(f"accuracy at most {accuracy.high:.0%}, overall {overall:.0%}")
        expected = share * one.tasks
        if one.tasks >= JUDGED and one.labelled < expected / 2 - 2 * np.sqrt(expected):
            flags.append(f"{one.labelled / one.tasks:.1%} labelled, overall {share:.1%}")
        if one.tasks >= JUDGED and one.covered is not None and one.covered < self.near.mean() / 2:
            flags.append(f"{one.covered:.0%} covered, overall {self.near.mean():.0%}")
        return replace(one, flags=tuple(flags)) if flags else one


def slices(
    of: Mapping[str, Sequence[str | None]],
    labelled: Bools,
    squared: Floats,
    radius: float,
    audited: Audited | None = None,
) -> tuple[list[Slice], int]:
    """Every value of every field, those below a threshold first, then the largest; and how many there are in all.

    `of`: field → (n,) value of each task, None for none; `labelled` (n,); `squared` (n,) squared distance of each to
    the nearest label, infinite without any.
    """
    whole = _Whole(labelled, squared <= 2 * radius, audited)
    found = [one for field, values in of.items() for one in whole.slices_of(field, values)]
    found.sort(key=lambda one: (not one.flags, -one.tasks, one.field, one.name))
    return found[:SLICES], len(found)


def copies(edges: Edges, place: Ints, tasks: int) -> Copies:
    """Connected components of the near-copies in the neighbour graph; `place` is the task of each of its rows, below
    `tasks`, or -1 where there is none."""
    row = np.repeat(np.arange(len(edges.start) - 1), np.diff(edges.start))
    near = (edges.squared <= 2 * COPY) & (place[row] >= 0) & (place[edges.to] >= 0)
    ends = place[row[near]], place[edges.to[near]]
    links = csr_matrix((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(tasks, tasks))
    _, group = connected_components(links, directed=False)
    size = np.bincount(group, minlength=1)
    order = np.argsort(group, kind="stable")
    begin = np.concatenate([[0], np.cumsum(size)])
    largest = np.argsort(-size, kind="stable")[: int((size > 1).sum())]
    listed = tuple(
        tuple(int(one) for one in order[begin[number] : begin[number + 1]][:MEMBERS]) for number in largest[:GROUPS]
    )
    return Copies(listed, len(largest), int((size[size > 1] - 1).sum()))


def outliers(tenth: Floats) -> tuple[tuple[int, float], ...]:
    """(row, cosine distance to its tenth neighbour) of rows that stand apart, the farthest first.

    Beyond the third quartile by three times the distance between the quartiles (Tukey's far outliers, 1977).
    """
    if not len(tenth):
        return ()
    cosine = tenth.astype(np.float64) / 2
    first, third = np.quantile(cosine, [0.25, 0.75])
    apart = np.flatnonzero(cosine > third + 3 * (third - first))
    order = apart[np.argsort(-cosine[apart], kind="stable")[:OUTLIERS]]
    return tuple((int(row), round(float(cosine[row]), 5)) for row in order)
