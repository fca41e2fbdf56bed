"""One class a task."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from labelcue.insights.yardsticks import Answers, Yardstick, kappa
from labelcue.surrogates.solver import ROUGH, logits, solve
from labelcue.types import Bools, Floats


class ByClass(Yardstick):
    """Right is the class that the task was given."""

    measure = "Accuracy"
    right_is = "is right on"

    def __init__(self, classes: int) -> None:
        self.rows = classes

    def answers(self, said: Floats) -> Answers:
        """The likeliest class; the first one of a project without classes."""
        found: Answers = said.argmax(axis=1) if said.shape[1] else np.zeros(len(said), dtype=np.int64)
        return found

    def right(self, answers: Answers, given: Answers) -> Bools:
        """The same class."""
        same: Bools = answers == given
        return same

    def learn(self, vectors: Tensor, targets: Tensor, l2: float, start: Tensor) -> Tensor:
        """As the surrogate does."""
        return solve(vectors, targets, l2, start, ROUGH)

    def guess(self, theta: Tensor, vectors: Tensor) -> Answers:
        """Of the highest score."""
        found: Answers = logits(theta, vectors).argmax(dim=1).numpy()
        return found

    def alike(self, one: Answers, two: Answers) -> tuple[float, float]:
        """Cohen's kappa."""
        return float((one == two).mean()), kappa(one, two, self.rows)
