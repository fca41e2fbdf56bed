"""A set of labels a task."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from labelcue.insights.yardsticks import Answers, Yardstick, kappa
from labelcue.labels.several import LIKELY
from labelcue.surrogates.sigmoids import solve
from labelcue.surrogates.solver import ROUGH, logits
from labelcue.types import Bools, Floats


class BySet(Yardstick):
    """Right is the very set that the task was given: no label missing, none too many."""

    measure = "Every label right"
    right_is = "has every label right on"

    def __init__(self, labels: int) -> None:
        self.rows = labels

    def answers(self, said: Floats) -> Answers:
        """(n, c) the labels that are likelier than not."""
        return said >= LIKELY

    def right(self, answers: Answers, given: Answers) -> Bools:
        """The same set."""
        same: Bools = (answers == given).all(axis=-1)
        return same

    def learn(self, vectors: Tensor, targets: Tensor, l2: float, start: Tensor) -> Tensor:
        """As the surrogate does."""
        return solve(vectors, targets, l2, start, ROUGH)

    def guess(self, theta: Tensor, vectors: Tensor) -> Answers:
        """Of scores above 0."""
        found: Answers = (logits(theta, vectors) >= 0).numpy()
        return found

    def alike(self, one: Answers, two: Answers) -> tuple[float, float]:
        """Cohen's kappa of all single yes and no."""
        same = float(self.right(one, two).mean())
        return same, kappa(one.ravel().astype(np.int64), two.ravel().astype(np.int64), 2)
