"""Cluster-Margin: the closest calls, spread over the clusters of the pool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.errors import BadRequest
from labelcue.strategies import Ranking, Strategy, View, by_places, descending, strategies
from labelcue.strategies.measures import margin
from labelcue.strategies.placing import grouped, in_turn, nearest

USUAL = 10
"""Items of a cluster, on average."""
MOST = 500
"""Clusters at the most."""


@strategies.register("cluster-margin")
@dataclass(frozen=True)
class ClusterMargin(Strategy):
    """Cluster-Margin (Citovsky et al., NeurIPS 2021, arXiv 2107.14263).

    The `times` × head items of the smallest margin are dealt out by cluster: one of each cluster in turn, by lot within
    it, the clusters with the fewest of these items first. The clusters come from the vectors alone, so that they stay
    the same from round to round: k-means with a tenth as many centres as items, 500 at the most, in place of the
    paper's agglomerative clustering, which takes the square of the pool. Copies get no place.
    """

    times: float = 10.0
    """Closest calls that are looked at for each place of the head."""

    name = "cluster-margin"
    summary = "Closest calls, dealt out over the clusters of the pool so that a batch is not all alike."
    diverse = True

    def __post_init__(self) -> None:
        if not 1 <= self.times < np.inf:
            raise BadRequest(f"cluster-margin was given times={self.times}.", "Pass a number from 1 on.")

    def rank(self, view: View) -> Ranking:
        """By clusters in turn; the rest by margin."""
        doubt = margin(view.probabilities) if view.trained else np.ones(view.size, dtype=np.float32)
        closest = descending(doubt, view.rng)[: int(min(view.size, self.times * view.head))]
        closest = view.rng.permutation(closest)
        centres = view.features.centres(min(MOST, max(1, view.features.items // USUAL)))
        cluster = nearest(view.features, centres, closest)
        groups = sorted(grouped(closest, cluster, len(centres)), key=len)
        return by_places(view, in_turn(view, groups), doubt)
