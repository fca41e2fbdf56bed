"""All that is known of one project, as plain arrays: what the insights are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from labelcue.insights.agreement import Votes, consensus
from labelcue.insights.intervals import Real
from labelcue.insights.mapping import PoolMap
from labelcue.insights.yardsticks import Answers, Yardstick
from labelcue.insights.yardsticks.classes import ByClass
from labelcue.insights.yardsticks.numbers import ByNumber
from labelcue.insights.yardsticks.sets import BySet
from labelcue.labels import CLASS, NUMBER, SET
from labelcue.pool.edges import Edges
from labelcue.pool.matrix import Matrix
from labelcue.types import Bools, Floats, Ints, Label

USUAL_L2 = 0.1
ENDS = (0.05, 0.95)
"""Shares of the labels between which their range lies where nobody has said it."""


@dataclass(frozen=True, eq=False)
class Facts:
    """One project at one round: n tasks, c classes. A task's place is its index into `ids`."""

    classes: tuple[Label, ...]
    ids: Ints
    """(n,) int64, ascending."""
    matrix: Matrix
    """Vectors by row."""
    row: Ints
    """(n,) row of each task in `matrix`."""
    probabilities: Floats
    """(n, k) float32, the predictions of the model of now, as its kind of label has them."""
    trained: bool
    l2: float
    """The surrogate's penalty; 0 while none was chosen."""
    votes: Votes
    """Every label; `item` is a place."""
    audit: Bools
    """(n,) whether chance chose the task and the model does not learn from it."""
    propensity: Floats
    """(n,) float32 the chance with which it was drawn, NaN where none was logged."""
    slices: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """Field → (n,) value of each task."""
    arrived: Real | None = None
    """(n,) Unix seconds when each task came; None where nobody knows."""
    squared: Floats | None = None
    """(n,) float32 squared distance to the nearest label, negative for labels; computed where it is None."""
    edges: Edges | None = None
    """The neighbour graph of the first rows; that of a sample is made where it is None."""
    map: PoolMap | None = None
    """An earlier map, which is kept while it fits."""
    now: float = 0.0
    """Unix seconds."""
    seed: int = 0
    kind: str = CLASS
    """The kind of label; of others than class, set and number the pool alone is looked at, without classes."""
    bounds: tuple[float, float] | None = None
    """Where numbers lie, where that is known."""
    answers: Floats | None = None
    """(v, r) float32 of each vote on sets, 1 for each label of it, and on numbers; of classes `votes` has it all."""

    @cached_property
    def yard(self) -> Yardstick:
        """What is right, and models of then."""
        if self.kind == SET:
            return BySet(len(self.classes))
        if self.kind == NUMBER:
            return ByNumber(*self.range)
        return ByClass(len(self.classes))

    @cached_property
    def range(self) -> tuple[float, float]:
        """Of numbers: their bounds, or where most of the labels lie."""
        if self.bounds is not None or not len(self.labelled):
            return self.bounds or (0.0, 0.0)
        low, high = np.quantile(self.targets[:, 0].astype(np.float64), ENDS)
        return float(low), float(high)

    @property
    def tolerance(self) -> float:
        """By how much a number may be off and still is right; 0 of other labels."""
        return self.yard.tolerance if isinstance(self.yard, ByNumber) else 0.0

    @cached_property
    def learnable(self) -> bool:
        """Whether labels can differ at all."""
        return self.kind == NUMBER or len(self.classes) > (0 if self.kind == SET else 1)

    @cached_property
    def labelled(self) -> Ints:
        """(m,) places of the tasks with a label, ascending."""
        return np.unique(self.votes.item).astype(np.int64)

    @cached_property
    def said(self) -> Votes:
        """The same votes, with `item` an index into `labelled`."""
        item = np.searchsorted(self.labelled, self.votes.item).astype(np.int64)
        return Votes(item, self.votes.annotator, self.votes.label, self.votes.at)

    @cached_property
    def counts(self) -> Ints:
        """(m, c) how often each labelled task was given each class, where labels are classes."""
        return self.said.counts(len(self.labelled), len(self.classes))

    @cached_property
    def given(self) -> Answers:
        """The answer given of each labelled task: (m,) the class that most annotators gave, (m, c) bool the labels that
        most gave, of equals what the model finds likelier; (m,) the mean of their numbers."""
        if self.kind == CLASS:
            return consensus(self.counts, self.probabilities[self.labelled])[0]
        if self.kind == NUMBER:
            return self.targets[:, 0].astype(np.float64)
        ties = np.float32(1e-3) * (self.probabilities[self.labelled] - np.float32(0.5))
        return self.targets + ties >= np.float32(0.5)

    @cached_property
    def targets(self) -> Floats:
        """(m, r) float32 share of each class or label among a labelled task's labels; (m, 1) mean of its numbers."""
        if self.answers is not None:
            total = np.zeros((len(self.labelled), self.answers.shape[1]), dtype=np.float32)
            np.add.at(total, self.said.item, self.answers)
            times = np.bincount(self.said.item, minlength=len(self.labelled))
            return total / np.maximum(times, 1).astype(np.float32)[:, None]
        shares: Floats = (self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)).astype(np.float32)
        return shares

    @cached_property
    def is_audit(self) -> Bools:
        """(m,) which labelled tasks are audits."""
        return self.audit[self.labelled]

    @cached_property
    def first(self) -> Real:
        """(m,) Unix seconds of each labelled task's first label."""
        found = np.full(len(self.labelled), np.inf)
        np.minimum.at(found, self.said.item, self.said.at)
        return found

    @cached_property
    def in_order(self) -> Ints:
        """(k,) indices into `labelled` of those that the model learns from, in the order of their first labels."""
        learned = np.flatnonzero(~self.is_audit)
        ordered: Ints = learned[np.lexsort((learned, self.first[learned]))].astype(np.int64)
        return ordered

    @property
    def penalty(self) -> float:
        """The surrogate's penalty, or the usual one."""
        return self.l2 or USUAL_L2

    def unit(self, places: Ints) -> Floats:
        """(k, d) float32 vectors of length one of some tasks."""
        return self.matrix.unit(self.row[places])
