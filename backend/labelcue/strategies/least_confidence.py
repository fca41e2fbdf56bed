"""Least confident first: the lower the probability of the predicted class, the earlier."""

from __future__ import annotations

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.strategies import Ranking, Strategy, View, by_gain, strategies


@strategies.register("least-confidence")
class LeastConfidence(Strategy):
    """`least_confidence` of the belief; in the order of the seed until something is trained."""

    name = "least-confidence"
    summary = "Least confident first: the lower the probability of the predicted class, the earlier."
    when = "To compare with what others report."
    kinds = (CLASS, SET)

    def rank(self, view: View) -> Ranking:
        """By the measure alone."""
        return by_gain(view, view.belief.least_confidence() if view.trained else np.ones(view.size, dtype=np.float32))
