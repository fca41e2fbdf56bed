"""Least confident first: the lower the probability of the predicted class, the earlier."""

from __future__ import annotations

import numpy as np

from labelcue.strategies import Ranking, Strategy, View, by_gain, strategies
from labelcue.strategies.measures import least_confidence


@strategies.register("least-confidence")
class LeastConfidence(Strategy):
    """`least_confidence` of `measures`; in the order of the seed until something is trained."""

    name = "least-confidence"
    summary = "Least confident first: the lower the probability of the predicted class, the earlier."
    when = "To compare with what others report."

    def rank(self, view: View) -> Ranking:
        """By the measure alone."""
        return by_gain(
            view, least_confidence(view.probabilities) if view.trained else np.ones(view.size, dtype=np.float32)
        )
