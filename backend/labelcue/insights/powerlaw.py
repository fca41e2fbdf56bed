"""Learning curves as a power law, with what is not known of them.

    accuracy(n) = a - b n^-c      (Hestness et al., arXiv 1712.00409; for classifiers Figueroa et al., BMC MIDM 2012)

A grid of (a, b, c) is weighed by how well each explains the measured points, so that a forecast is a distribution and
not a line: with few audit labels its intervals are wide, as they should be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.insights.intervals import Real
from labelcue.types import Bools, Ints

SLOPES = np.geomspace(0.15, 1.6, 12)
BEYOND = np.geomspace(0.002, 0.7, 40)
"""Accuracy that no number of labels brings."""
SHORT = np.geomspace(0.005, 0.9, 40)
"""Accuracy that the first point has less than the ceiling."""
USUAL_SLOPE, SPREAD = 0.5, 0.3
"""Of the exponent c before anything is seen: a root, and the standard deviation of its logarithm."""
WOBBLE = 0.08
"""Standard deviation of a model's accuracy around the law, as a share of the accuracy that is missing."""
BEND = 0.8
"""Standard deviation of the logarithm of what the true gain is of the law's: curves bend."""
GAIN_WOBBLE, GAIN_BEND = 0.022, 0.3
"""The same of what the next labels add to the trend, and its wobble as a share of the root of accuracy times what is
missing: a hundred labels see less of a bend than the way to a target."""
RIDGE = 0.1
"""Share of the points' covariance that is taken as independent: few audit labels cannot tell how they move together."""


@dataclass(frozen=True)
class Law:
    """A distribution over power laws."""

    ceiling: Real
    """(g,) a."""
    drop: Real
    """(g,) b."""
    slope: Real
    """(g,) c."""
    weight: Real
    """(g,) sums to 1."""

    def accuracy(self, labels: float) -> Real:
        """(g,) what each law says of so many labels."""
        return self.ceiling - self.drop * float(labels) ** -self.slope

    def mean(self, labels: float) -> float:
        """The expected accuracy after so many labels."""
        return float(self.weight @ self.accuracy(labels))

    def gain(self, start: float, stop: float) -> Real:
        """(g,) what labels from `start` to `stop` add."""
        return self.accuracy(stop) - self.accuracy(start)

    def needed_quantiles(self, labels: float, target: float, shares: tuple[float, ...]) -> list[float]:
        """Of the labels beyond those of now with which a model is seen to reach the target; infinite: it never does.

        Likewise bent, and with the model's wobble.
        """
        bends, odds = np.polynomial.hermite_e.hermegauss(5)
        off = WOBBLE * (1 - target)
        beyond = [np.maximum(self.labels_to(target + off * one) - labels, 0) for one in bends]
        values = np.concatenate([one * np.exp(BEND * bend) for one in beyond for bend in bends])
        weight = np.concatenate([self.weight * one * two for one in odds for two in odds])
        return quantiles(values, weight, shares)

    def labels_to(self, target: float) -> Real:
        """(g,) labels at which each law reaches the target; infinite where it never does."""
        short = self.ceiling - target
        with np.errstate(divide="ignore", over="ignore"):
            return np.where(short > 0, (self.drop / np.maximum(short, 1e-12)) ** (1 / self.slope), np.inf)

    def gain_quantiles(self, start: float, stop: float, shares: tuple[float, ...]) -> list[float]:
        """Of the gain of the trend, which single models wobble around: that of a law, bent, and off at both ends."""
        gain, accuracy = self.gain(start, stop), np.clip(self.accuracy(start), 0, 1)
        off = np.sqrt(2 * accuracy * (1 - accuracy)) * GAIN_WOBBLE
        bends, odds = np.polynomial.hermite_e.hermegauss(5)
        odds = odds / odds.sum()
        values = [gain * np.exp(GAIN_BEND * one) + off * two for one in bends for two in bends]
        weight = np.concatenate([self.weight * one * two for one in odds for two in odds])
        return quantiles(np.concatenate(values), weight, shares)

    def quantiles(self, values: Real, shares: tuple[float, ...]) -> list[float]:
        """Weighted quantiles of one value a law."""
        return quantiles(values, self.weight, shares)


def fit(labels: Ints, right: Bools | Real, weight: Real, alike: Law | None = None) -> Law:
    """The laws behind `right` (k, n): whether (or how often) the model after `labels` (k,) is right on n audit tasks.

    `weight` (n,) is how many tasks each stands for: 1 on average of audits, less of tasks that stand for themselves
    beside them. The points' covariance is that of these tasks, which all points share, so that differences between
    points are known better than the points. `alike`: laws of another order of the same tasks, which has the same
    ceiling.
    """
    seen = np.asarray(right, dtype=np.float64)
    mean = seen @ weight / weight.sum()
    # Two more tasks that all get right and two that none does (Agresti & Coull, 1998): of a few errors that all models
    # share, nobody knows the rate to the last digit.
    apart = np.concatenate(
        [(seen - mean[:, None]) * weight, np.outer(1 - mean, [1, 1]), np.outer(mean, [1, 1])], axis=1
    )
    covariance = apart @ apart.T / (weight.sum() + 4) ** 2
    missing = np.maximum(1 - mean, 1 / (weight.sum() + 2))
    covariance = (1 - RIDGE) * covariance + np.diag(RIDGE * covariance.diagonal() + np.square(WOBBLE * missing))
    return _weigh(labels.astype(np.float64), mean, covariance, alike)


def _weigh(labels: Real, mean: Real, covariance: Real, alike: Law | None) -> Law:
    ceiling, drop, slope = _grid(labels)
    laws = ceiling[:, None] - drop[:, None] * labels[None, :] ** -slope[:, None]
    root = np.linalg.cholesky(covariance)
    away = np.linalg.solve(root, (laws - mean).T)
    log_weight = -0.5 * np.square(away).sum(axis=0)
    log_weight -= 0.5 * (np.log(slope / USUAL_SLOPE) / SPREAD) ** 2
    if alike is not None:
        known = np.bincount(np.searchsorted(BEYOND, 1 - alike.ceiling - 1e-9), alike.weight, minlength=len(BEYOND))
        log_weight += np.log(known + 1e-9)[np.searchsorted(BEYOND, 1 - ceiling - 1e-9)]
    weight = np.exp(log_weight - log_weight.max())
    kept = weight > 1e-6
    return Law(ceiling[kept], drop[kept], slope[kept], weight[kept] / weight[kept].sum())


def _grid(labels: Real) -> tuple[Real, Real, Real]:
    """Missing accuracy at the ceiling and at the first point by their logarithms, so that the grid fits any slope."""
    ceiling, short, slope = np.meshgrid(1 - BEYOND, SHORT, SLOPES, indexing="ij")
    ceiling, short, slope = ceiling.ravel(), short.ravel(), slope.ravel()
    return ceiling, short * labels[0] ** slope, slope


def quantiles(values: Real, weight: Real, shares: tuple[float, ...]) -> list[float]:
    """Weighted quantiles of (g,) values."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weight[order])
    places = np.minimum(np.searchsorted(upto, np.array(shares) * upto[-1]), len(order) - 1)
    return [float(values[order[place]]) for place in places]
