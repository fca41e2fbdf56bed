"""Cluster-Margin: the closest calls, spread over the clusters of the pool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.strategies import Ranking, Strategy, View, by_places, descending, strategies
from labelcue.strategies.params import param
from labelcue.strategies.placing import Placing, grouped, in_turn, nearest
from labelcue.types import Ints

USUAL = 10
"""Items of a cluster, on average."""
MOST = 500
"""Clusters at the most."""


@strategies.register("cluster-margin")
@dataclass(frozen=True)
class ClusterMargin(Strategy):
    """Cluster-Margin (Citovsky et al., NeurIPS 2021, arXiv 2107.14263).

    The `times` × `batch` items of the smallest margin are dealt out by cluster: one of each cluster in turn, by lot
    within it, the clusters with the fewest of these items first. A longer head is a row of such batches. The clusters
    come from the vectors alone, so that they stay the same from round to round: k-means with a tenth as many centres as
    items, 500 at the most, in place of the paper's agglomerative clustering, which takes the square of the pool.
    Copies get no place.
    """

    batch: int = param(
        10, "Places that are taken between two rounds: 1000 where the model is trained again that seldom.", least=1
    )
    times: int = param(10, "Closest calls that are looked at for each place.", least=1)

    name = "cluster-margin"
    summary = "Closest calls, dealt out over the clusters of the pool so that a batch is not all alike."
    when = "For very large batches, once there are many labels."
    kinds = (CLASS, SET)
    diverse = True

    def rank(self, view: View) -> Ranking:
        """By clusters in turn, batch after batch; the rest by margin."""
        doubt = view.belief.margin() if view.trained else np.ones(view.size, dtype=np.float32)
        placing, pile = Placing(view), descending(doubt, view.rng)
        while len(placing) < view.head and len(pile):
            closest, pile = np.split(pile, [int(self.batch * self.times)])
            left = self._deal(view, placing, closest)
            pile = np.concatenate([closest[np.isin(closest, left)], pile])
        return by_places(view, placing.places(), doubt)

    def _deal(self, view: View, placing: Placing, closest: Ints) -> Ints:
        """Give the places of one batch; what is left of `closest`."""
        centres = view.features.centres(min(MOST, max(1, view.features.items // USUAL)))
        shuffled = view.rng.permutation(closest)
        groups = grouped(shuffled, nearest(view.features, centres, shuffled), len(centres))
        left = in_turn(placing, sorted(groups, key=len), min(view.head, len(placing) + self.batch))
        return np.concatenate([*left, np.empty(0, dtype=np.int64)])
