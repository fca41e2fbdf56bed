"""How good a model is at sets and numbers beyond right and wrong: F1 of each label, and the mean absolute error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from labelcue.insights.audit import Sample, Share
from labelcue.insights.intervals import LEVEL, Estimate, Real
from labelcue.types import Bools, Ints, Label


def by_label(
    names: Sequence[Label], audits: tuple[Bools, Bools], chosen: tuple[Bools, Bools], seen: Sample, level: float = LEVEL
) -> tuple[Share, ...]:
    """F1 of each label: `audits` are (n, c) the labels given and the labels predicted, `chosen` (k, c) likewise by
    models that did not see the task; `seen` has the weights of both. `n`: audits with the label given or predicted.

    Of the tasks that have a label given or predicted, J is the share that has both, and F1 = 2 J / (1 + J) rises with
    it: so do the bounds.
    """
    found = []
    for place, name in enumerate(names):
        (said, predicted), (said_too, predicted_too) = (
            (given[:, place], guessed[:, place]) for given, guessed in (audits, chosen)
        )
        both = replace(seen, right=said & predicted, known=said_too & predicted_too)
        some = np.flatnonzero(said | predicted).astype(np.int64)
        share = both.share(some, np.flatnonzero(said_too | predicted_too).astype(np.int64), level)
        found.append(Share(name, _f1(share), len(some)))
    return tuple(found)


def _f1(share: Estimate | None) -> Estimate | None:
    if share is None:
        return None
    value, low, high = (2 * one / (1 + one) for one in (share.value, share.low, share.high))
    return Estimate(value, low, high, share.n)


def mean_error(off: Real, off_too: Real, seen: Sample, level: float = LEVEL) -> Estimate | None:
    """Mean absolute error of the pool: (n,) of the audits, and (k,) of the tasks that a strategy chose, by models that
    did not see them; `seen` has the weights of both. None for fewer than two audits.

    Bounds by Student's t on the logarithm of the audits' mean, as errors are skewed, with Kish's effective number.
    """
    if len(off) < 2:
        return None
    weight, mass = seen.weight, float(seen.weight.sum())
    mean = float(np.average(off, weights=weight))
    error = float(np.sqrt(np.square(weight * (off - mean)).sum()) / mass)
    effective = mass**2 / float(np.square(weight).sum())
    far = float(stats.t.ppf((1 + level) / 2, max(effective - 1, 1))) * error / mean if mean > 0 else 0.0
    known, whole = float(seen.sure @ off_too), mass + float(seen.sure.sum())
    value, low, high = ((known + mass * one) / whole for one in (mean, mean * np.exp(-far), mean * np.exp(far)))
    return Estimate(float(value), float(low), float(high), len(off))


def parts_of(numbers: Real, low: float, high: float, parts: int) -> Ints:
    """(n,) which of so many equal parts of the range each number lies in."""
    share = (numbers - low) * (parts / max(high - low, 1e-12))
    found: Ints = np.clip(share, 0, parts - 1).astype(np.int64)
    return found
