"""Orders drawn by lot with known chances, so that unbiased estimates can be made of what is labelled in that order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.strategies import Ranking, View, ranking_of
from labelcue.types import Floats, Ints


def drawn(view: View, log_weight: Floats) -> Ranking:
    """Draw all candidates without replacement, each place in proportion to the weights of those that are left.

    Plackett-Luce by perturbed weights: descending log w + Gumbel noise (Kirsch, Farquhar, Atighehchian, Jesson,
    Branchaud-Charron & Gal, TMLR 2023, arXiv 2106.12059; Yellott, 1977). `log_weight`: (m,) finite.
    """
    weight = log_weight.astype(np.float64)
    key = weight + view.rng.gumbel(size=len(weight))
    order: Ints = np.argsort(-key, kind="stable").astype(np.int64)
    with np.errstate(under="ignore"):
        gain = np.exp(key[order] - key.max(initial=-np.inf))
    return ranking_of(view, order, gain.astype(np.float32), chances(weight[order]))


def chances(log_weight: NDArray[np.float64]) -> Floats:
    """(m,) float32 w_t / Σ_{s >= t} w_s for log weights in the order of the draw: what each had when it was drawn."""
    left = np.logaddexp.accumulate(log_weight[::-1])[::-1]
    shares: Floats = np.exp(log_weight - left).astype(np.float32)
    return shares
