"""Most uncertain first, by the entropy of all class probabilities."""

from __future__ import annotations

import numpy as np

from labelcue.labels import EVERY
from labelcue.strategies import Ranking, Strategy, View, by_gain, strategies


@strategies.register("entropy")
class Entropy(Strategy):
    """`entropy` of the belief; in the order of the seed until something is trained."""

    name = "entropy"
    summary = "Most uncertain first, by the entropy of all class probabilities."
    when = "To compare with what others report; weak with many classes."
    kinds = EVERY

    def rank(self, view: View) -> Ranking:
        """By the measure alone."""
        return by_gain(view, view.belief.entropy() if view.trained else np.ones(view.size, dtype=np.float32))
