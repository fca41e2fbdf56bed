"""Honest accuracy: from tasks that chance chose, of which the model has not learned.

Tasks that a strategy chose never measure the model: they are harder than the rest. An audit stream draws a share of
the served tasks uniformly among what is left, logs the chance 1 / left of each draw, and keeps them out of training.
What is left grows easier as a strategy takes the hard ones: those count too, by models that did not see them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from labelcue.insights.intervals import LEVEL, Estimate, Real, weighted_share
from labelcue.types import Bools, Floats, Ints, Label

ENOUGH = 50
"""Audit labels below which no accuracy is shown: the interval would be wider than 30 points."""


@dataclass(frozen=True, slots=True)
class Share:
    """The accuracy within one class or slice; None where no audit label fell into it."""

    name: str
    accuracy: Estimate | None
    n: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled tasks that stand for the whole pool; the weights sum to 1."""

    right: Bools
    """(n,) whether the model is right on each audit."""
    weight: Real
    """(n,) share of the pool that each audit stands for."""
    known: Bools
    """(k,) whether a model that did not see the task is right on each that the strategy chose."""
    sure: Real
    """(k,) share of the pool that each of these stands for: itself, in all audits that came after it."""

    def share(self, audits: Ints | slice, chosen: Ints | slice, level: float = LEVEL) -> Estimate | None:
        """Accuracy among some of the audits and of the chosen; None without audits."""
        right, weight, sure = self.right[audits], self.weight[audits], self.sure[chosen]
        if not len(right):
            return None
        found, known = weighted_share(right, weight, level), float(sure @ self.known[chosen])
        mass = float(weight.sum())
        value, low, high = ((known + mass * one) / (mass + sure.sum()) for one in (found.value, found.low, found.high))
        return Estimate(float(value), float(low), min(float(high), 1.0), len(right))


def sample(right: Bools, propensity: Floats, known: Bools, after: Ints) -> Sample:
    """Weights without bias, though the pool is used up meanwhile, the hard tasks first.

    When audit t is drawn among L_t tasks, N_t - L_t tasks have labels, and whether the model is right on these is
    known, so that (Σ known right + L_t right_t) / N_t is right on average (Des Raj, JASA 1956; for active testing
    Farquhar, Gal & Rainforth, ICLR 2021). The mean over all audits weighs audit s by L_s / N_s + Σ_{t>s} 1 / N_t.

    `right` (n,) and `propensity` (n,), 1 / L_t, in the order of the audits' labels, NaN where none was logged; `known`
    (k,) of the tasks that a strategy chose, and `after` (k,) the number of audits labelled before each.
    """
    n = len(right)
    left = 1 / propensity.astype(np.float64)
    logged = np.isfinite(left)
    left[~logged] = np.median(left[logged]) if logged.any() else 1e9
    labelled = np.arange(n) + np.searchsorted(np.sort(after), np.arange(n), side="right")
    each = 1 / (labelled + left) / max(n, 1)
    later = np.append(np.cumsum(each[::-1])[::-1], 0.0)
    return Sample(right, left * each + later[1:], known, later[np.minimum(after, n)])


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
    labels_f1: tuple[Share, ...] = ()
    """Of sets: F1 of each label."""
    error: Estimate | None = None
    """Of numbers: the mean absolute error."""


def audit(
    said: Ints, predicted: Ints, chosen: Ints, seen: Sample, classes: Sequence[Label], level: float = LEVEL
) -> Audit:
    """Accuracy overall and by class of (n,) audits, the label given and the class predicted as indices into `classes`.

    `chosen` (k,): the label given of the tasks that a strategy chose; `seen`: audits and these, in the same order.
    """
    n, count = len(said), len(classes)
    confusion = np.bincount(said * count + predicted, minlength=count * count).reshape(count, count)
    table = tuple(tuple(int(one) for one in row) for row in confusion)
    plain = audit_of(n, seen, "is right on", level)
    if plain.accuracy is None:
        return replace(plain, confusion=table)
    return replace(plain, classes=by_group(said, chosen, classes, seen, level), confusion=table)


def audit_of(n: int, seen: Sample, right_is: str, level: float = LEVEL) -> Audit:
    """The share of right answers alone, by n audits; `right_is` stands behind 'The model' in its sentence."""
    whole = seen.share(slice(None), slice(None), level)
    if n < ENOUGH or whole is None:
        return Audit(n, ENOUGH - n, None, (), (), f"Not enough audit labels yet: {ENOUGH - n} more.")
    sentence = (
        f"The model {right_is} {whole.value:.1%} of the tasks ({whole.low:.1%} to {whole.high:.1%} with {level:.0%} "
        f"confidence), by {n} labels of tasks that chance chose."
    )
    return Audit(n, 0, whole, (), (), sentence)


def by_group(audits: Ints, chosen: Ints, names: Sequence[str], seen: Sample, level: float = LEVEL) -> tuple[Share, ...]:
    """Accuracy within each group: `audits` (n,) and `chosen` (k,) are indices into `names`, or -1 for none."""
    mine, theirs = _members(audits, len(names)), _members(chosen, len(names))
    return tuple(
        Share(name, seen.share(rows, others, level), len(rows))
        for name, rows, others in zip(names, mine, theirs, strict=True)
    )


def _members(group: Ints, groups: int) -> list[Ints]:
    """Of each group its members."""
    order = np.argsort(group, kind="stable").astype(np.int64)
    return np.split(order, np.searchsorted(group[order], np.arange(groups + 1)))[1:-1]
