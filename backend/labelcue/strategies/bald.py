"""BALD: what the members of a committee disagree on, each being sure of itself."""

from __future__ import annotations

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.strategies import Ranking, Strategy, View, by_gain, strategies


@strategies.register("bald")
class Bald(Strategy):
    """Mutual information of the label and the model (Houlsby, Huszár, Ghahramani & Lengyel, 2011, arXiv 1112.5745).

    H(mean of the members' p) - mean of their H(p), which a surrogate with a committee gives. Where the surrogate has
    none, by entropy; in the order of the seed until something is trained.
    """

    name = "bald"
    summary = "Most disputed among a committee of models first; by entropy where the surrogate is a single model."
    when = "With the surrogate that has a committee, where labels are noisy."
    kinds = (CLASS, SET)

    def rank(self, view: View) -> Ranking:
        """By the measure alone."""
        if not view.trained:
            return by_gain(view, np.ones(view.size, dtype=np.float32))
        if view.disagreement is None:
            return by_gain(view, view.belief.entropy())
        return by_gain(view, view.belief.information(view.disagreement))
