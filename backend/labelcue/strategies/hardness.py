"""Drawn by lot by how hard the surrogate finds an item: hard ones, or easy ones, likelier, with known chances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.strategies import Ranking, Strategy, View, strategies
from labelcue.strategies.drawing import drawn
from labelcue.strategies.params import param

STEEPEST = 8.0
"""Beyond it a float32 could not hold the smallest chance."""


@strategies.register("hardness")
@dataclass(frozen=True)
class Hardness(Strategy):
    """Each place in proportion to h^alpha, h = p (1 - p) (Kolossov, Montanari & Tandon, ICLR 2024, arXiv 2309.14563).

    Equation 6.1 of the paper, which draws once and each item for itself; a queue is drawn place by place here. With
    more than two classes h is half the Gini impurity 1 - Σ p². Hard ones first is not always best: with fewer labels
    than dimensions the paper finds easy ones (alpha < 0) to be worth more.
    """

    alpha: float = param(
        0.5, "Above 0 hard items are likelier, below 0 easy ones; 0 draws uniformly.", least=-STEEPEST, most=STEEPEST
    )

    name = "hardness"
    summary = "Drawn by lot, the harder for the model the likelier, or the easier; the chances are known."
    when = "To thin out a large pool for a model that is trained afterwards."
    kinds = (CLASS, SET)

    def rank(self, view: View) -> Ranking:
        """By lot alone; uniformly until two classes have been seen."""
        hard = view.belief.hardness() if view.trained else np.ones(view.size, dtype=np.float32)
        return drawn(view, np.float32(self.alpha) * np.log(hard))
