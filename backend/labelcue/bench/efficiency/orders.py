"""The order in which a strategy asks for labels, from none on, refitted after each batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labelcue.bench.efficiency.others import Other, is_other
from labelcue.bench.efficiency.pools import Pool
from labelcue.engine import Cue
from labelcue.pool.graph import Graph
from labelcue.types import Ints, Label

FIRST_FULL = 8
"""Labels from which on a full refit comes at each doubling, as in the learner's rounds."""


@dataclass(frozen=True)
class Task:
    """One pool to be labelled."""

    pool: Pool
    classes: tuple[Label, ...]
    budget: int
    batch: int
    """Items that are served between two rounds."""
    seed: int

    def answer(self, row: int) -> str | frozenset[str]:
        """What an annotator says of a row."""
        said = self.pool.said[row]
        if self.pool.said.ndim == 1:
            return self.classes[int(said)]
        return frozenset(name for name, has in zip(self.classes, said, strict=True) if has)

    @cached_property
    def graph(self) -> Graph:
        """The neighbour graph, which the first strategy that needs it makes for all."""
        return Graph()


def served(task: Task, strategy: str, annotators: int = 1) -> Ints:
    """(budget,) rows of the pool in the order in which they are handed out.

    Each annotator holds one item, so an item's label is known when `annotators` more have been handed out; what is
    still in flight then is leased.
    """
    other = Other(strategy, task.pool, len(task.classes), task.seed) if is_other(strategy) else None
    ours = "random" if other else strategy
    surrogate = "multi-label" if task.pool.said.ndim == 2 else "logistic"
    cue = Cue(task.pool.vectors, None, ours, task.classes, task.seed, graph=task.graph, surrogate=surrogate)
    batch = task.budget if strategy == "random" else task.batch
    order: list[int] = []
    told = last_full = 0
    while len(order) < task.budget:
        known = max(told, len(order) + 1 - annotators)
        cue.label({row: task.answer(row) for row in order[told:known]})
        told = known
        full = told >= FIRST_FULL and told >= 2 * last_full
        last_full = told if full else last_full
        take = min(batch, task.budget - len(order))
        outcome = cue.round(task.seed * 100_003 + len(order), full or not order, head=take)
        if other:
            order.extend(other.choose(outcome, order, told, take))
            cue.lease(order[told:])
        else:
            order.extend(int(row) for row in cue.next(take))
    return np.array(order, dtype=np.int64)


def copies_in_flight(pool: Pool, order: Ints, annotators: int, cosine: float = 0.99) -> int:
    """Pairs of near-duplicates that two annotators hold at the same time."""
    rows = pool.vectors[order]
    pairs = 0
    for apart in range(1, annotators):
        pairs += int((np.einsum("ij,ij->i", rows[apart:], rows[:-apart]) > cosine).sum())
    return pairs
