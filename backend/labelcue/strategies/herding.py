"""Uncertainty herding: what speaks for most of the pool that the model is unsure of and nothing labelled covers."""

from __future__ import annotations

import numpy as np

from labelcue.labels import EVERY
from labelcue.strategies import Neighbours, Ranking, Strategy, View, by_places, strategies
from labelcue.types import Floats

CROWDED, SPARSE = 0.02, 0.95
"""The distance to the tenth neighbour is raised to this share of its median and lowered to this quantile: copies keep a
voice, and outliers speak for themselves alone."""
NARROWEST, NARROW, WIDE = 0.3, 1.0, 1.5
"""Bounds of the kernel's width, as multiples of the median distance to the twentieth neighbour: with more labels of
each class the lower one falls from the second to the first, and the order comes nearer to that by margin."""
FALL = 0.25
"""Power of the labels of a class with which it falls."""
STEP = 1.02
"""Widths are powers of this, times the median distance: while one serves, what the kernel is along the edges stays."""
SKEWED = 0.5
"""Share of the classes' evenness that a pool must lack for its density to be made up for in full."""


@strategies.register("herding")
class Herding(Strategy):
    """Greedy Σ_i w_i u_i max_{s in S} K_is over the candidates i, S what is labelled, leased or placed.

    Uncertainty Herding (Bae, Oliveira & Sutherland, ICLR 2025, arXiv 2412.20644) on the sparse neighbour graph. w:
    inverse density of the pool, as far as its classes are uneven, shared out among near-copies, so that neither crowds
    nor copies outvote the rest. u: margin uncertainty over the root of the number of labels of the predicted class; 1
    until there are as many labels as classes, or another model speaks, so that the start is pure coverage. K: a
    Gaussian as wide as the nearest two labelled neighbours are apart, within bounds.
    """

    name = "herding"
    summary = "Speaks for most of what the model is unsure of, counting what is labelled or comes before it as covered."
    when = "Always: the first labels are typical of every part of the pool, the later ones settle the model's doubts."
    kinds = EVERY
    diverse = True
    understudy = "coreset-margin"

    def rank(self, view: View) -> Ranking:
        """By the gain in covered weight; each place as if those before it were taken."""
        near = view.neighbours()
        learned = view.trained and (view.heard or view.labelled >= view.belief.groups)
        weight = _inverse_density(near)
        if learned:
            weight **= np.float32(min(1.0, view.belief.unevenness() / SKEWED))
            doubt, group = view.belief.grouped()
            weight *= doubt
            weight *= (1 / np.sqrt(view.counts + 1)).astype(np.float32)[group]
        weight /= near.copies()
        narrow = max(NARROWEST, NARROW * (1 + view.labelled / max(1, view.belief.groups)) ** -FALL)
        width = float(np.clip(near.closest() / near.scale, narrow, WIDE))
        places, rest = near.place(weight, near.scale * STEP ** round(np.log(width) / np.log(STEP)), view.head)
        return by_places(view, places, rest)


def _inverse_density(near: Neighbours) -> Floats:
    """(m,) float32, 1 for an item in a place of median density."""
    weight = near.sparseness()
    usual = max(near.usual_sparseness(0.5), 1e-6)
    weight /= np.float32(usual)
    return np.clip(weight, CROWDED, max(CROWDED, near.usual_sparseness(SPARSE) / usual), out=weight)
