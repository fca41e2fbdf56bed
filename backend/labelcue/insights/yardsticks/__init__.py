"""What a right answer is for one kind of label, and the models of then and now that give answers. One file a kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from labelcue.insights.intervals import Real
from labelcue.types import Bools, Floats

Answers = NDArray[Any]
"""(n,) int64 index of a class, (n, c) bool of a set, or (n,) float64 number."""


class Yardstick(ABC):
    """For one project. Stateless but for what numbers are measured by."""

    measure: str
    """What the share of right answers is called: `Accuracy`."""
    right_is: str
    """What counts as right, after 'The model': `is right on`."""
    rows: int
    """Rows of weights of a model."""

    @abstractmethod
    def answers(self, said: Floats) -> Answers:
        """What (n, k) predictions come down to."""

    @abstractmethod
    def right(self, answers: Answers, given: Answers) -> Bools:
        """Whether each answer is; `answers` may have one more axis in front."""

    @abstractmethod
    def learn(self, vectors: Tensor, targets: Tensor, l2: float, start: Tensor) -> Tensor:
        """(r, d + 1) float64 weights and, last, intercepts, of (n, d) vectors and (n, r) targets."""

    @abstractmethod
    def guess(self, theta: Tensor, vectors: Tensor) -> Answers:
        """The answers of such a model for (n, d) vectors."""

    @abstractmethod
    def alike(self, one: Answers, two: Answers) -> tuple[float, float]:
        """Share of tasks on which two models say the same, and their agreement beyond chance: 1 is the same model."""


def kappa(one: Answers, two: Answers, classes: int) -> float:
    """Cohen's kappa of two models' predictions (Educational and Psychological Measurement, 1960); 1 where both always
    say the same single class."""
    observed = float((one == two).mean())
    shares = [np.bincount(each, minlength=classes) / len(each) for each in (one, two)]
    expected = float(shares[0] @ shares[1])
    return 1.0 if expected >= 1 else (observed - expected) / (1 - expected)


def concordance(one: Real, two: Real) -> float:
    """Lin's coefficient (Biometrics 45, 1989) of two series of numbers; 1 where they are the same, constants too."""
    spread = float(one.var() + two.var() + (one.mean() - two.mean()) ** 2)
    return 2 * float(((one - one.mean()) * (two - two.mean())).mean()) / spread if spread > 0 else 1.0
