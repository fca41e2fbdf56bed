"""A figure with its interval, for shares that are estimated from a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from labelcue.types import Bools

Real = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, the bounds that hold the truth at the stated level, and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int


def wilson(right: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Bounds of a share of which `right` of `n` were seen, both may be fractions (Wilson, JASA 1927)."""
    z = float(stats.norm.ppf((1 + level) / 2))
    share, spread = right / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * float(np.sqrt(share * (1 - share) / n + spread / (4 * n))) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def exact(right: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """The same by Clopper & Pearson (Biometrika 1934): never holds the truth less often than it says."""
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, right, n - right + 1)) if right > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, right + 1, n - right)) if right < n else 1.0
    return low, high


def weighted_share(right: Bools, weight: Real, level: float = LEVEL) -> Estimate:
    """The share of `right` (n,) in a population of which each row stands for `weight` (n,) items.

    Hájek's ratio estimator, and the exact interval on the effective number of rows (Korn & Graubard, Survey
    Methodology 1998), which is the smaller of Kish's n / (1 + cv²) and the one by the estimator's own variance.
    Equal weights give Clopper & Pearson's interval. Raises ValueError for no rows.
    """
    if not len(right):
        raise ValueError("a share of nothing was asked for")
    share = float(np.average(right, weights=weight))
    effective = float(weight.sum() ** 2 / np.square(weight).sum())
    variance = float((np.square(weight * (right - share))).sum() / weight.sum() ** 2)
    if variance > 0:
        effective = min(effective, share * (1 - share) / variance)
    low, high = exact(share * effective, effective, level)
    return Estimate(share, low, high, len(right))
