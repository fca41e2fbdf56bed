"""A number a task."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from labelcue.insights.yardsticks import Answers, Yardstick, concordance
from labelcue.labels.number import MEAN
from labelcue.surrogates.solver import logits
from labelcue.types import Bools, Floats

PART = 1 / 8
"""Share of the range by which an answer may be off and still is right: half a star of five."""


class ByNumber(Yardstick):
    """Right is a number that is off by no more than an eighth of the range."""

    rows = 1

    def __init__(self, low: float, high: float) -> None:
        """The range of the numbers."""
        self.tolerance = PART * (high - low) * (1 + 1e-6)  # half a star is half a star, whatever float32 says
        self.measure = f"Off by {self.tolerance:.3g} at most"
        self.right_is = f"is off by {self.tolerance:.3g} at most on"

    def answers(self, said: Floats) -> Answers:
        """(n,) the means."""
        return said[:, MEAN].astype(np.float64)

    def right(self, answers: Answers, given: Answers) -> Bools:
        """Within the tolerance."""
        near: Bools = np.abs(answers - given) <= self.tolerance
        return near

    def learn(self, vectors: Tensor, targets: Tensor, l2: float, start: Tensor) -> Tensor:
        """The surrogate's posterior mean, whatever the start: ridge regression around the labels' mean."""
        middle = targets.mean()
        rows = torch.column_stack([vectors, torch.ones_like(vectors[:, :1])])
        wide = len(rows) < rows.shape[1]
        gram = rows @ rows.T if wide else rows.T @ rows
        gram.diagonal().add_(l2)
        off = targets - middle
        theta = rows.T @ torch.linalg.solve(gram, off) if wide else torch.linalg.solve(gram, rows.T @ off)
        theta[-1] += middle
        row: Tensor = theta.T
        return row

    def guess(self, theta: Tensor, vectors: Tensor) -> Answers:
        """The means."""
        found: Answers = logits(theta, vectors)[:, 0].numpy()
        return found

    def alike(self, one: Answers, two: Answers) -> tuple[float, float]:
        """Lin's coefficient of concordance."""
        return float(self.right(one, two).mean()), concordance(one, two)
