"""TypiClust: the most typical item of every part of the pool that has no label yet."""

from __future__ import annotations

import numpy as np

from labelcue.labels import EVERY
from labelcue.strategies import Ranking, Strategy, View, by_places, strategies
from labelcue.strategies.placing import Placing, grouped, in_turn, nearest
from labelcue.types import Ints

MOST = 500
"""Clusters at the most, as in the paper."""
FEWEST = 5
"""Clusters of fewer items come after all others, as outliers."""


@strategies.register("typiclust")
class TypiClust(Strategy):
    """Typical clustering (Hacohen, Dekel & Weinshall, ICML 2022, arXiv 2202.02794).

    k-means of the pool into as many clusters as items are labelled, leased and to be placed, 500 at the most; then
    the densest candidate of each, those with the fewest labelled or leased items first, the larger the earlier.
    Density is one over the mean distance to the twenty nearest on the pool's graph. Copies get no place.
    """

    name = "typiclust"
    summary = "Most typical of the parts of the pool in which nothing is labelled yet."
    when = "For the first few labels of each class, where the pool falls into topics."
    kinds = EVERY
    uncertain = False
    diverse = True
    understudy = "coreset"

    def rank(self, view: View) -> Ranking:
        """By clusters in turn; the rest by density."""
        density = np.float32(1) / (view.neighbours().mean_distance() + np.float32(1e-5))
        covered = view.features.covered()
        centres = view.features.centres(min(MOST, max(1, len(covered) + view.head)))
        dense_first = np.argsort(-density, kind="stable").astype(np.int64)
        cluster = nearest(view.features, centres, dense_first)
        taken = np.bincount((covered @ centres.T).argmax(axis=1), minlength=len(centres))
        groups = grouped(dense_first, cluster, len(centres))
        order = _order(taken, taken + np.array([len(group) for group in groups]))
        placing = Placing(view)
        in_turn(placing, [groups[index] for index in order], view.head)
        return by_places(view, placing.places(), density)


def _order(taken: Ints, size: Ints) -> Ints:
    """Clusters in the order of their turns; `taken`: labelled or leased items in each, `size`: items."""
    order: Ints = np.lexsort((-size, taken, size < FEWEST))
    return order
