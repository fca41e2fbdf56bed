"""Accuracy on held-out items against the number of labels: the order that was really served, our strategy replayed,
and random order, all with the same head. Pure: arrays in, figures out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcue.engine import Cue
from labelcue.surrogates import Examples, Head, surrogates
from labelcue.types import Floats, Ints, Label

SEEDS = 5
SHARE = 0.8
"""Each replay and its random partner see the same random share of the pool."""
STEP = 10
"""Labels between two measured points."""
REACH = 6
"""How many times as many labels random order may use to catch up, before it is given up."""

Real = NDArray[np.float64]
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Bench:
    """A pool with known labels, and items that are never in it."""

    vectors: Floats
    """(n, d) float32."""
    targets: Ints
    """(n,) index of the class."""
    held_out: Floats
    """(m, d) float32."""
    held_out_targets: Ints
    """(m,) index of the class."""
    classes: tuple[Label, ...]
    surrogate: str = "logistic"
    strategy: str = "herding"

    @property
    def majority(self) -> float:
        """Accuracy of always saying the commonest held-out class."""
        return float(np.bincount(self.held_out_targets).max() / len(self.held_out_targets))

    def accuracy(self, rows: Ints) -> float:
        """Held-out accuracy of the head fitted from zero to these rows of the pool."""
        rows = np.sort(rows)
        targets = np.eye(len(self.classes), dtype=np.float32)[self.targets[rows]]
        blank = Head.blank(len(self.classes), self.vectors.shape[1])
        surrogate = surrogates.create(self.surrogate)
        head = surrogate.fit(Examples(self.vectors[rows], targets), blank, True, np.random.default_rng(0))
        found = (self.held_out @ head.weights.T + head.bias).argmax(axis=1)
        return float((found == self.held_out_targets).mean())

    def accuracies(self, order: Ints, marks: Sequence[int]) -> Real:
        """(k,) accuracy after the first `mark` rows of an order, for each mark."""
        return np.array([self.accuracy(order[:mark]) for mark in marks])


@dataclass(frozen=True)
class Curves:
    """What was measured; accuracies from 0 to 1."""

    marks: tuple[int, ...]
    """(k,) numbers of labels."""
    served: Real
    """(k,) the one order that Label Studio really served."""
    replayed: Real
    """(seeds, k) our strategy, one label at a time, on a share of the pool."""
    random: Real
    """(seeds, k) random order on the same shares."""
    majority: float
    catch_up: int | None
    """Labels after which random order's mean reaches the last mean of `replayed`; None: not within `searched`."""
    searched: int
    """The most labels of random order that were tried."""

    @property
    def difference(self) -> Real:
        """(seeds, k) replayed minus random, pair by pair."""
        return self.replayed - self.random


def standard_error(values: Real) -> Real:
    """(seeds, k) → (k,) standard error of the mean."""
    error: Real = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return error


def measure(bench: Bench, served: Ints, on_part: Report) -> Curves:
    """All curves for the rows in the order in which they were served; `on_part` hears (done, total)."""
    marks = (*range(STEP, len(served), STEP), len(served))
    parts = 2 * SEEDS + 2
    on_part(0, parts)
    replayed, random, orders = [], [], []
    real = bench.accuracies(served, marks)
    for seed in range(SEEDS):
        on_part(1 + 2 * seed, parts)
        rng = np.random.default_rng(seed)
        share = np.sort(rng.permutation(len(bench.vectors))[: int(SHARE * len(bench.vectors))])
        orders.append(rng.permutation(share))
        random.append(bench.accuracies(orders[-1], marks))
        on_part(2 + 2 * seed, parts)
        replayed.append(bench.accuracies(replay(bench, share, len(served), seed), marks))
    ours = np.stack(replayed)
    on_part(parts - 1, parts)
    catch_up, searched = _catch_up(bench, orders, np.stack(random), marks, float(ours[:, -1].mean()))
    on_part(parts, parts)
    return Curves(marks, real, ours, np.stack(random), bench.majority, catch_up, searched)


def replay(bench: Bench, share: Ints, labels: int, seed: int) -> Ints:
    """(labels,) rows in the order in which our strategy asks for them, refitted after each label."""
    cue = Cue(bench.vectors[share], share, bench.strategy, bench.classes, seed, surrogate=bench.surrogate)
    order: list[int] = []
    for number in range(min(labels, len(share))):
        outcome = cue.round(seed * 100_003 + number, head=1)
        row = int(outcome.ids[outcome.order[0]])
        cue.label({row: bench.classes[int(bench.targets[row])]})
        order.append(row)
    return np.array(order, dtype=np.int64)


def _catch_up(
    bench: Bench, orders: Sequence[Ints], random: Real, marks: Sequence[int], target: float
) -> tuple[int | None, int]:
    """The number of labels after which random order is as good, and the most that were tried."""
    for mark, mean in zip(marks, random.mean(axis=0), strict=True):
        if mean >= target:
            return mark, marks[-1]
    limit = min(len(orders[0]), REACH * marks[-1])
    step = max(STEP, marks[-1] // 10)
    mark = marks[-1]
    for mark in range(marks[-1] + step, limit + 1, step):
        if np.mean([bench.accuracy(order[:mark]) for order in orders]) >= target:
            return mark, mark
    return None, mark
