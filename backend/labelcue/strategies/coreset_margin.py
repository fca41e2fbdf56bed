"""Core-set weighted by uncertainty: what the model is unsure of and nothing labelled resembles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.labels import EVERY
from labelcue.strategies import Ranking, Strategy, View, by_places, strategies
from labelcue.strategies.params import param
from labelcue.types import Floats


@strategies.register("coreset-margin")
@dataclass(frozen=True)
class CoreSetMargin(Strategy):
    """Greedy by u × d^power.

    u: margin uncertainty, 1 until two classes have been seen, so that the start is a core-set from the most typical
    item on. d: distance to what is labelled, leased or placed (Sener & Savarese, arXiv 1708.00489). Its first
    labels go to outliers; weighting by the density of the pool helped on some sets and was far below chance on others.
    """

    power: float = param(
        1.0, "Weight of distance against uncertainty: 0 is margin, large is k-center.", least=0, most=16
    )

    name = "coreset-margin"
    summary = "Uncertain, and unlike what is labelled or comes before it."
    when = "Where the neighbour graph of herding costs too much."
    kinds = EVERY
    diverse = True

    def rank(self, view: View) -> Ranking:
        """By the product; each place as if those before it were taken."""
        weight = view.belief.doubt() if view.trained else np.ones(view.size, dtype=np.float32)
        far: Floats = view.squared ** np.float32(self.power / 2)
        return by_places(view, view.spread(weight, self.power, view.head), weight * far)
