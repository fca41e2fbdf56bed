"""Drawn at random: the yardstick for every other strategy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labelcue.labels import EVERY
from labelcue.strategies import Ranking, Strategy, View, by_gain, strategies


@strategies.register("random")
class Random(Strategy):
    """A uniform permutation from the seed of the round."""

    name = "random"
    summary = "Drawn at random, each order as likely as any other."
    when = "As the baseline, or where the labels are to be a fair sample of the pool."
    kinds = EVERY
    uncertain = False

    def rank(self, view: View) -> Ranking:
        """By a uniform draw for each candidate."""
        ranking = by_gain(view, view.rng.random(view.size, dtype=np.float32))
        left = np.arange(view.size, 0, -1, dtype=np.float32)
        return replace(ranking, propensity=np.float32(1) / left)
