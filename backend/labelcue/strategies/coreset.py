"""k-center greedy: the item farthest from everything labelled, leased or placed before it."""

from __future__ import annotations

import numpy as np

from labelcue.labels import EVERY
from labelcue.strategies import Ranking, Strategy, View, by_places, strategies


@strategies.register("coreset")
class CoreSet(Strategy):
    """Exact k-center greedy (Sener & Savarese, ICLR 2018, arXiv 1708.00489, algorithm 1) on unit vectors."""

    name = "coreset"
    summary = "Least covered first: the item farthest from everything that is labelled or about to be."
    when = "To see every corner of a pool once without trusting a model; outliers come first."
    kinds = EVERY
    uncertain = False
    diverse = True

    def rank(self, view: View) -> Ranking:
        """By the distance alone; the very first item is the most typical one."""
        places = view.spread(np.ones(view.size, dtype=np.float32), 1.0, view.head)
        return by_places(view, places, np.sqrt(np.maximum(view.squared, 0)))
