"""What a model's predictions amount to, in the words that strategies ask in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.types import Floats

Groups = NDArray[np.integer[Any]]


class Belief(ABC):
    """Of m items. Measures are (m,) float32 from 0, certain, to 1. A kind leaves out what makes no sense for it."""

    def __init__(self, said: Floats, given: Floats) -> None:
        """`said` (m, k): predictions, calibrated; `given` (n, r): the targets of what is labelled."""
        self.said = said
        self.given = given

    def like(self, said: Floats) -> Belief:
        """The same of other items."""
        other = copy(self)
        other.said = said
        return other

    @property
    def counts(self) -> Floats:
        """(g,) float32 number of labels of each group: of each class, unless the kind has others."""
        total: Floats = self.given.sum(axis=0)
        return total

    @property
    def groups(self) -> int:
        """Number of groups; with fewer labels than these a prediction is not to be trusted."""
        return self.given.shape[1]

    @abstractmethod
    def doubt(self) -> Floats:
        """How unsure the model is of each item: what is shown as uncertainty."""

    @abstractmethod
    def grouped(self) -> tuple[Floats, Groups]:
        """`doubt`, and (m,) the group that each item is expected in."""

    @abstractmethod
    def unevenness(self) -> float:
        """0 where the pool seems to hold every group alike, 1 where only one."""

    def margin(self) -> Floats:
        """How close the closest call is."""
        self._refuse("margin")

    def entropy(self) -> Floats:
        """Entropy of the prediction, scaled."""
        self._refuse("entropy")

    def least_confidence(self) -> Floats:
        """One less the probability of the likeliest answer, scaled."""
        self._refuse("least confidence")

    def hardness(self) -> Floats:
        """p (1 - p) and what generalises it, above 0."""
        self._refuse("hardness")

    def slopes(self) -> Floats:
        """(m, c) float32 gradient of the loss by the scores, were the prediction the label."""
        self._refuse("gradient")

    def information(self, disagreement: Floats) -> Floats:
        """(m,) nats of mutual information among a committee as a share of the most that there can be."""
        self._refuse("committee")

    def _refuse(self, what: str) -> NoReturn:
        raise BadRequest(
            f"{type(self).__name__} has no {what}.", "Choose a strategy that suits this kind of label, as herding."
        )
