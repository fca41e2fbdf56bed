"""A subset of an unlabelled set, by a surrogate that was trained elsewhere.

Kolossov, Montanari & Tandon, "Towards a statistical theory of data selection under weak supervision" (ICLR 2024), Eq.
6.1: each item is kept by itself with the chance min(1, c h^α), h how hard the surrogate finds it, c such that as many
are kept as may be labelled. α > 0 prefers hard items, α < 0 easy ones, 0 is a uniform sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.errors import BadRequest
from labelcue.insights.intervals import Real
from labelcue.labels.measures import hardness
from labelcue.types import Floats, Ints

SCHEMES = ("plain", "unbiased")
STEPS = 100
"""Of the bisection: to the last bit of c."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected, k of n."""

    rows: Ints
    """(k,) ascending."""
    chance: Real
    """(n,) with which each item was to be kept."""
    weight: Real
    """(k,) of each kept item in the training loss: 1, or 1 / chance for the unbiased scheme."""


def select(probabilities: Floats, budget: float, alpha: float, scheme: str, rng: np.random.Generator) -> Selection:
    """`probabilities` (n, c) by the surrogate; `budget` a share up to 1, or a number of items above 1.

    With several classes, h is (1 - Σ p²) / 2, which is p (1 - p) with two. The number that is kept is the budget on
    average, as items are drawn by themselves. Raises BadRequest for probabilities, budget, alpha and scheme.
    """
    n = len(probabilities)
    _check(probabilities, alpha, scheme)
    wanted = budget * n if 0 < budget <= 1 else budget
    if not 0 < wanted <= n:
        raise BadRequest(
            f"A budget of {budget:g} of {n} items cannot be met.", f"Ask for a share up to 1, or for 2 to {n} items."
        )
    chance = chances(np.power(hardness(probabilities).astype(np.float64), alpha), wanted)
    rows = np.flatnonzero(rng.random(n) < chance).astype(np.int64)
    weight = 1 / chance[rows] if scheme == "unbiased" else np.ones(len(rows))
    return Selection(rows, chance, weight)


def chances(score: Real, wanted: float) -> Real:
    """(n,) min(1, c score) that sum to `wanted`, of positive scores (n,); c by bisection."""
    low, high = 0.0, 1.0 / float(score.min())
    for _ in range(STEPS):
        middle = (low + high) / 2
        if np.minimum(middle * score, 1).sum() < wanted:
            low = middle
        else:
            high = middle
    found: Real = np.minimum(high * score, 1.0)
    return found


def _check(probabilities: Floats, alpha: float, scheme: str) -> None:
    if scheme not in SCHEMES:
        raise BadRequest(f"There is no scheme {scheme!r}.", f"Choose of: {', '.join(SCHEMES)}.")
    if not np.isfinite(alpha) or abs(alpha) > 10:
        raise BadRequest(f"Alpha is {alpha}.", "Pass a number from -10 to 10; 0.5 is a good start, 0 a uniform sample.")
    if probabilities.ndim != 2 or probabilities.shape[1] < 2 or not len(probabilities):
        raise BadRequest(
            f"Probabilities have the shape {probabilities.shape}.", "Pass one row an item and two columns or more."
        )
    good = np.isfinite(probabilities).all(axis=1) & (probabilities >= 0).all(axis=1)
    bad = np.flatnonzero(~(good & (np.abs(probabilities.sum(axis=1) - 1) < 0.01)))
    if len(bad):
        shown = ", ".join(str(row) for row in bad[:5])
        raise BadRequest(f"The rows {shown} are no probabilities.", "Each row has numbers from 0 on that sum to 1.")
