"""Honest accuracy: from tasks that chance chose, of which the model has not learned.

Tasks that a strategy chose never measure the model: they are harder than the rest. An audit stream draws a share of
the served tasks uniformly among what is left, logs the chance 1 / left of each draw, and keeps them out of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcue.insights.intervals import LEVEL, Estimate, Real, weighted_share
from labelcue.types import Floats, Ints, Label

ENOUGH = 50
"""Audit labels below which no accuracy is shown: the interval would be wider than 30 points."""


@dataclass(frozen=True, slots=True)
class Share:
    """The accuracy within one class or slice; None where no audit label fell into it."""

    name: str
    accuracy: Estimate | None
    n: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit stream says. Without `accuracy` it says how many labels are missing."""

    labels: int
    missing: int
    """Audit labels that are still needed; 0 where there are enough."""
    accuracy: Estimate | None
    classes: tuple[Share, ...]
    """By the label given: the share of a class that the model recognises."""
    confusion: tuple[tuple[int, ...], ...]
    """(c, c) audit labels: rows by the label given, columns by the class predicted."""
    sentence: str


def audit(said: Ints, predicted: Ints, propensity: Floats, classes: Sequence[Label], level: float = LEVEL) -> Audit:
    """Accuracy overall and by class of (n,) audit tasks: label given and class predicted, as indices into `classes`.

    `propensity` (n,): the chance with which each was drawn, NaN where none was logged. A task stands for as many as
    were left when it was drawn, the inverse of its chance (Horvitz & Thompson, JASA 1952).
    """
    n, count = len(said), len(classes)
    confusion = np.bincount(said * count + predicted, minlength=count * count).reshape(count, count)
    table = tuple(tuple(int(one) for one in row) for row in confusion)
    if n < ENOUGH:
        return Audit(n, ENOUGH - n, None, (), table, f"Not enough audit labels yet: {ENOUGH - n} more.")
    weight, right = weights(propensity), said == predicted
    whole = weighted_share(right, weight, level)
    sentence = (
        f"The model is right on {whole.value:.1%} of the tasks that are like those left ({whole.low:.1%} to "
        f"{whole.high:.1%} with {level:.0%} confidence), by {n} labels of tasks that chance chose."
    )
    return Audit(n, 0, whole, by_group(said, classes, right, weight, level), table, sentence)


def by_group(
    group: Ints, names: Sequence[str], right: NDArray[np.bool_], weight: Real, level: float = LEVEL
) -> tuple[Share, ...]:
    """Accuracy within each group: `group` (n,) is an index into `names`, or -1 for none."""
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(names) + 1))
    found = []
    for name, first, last in zip(names, bounds[:-1], bounds[1:], strict=True):
        rows = order[first:last]
        estimate = weighted_share(right[rows], weight[rows], level) if len(rows) else None
        found.append(Share(name, estimate, len(rows)))
    return tuple(found)


def weights(propensity: Floats) -> Real:
    """(n,) float64 of mean 1: how many tasks each one stands for; those without a chance count as the mean."""
    inverse = 1 / np.asarray(propensity, dtype=np.float64)
    known = np.isfinite(inverse)
    inverse[~known] = inverse[known].mean() if known.any() else 1.0
    weight: Real = inverse / inverse.mean() if len(inverse) else inverse
    return weight
