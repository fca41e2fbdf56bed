"""What an order is worth: accuracy on the test items of one and the same head, after each so many labels of it.

Of sets of labels the accuracy is the mean F1 of the labels, each predicted where it is likelier than not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.efficiency.pools import Pool
from labelcue.surrogates import sigmoids
from labelcue.surrogates.solver import logits, solve
from labelcue.types import Bools, Floats, Ints

Real = NDArray[np.float64]
Split = tuple[torch.Tensor, torch.Tensor, float]

FOLDS = 5
"""Parts of a pool, each of which is left out once."""
SPLITS, TRAINED_ON = 20, 100
"""How often a hundred rows are drawn to train on: the middle of the usual budget, by its logarithm."""
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""l2 = 1/C of the summed loss, the strongest first: each fit starts from the one before."""
TOLERANCE = 1e-2
"""Largest entry of the gradient where whole pools are fitted; a few labels are fitted to a hundredth of it."""


@dataclass(frozen=True)
class Ruler:
    """An L2 logistic head with a penalty that was chosen once for a set, and the set's test items."""

    test_vectors: Floats
    """(m, d) float32 of length one."""
    test_targets: Ints
    """(m,) index of the class."""
    classes: int
    l2: float

    @classmethod
    def of(cls, data: LabelledSet) -> Ruler:
        """With the penalty that cross-validation on the set's pool chooses."""
        return cls(data.test_vectors, data.test_targets, len(data.classes), choose_penalty(data, "pool"))

    def accuracies(self, pool: Pool, order: Ints, marks: list[int]) -> Real:
        """(k,) accuracy after the first `mark` rows of an order, for each mark, rising.

        The optimum lies in the span of the labelled rows: with Q R = rowsᵀ, all fits run on Rᵀ, whose first rows need
        its first columns alone.
        """
        basis, triangle = np.linalg.qr(pool.vectors[order].T.astype(np.float64))
        rows, tests = torch.from_numpy(triangle.T.copy()), torch.from_numpy(self.test_vectors @ basis)
        targets = _targets(pool.said[order], self.classes)
        theta = torch.zeros(self.classes, 1, dtype=torch.float64)
        found = []
        for mark in marks:
            width = min(mark, rows.shape[1])
            theta = _widened(theta, width)
            theta = _solve(rows[:mark, :width], targets[:mark], self.l2, theta, TOLERANCE / 100, pool.said.ndim == 2)
            found.append(self._accuracy(logits(theta, tests[:, :width]), pool.balanced))
        return np.array(found)

    def full_accuracy(self, pool: Pool) -> float:
        """Accuracy with every label of the pool."""
        rows, tests = torch.from_numpy(pool.vectors).double(), torch.from_numpy(self.test_vectors).double()
        start = torch.zeros(self.classes, rows.shape[1] + 1, dtype=torch.float64)
        several = pool.said.ndim == 2
        theta = _solve(rows, _targets(pool.said, self.classes), self.l2, start, TOLERANCE, several)
        return self._accuracy(logits(theta, tests), pool.balanced)

    def _accuracy(self, scores: torch.Tensor, balanced: bool) -> float:
        if self.test_targets.ndim == 2:
            return mean_f1(scores.numpy() > 0, self.test_targets > 0)
        right: Bools = scores.argmax(dim=1).numpy() == self.test_targets
        if not balanced:
            return float(right.mean())
        return float(np.mean([right[self.test_targets == number].mean() for number in np.unique(self.test_targets)]))


def choose_penalty(data: LabelledSet, by: str) -> float:
    """The l2 that is the most accurate on rows of the set's pool that it was not trained on; of equals, the strongest.

    `by` one of `RULES`. `pool`: cross-validation in five parts, each trained on all others. `hundred`: random splits,
    trained on a hundred rows, about as many as strategies will have labelled: what is best for a whole pool can be far
    stronger than what is best for so few labels.
    """
    rows, targets = torch.from_numpy(data.vectors).double(), _targets(data.targets, len(data.classes))
    right = np.zeros(len(PENALTIES))
    for kept, left, tolerance in RULES[by](len(rows)):
        theta = torch.zeros(len(data.classes), rows.shape[1] + 1, dtype=torch.float64)
        for place, l2 in enumerate(PENALTIES):
            theta = _solve(rows[kept], targets[kept], l2, theta, tolerance, data.several)
            found = logits(theta, rows[left])
            if data.several:
                right[place] += mean_f1(found.numpy() > 0, targets[left].numpy() > 0)
            else:
                right[place] += float((found.argmax(dim=1) == targets[left].argmax(dim=1)).double().mean())
    return PENALTIES[int(right.argmax())]


def _parts(size: int) -> Iterator[Split]:
    shuffled = torch.from_numpy(np.random.default_rng(0).permutation(size))
    parts = [shuffled[first::FOLDS] for first in range(FOLDS)]
    for left in parts:
        yield torch.cat([part for part in parts if part is not left]), left, TOLERANCE


def _hundreds(size: int) -> Iterator[Split]:
    rng = np.random.default_rng(0)
    for _ in range(SPLITS):
        shuffled = torch.from_numpy(rng.permutation(size))
        yield shuffled[:TRAINED_ON], shuffled[TRAINED_ON:], TOLERANCE / 100


RULES = {"pool": _parts, "hundred": _hundreds}
"""Name → the splits by which a penalty is chosen: rows to train on, rows to test on, and how closely to fit."""


def mean_f1(said: Bools, true: Bools) -> float:
    """Mean over the labels of 2 tp / (2 tp + fp + fn), of (m, c) predictions and truth; a label that no item has, and
    that is never predicted, is left out."""
    hits, either = (said & true).sum(axis=0), said.sum(axis=0) + true.sum(axis=0)
    return float((2 * hits[either > 0] / either[either > 0]).mean()) if either.any() else 1.0


def _solve(
    rows: torch.Tensor, targets: torch.Tensor, l2: float, start: torch.Tensor, tolerance: float, several: bool
) -> torch.Tensor:
    return (sigmoids.solve if several else solve)(rows, targets, l2, start, tolerance)


def _targets(targets: Ints, classes: int) -> torch.Tensor:
    """(n, c) float64 of either sort."""
    return torch.from_numpy(targets).double() if targets.ndim == 2 else _one_hot(targets, classes)


def _one_hot(targets: Ints, classes: int) -> torch.Tensor:
    return torch.eye(classes, dtype=torch.float64)[torch.from_numpy(targets)]


def _widened(theta: torch.Tensor, width: int) -> torch.Tensor:
    """Weights and, last, intercepts, with zeros for the directions that are new."""
    new = torch.zeros(len(theta), width + 1 - theta.shape[1], dtype=torch.float64)
    return torch.cat([theta[:, :-1], new, theta[:, -1:]], dim=1)
