"""Labels that are probably wrong among sets and numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from labelcue.insights.errors import FEWEST, Errors, Suspect, ranked, told
from labelcue.insights.heldout import HeldOut
from labelcue.insights.intervals import Real
from labelcue.types import Answer, Bools, Floats, Ints, Label

FEWEST_OF_A_LABEL = 5
"""Tasks with a label, and without it, below which nothing is said of it."""
FAR = 3.0
"""Robust standard deviations from which on a number is suspected."""
MAD = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""
Say = Callable[[Answer], str]


def set_errors(tasks: Ints, given: Bools, found: HeldOut, names: Sequence[Label], say: Say) -> Errors:
    """`tasks` (n,) ids of the labelled tasks, `given` (n, c) their labels, `found` of the same n.

    Confident learning label by label, each against its absence, as cleanlab does for several labels (Thyagarajan et
    al., arXiv 2211.13895); a task is as suspect as the least believed of its labels.
    """
    n = len(tasks)
    if n < FEWEST:
        return Errors(n, (), f"Not enough to look for wrong labels yet: {FEWEST - n} more labelled tasks.")
    believed = np.where(given, found.probabilities, 1 - found.probabilities)
    doubted = np.zeros_like(given)
    for place in range(given.shape[1]):
        if FEWEST_OF_A_LABEL <= given[:, place].sum() <= n - FEWEST_OF_A_LABEL:
            doubted[_doubted(given[:, place], found.probabilities[:, place]), place] = True
    least = np.where(doubted, believed, 2.0).min(axis=1)
    order = np.flatnonzero(least <= 1)
    order = order[np.argsort(least[order], kind="stable")]
    better = given ^ doubted
    suspects = tuple(
        Suspect(int(tasks[row]), -1, -1, round(float(least[row]), 4), 0, *_said(given[row], better[row], names, say))
        for row in order
    )
    return told(n, suspects)


def _doubted(given: Bools, likely: Floats) -> Ints:
    """Rows whose yes or no of one label looks wrong."""
    return ranked(given.astype(np.int64), np.column_stack([1 - likely, likely]))


def _said(given: Bools, better: Bools, names: Sequence[Label], say: Say) -> tuple[str, str]:
    one, two = (say(frozenset(names[place] for place in np.flatnonzero(some))) for some in (given, better))
    return one, two


def number_errors(tasks: Ints, given: Real, found: HeldOut, tolerance: float, say: Say) -> Errors:
    """`tasks` (n,) ids, `given` (n,) their numbers, `found` of the same n.

    Suspected is what is off by more than the tolerance and by more than three standard deviations of what labels are
    usually off, which their median tells (Rousseeuw & Croux, JASA 1993). The belief is how often a normal error is as
    large.
    """
    n = len(tasks)
    if n < FEWEST:
        return Errors(n, (), f"Not enough to look for wrong labels yet: {FEWEST - n} more labelled tasks.")
    off = given - found.probabilities[:, 0]
    middle = float(np.median(off))
    spread = max(MAD * float(np.median(np.abs(off - middle))), 1e-12)
    far = np.abs(off - middle) / spread
    order = np.flatnonzero((far >= FAR) & (np.abs(off) > tolerance))
    order = order[np.argsort(-far[order], kind="stable")]
    suspects = tuple(
        Suspect(
            int(tasks[row]),
            -1,
            -1,
            round(float(2 * stats.norm.sf(far[row])), 6),
            0,
            say(float(given[row])),
            f"about {say(float(found.probabilities[row, 0]))}",
        )
        for row in order
    )
    return told(n, suspects)
