"""Figures of learning curves. Pure: accuracies in, numbers out; what was not reached is None or NaN, never a guess.

(s, k) curves: one row a seed, one column a mark; strategies are paired with random order by their rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

RESAMPLES = 1000
"""Bootstrap samples of the seeds, for the standard error of a crossing."""
CLOSE = 1e-12
"""Means of the same numbers, added up in another order, differ by less."""


def marks_upto(budget: int, step: int) -> list[int]:
    """Numbers of labels at which accuracy is measured: each `step`, and the budget itself."""
    return [*range(step, budget, step), budget]


def standard_error(values: Real) -> Real | None:
    """(s, ...) → (...) standard error of the mean; None for a single seed."""
    if len(values) < 2:
        return None
    error: Real = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return error


def area(curves: Real) -> Real:
    """(s, k) → (s,) mean accuracy over the marks."""
    mean: Real = curves.mean(axis=1)
    return mean


def log_area(marks: list[int], curves: Real) -> Real:
    """(s, k) → (s,) mean accuracy over the logarithm of the number of labels: the first weigh more."""
    if len(marks) < 2:
        return area(curves)
    place = np.log(np.array(marks, dtype=np.float64))
    mean: Real = ((curves[:, 1:] + curves[:, :-1]) / 2 * np.diff(place)).sum(axis=1) / (place[-1] - place[0])
    return mean


def crossings(marks: list[int], curves: Real, targets: Real) -> Real:
    """(s,) numbers of labels at which each curve first reaches its target, interpolated; NaN where it never does.

    A curve that starts above its target has the first mark: what is before it was not measured.
    """
    reached = curves >= targets[:, None] - CLOSE
    first = reached.argmax(axis=1)
    before = np.maximum(first - 1, 0)
    each, place = np.arange(len(curves)), np.array(marks, dtype=np.float64)
    low, high = curves[each, before], curves[each, first]
    rise = np.where(first > 0, high - low, 1.0)
    share = np.where(first > 0, (targets - low) / np.where(rise > 0, rise, 1.0), 1.0)
    found: Real = np.where(reached.any(axis=1), place[before] + share * (place[first] - place[before]), np.nan)
    return found


def crossing(marks: list[int], curves: Real, targets: Real) -> tuple[float | None, float | None, int]:
    """Where the mean curve reaches the mean target, its standard error, and how many seeds' own curves never do.

    The error is a bootstrap over seeds, which keeps curve and target of a seed together; a sample that never reaches
    its target counts as the last mark, so that the error is too small where many do not: see the number of seeds.
    """
    censored = int(np.isnan(crossings(marks, curves, targets)).sum())
    found = float(crossings(marks, curves.mean(axis=0)[None], targets.mean()[None])[0])
    if np.isnan(found):
        return None, None, censored
    if len(curves) < 2:
        return found, None, censored
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(curves), np.full(len(curves), 1 / len(curves)), RESAMPLES) / len(curves)
    sampled = crossings(marks, weights @ curves, weights @ targets)
    return found, float(np.nan_to_num(sampled, nan=marks[-1]).std(ddof=1)), censored


def worst(marks: list[int], differences: Real, start: int = 0) -> tuple[float, float | None, int] | None:
    """The lowest mean of (s, k) differences from `start` labels on, its standard error and its mark; None without."""
    kept = np.flatnonzero(np.array(marks) >= start)
    if not len(kept):
        return None
    means, errors = differences.mean(axis=0), standard_error(differences)
    at = int(kept[means[kept].argmin()])
    return float(means[at]), None if errors is None else float(errors[at]), marks[at]


def geometric_mean(values: list[float], errors: list[float | None]) -> tuple[float, float | None]:
    """Of positive values, and its standard error by the delta method, where every value has one."""
    shares = np.array(values)
    mean = float(np.exp(np.log(shares).mean()))
    known = [error for error in errors if error is not None]
    if len(known) < len(values):
        return mean, None
    return mean, float(mean * np.sqrt(((np.array(known) / shares) ** 2).sum()) / len(shares))
