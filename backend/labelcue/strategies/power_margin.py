"""Drawn by lot, the closer the call the likelier: close calls without a batch of the same ones, with known chances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.labels.measures import STEPS
from labelcue.strategies import Ranking, Strategy, View, strategies
from labelcue.strategies.drawing import drawn
from labelcue.strategies.params import param

STEEPEST = 8.0
"""Beyond it a float32 could not hold the smallest chance."""


@strategies.register("power-margin")
@dataclass(frozen=True)
class PowerMargin(Strategy):
    """Power acquisition on the margin (Kirsch et al., *Stochastic Batch Acquisition*, TMLR 2023, arXiv 2106.12059).

    Each place is drawn in proportion to u^beta, u the margin uncertainty and 1/4096 at least, so that nothing is
    without a chance.
    """

    beta: float = param(1.0, "0 draws uniformly; the larger, the nearer to margin.", least=0, most=STEEPEST)

    name = "power-margin"
    summary = "Drawn by lot, the closer the call the likelier; the chances are known."
    when = "When many label at once, or when accuracy is to be estimated from the labels without bias."
    kinds = (CLASS, SET)

    def rank(self, view: View) -> Ranking:
        """By lot alone; uniformly until two classes have been seen."""
        doubt = view.belief.margin() if view.trained else np.ones(view.size, dtype=np.float32)
        return drawn(view, np.float32(self.beta) * np.log(np.maximum(doubt, 1 / STEPS)))
