"""Whether newly imported tasks are like those before them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from labelcue.insights.intervals import Real
from labelcue.surrogates.crossval import folds
from labelcue.surrogates.solver import ROUGH, logits, solve
from labelcue.types import Bools, Floats, Ints

SAMPLE = 500
"""Tasks of each side that are compared."""
FEWEST = 20
"""New tasks below which nothing is said."""
SHUFFLES = 1000
LEVEL = 0.01
"""Chance of an alarm where nothing has changed; an import is tested once."""
SMALL = 0.6
"""Area under the curve up to which a difference, however certain, is too small to matter: 0.5 is none."""
BATCH_S = 3600.0
"""A longer pause between two tasks' arrivals begins another import."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The newest import against the tasks before it."""

    new: int
    old: int
    p: float | None
    """How often a split at random would differ as much; None where there is nothing to compare."""
    auc: float | None
    """How well a classifier tells the new tasks from the old: 0.5 not at all, 1 always."""
    alarm: bool
    sentence: str


def newest(arrived: Real) -> Bools:
    """(n,) whether each task came with the newest import: after the last pause of an hour among (n,) Unix seconds."""
    if not len(arrived):
        return np.zeros(0, dtype=np.bool_)
    order = np.sort(arrived)
    pauses = np.flatnonzero(np.diff(order) > BATCH_S)
    begin = order[pauses[-1] + 1] if len(pauses) else np.inf
    return np.asarray(arrived >= begin, dtype=np.bool_)


def drift(unit: Callable[[Ints], Floats], new: Bools, seed: int, l2: float = 1.0) -> Drift:
    """`unit` gives the (k, d) vectors, of length one, of (k,) of the tasks; `new` (n,) as `newest` gives it.

    Of each side a random share is compared: by the maximum mean discrepancy with a Gaussian kernel of median width,
    with p from shuffled sides, exact whatever the distribution (Gretton et al., JMLR 2012), and by how well a
    cross-validated classifier tells them apart (Lopez-Paz & Oquab, ICLR 2017), which says how large the difference is.
    """
    fresh, before = np.flatnonzero(new), np.flatnonzero(~new)
    if not len(fresh):
        return Drift(0, len(before), None, None, False, "All tasks came with one import: there is nothing to compare.")
    if min(len(fresh), len(before)) < FEWEST:
        words = (
            f"The newest import has {len(fresh):,} tasks, and {len(before):,} came before: {FEWEST} of each are needed."
        )
        return Drift(len(fresh), len(before), None, None, False, words)
    rng = np.random.default_rng([seed, len(fresh)])
    rows = np.concatenate([rng.permutation(side)[:SAMPLE] for side in (fresh, before)])
    side = np.isin(rows, fresh)
    found = unit(rows)
    p, auc = discrepancy(found, side, rng), apart(found, side, l2, rng)
    alarm = p < LEVEL and auc > SMALL
    return Drift(len(fresh), len(before), p, auc, alarm, _sentence(len(fresh), p, auc, alarm))


def _sentence(new: int, p: float, auc: float, alarm: bool) -> str:
    figures = f"p = {p:.3f}; a classifier tells them apart with an area under the curve of {auc:.2f}, 0.5 being chance"
    if alarm:
        return (
            f"The {new:,} newest tasks differ from those before them ({figures}). Accuracy measured on older tasks "
            "does not hold for them: label some of them, and watch their slice."
        )
    if p < LEVEL:
        return f"The {new:,} newest tasks differ from those before them, but little ({figures})."
    return f"The {new:,} newest tasks are like those before them ({figures})."


def discrepancy(vectors: Floats, side: Bools, rng: np.random.Generator) -> float:
    """p of the squared maximum mean discrepancy between the rows of (n, d) on a side and the others."""
    squared = np.maximum(2 - 2 * (vectors @ vectors.T), 0)
    width = max(float(np.median(squared)), 1e-6)
    kernel = np.exp(-squared / width).astype(np.float64)
    signs = np.tile(np.where(side, 1 / side.sum(), -1 / (~side).sum()), (SHUFFLES + 1, 1))
    signs[1:] = rng.permuted(signs[1:], axis=1)
    found = np.einsum("ij,ij->i", signs @ kernel, signs)
    return float((1 + (found[1:] >= found[0] - 1e-12).sum()) / (1 + SHUFFLES))


def apart(vectors: Floats, side: Bools, l2: float, rng: np.random.Generator) -> float:
    """Area under the curve of held-out scores of a logistic classifier between the two sides."""
    targets = torch.eye(2, dtype=torch.float64)[torch.from_numpy(side.astype(np.int64))]
    rows, fold = torch.from_numpy(vectors).double(), folds(targets, rng)
    score, theta = np.zeros(len(side)), torch.zeros(2, vectors.shape[1] + 1, dtype=torch.float64)
    areas = []
    for number in range(int(fold.max()) + 1):
        kept, left = torch.from_numpy(fold != number), fold == number
        theta = solve(rows[kept], targets[kept], l2, theta, ROUGH)
        said = logits(theta, rows[torch.from_numpy(left)]).numpy()
        score[left] = said[:, 1] - said[:, 0]
        areas.append(_area(score[left], side[left]))
    return float(np.mean(areas))


def _area(score: Real, side: Bools) -> float:
    """Mann & Whitney's statistic: how often one of the side scores above one that is not; ties count half."""
    ranks: Ints = np.unique(score, return_inverse=True)[1]
    below = np.cumsum(np.bincount(ranks[~side], minlength=int(ranks.max()) + 1))
    same = np.bincount(ranks[~side], minlength=len(below))
    wins = (below - same)[ranks[side]] + same[ranks[side]] / 2
    return float(wins.sum() / max(int(side.sum()) * int((~side).sum()), 1))
