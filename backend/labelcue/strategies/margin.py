"""Closest call first: the smaller the gap between the two likeliest classes, the earlier."""

from __future__ import annotations

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.strategies import Ranking, Strategy, View, by_gain, strategies


@strategies.register("margin")
class Margin(Strategy):
    """`margin` of the belief; in the order of the seed until something is trained."""

    name = "margin"
    summary = "Closest call first: the smaller the gap between the two likeliest classes, the earlier."
    when = "With many labels already, and few near-copies."
    kinds = (CLASS, SET)

    def rank(self, view: View) -> Ranking:
        """By the measure alone."""
        return by_gain(view, view.belief.margin() if view.trained else np.ones(view.size, dtype=np.float32))
