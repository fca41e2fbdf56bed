"""Probabilities of labelled tasks by models that did not see them, nor a near-copy of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from labelcue.insights.intervals import Real
from labelcue.insights.yardsticks import Yardstick
from labelcue.insights.yardsticks.classes import ByClass
from labelcue.surrogates.crossval import FOLDS, choose_temperature, folds, sample
from labelcue.surrogates.solver import logits
from labelcue.types import Floats, Ints

VOTERS = 10
"""Nearest labelled tasks that vote."""
LOOKED_AT = 16
"""Nearest tasks that are looked at: near-copies among them have no vote."""
COPY = 0.99
"""Cosine from which on two tasks are near-copies."""
MOST = 20_000
"""Labelled tasks that a model is fitted to, and that vote; a random share where there are more."""
BLOCK = 512
PRIOR = 0.1
"""Votes that all classes share."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What models say of n labelled tasks that they did not see."""

    probabilities: Floats
    """(n, c) float32, rows sum to 1; of sets each label by itself; (n, 1) of numbers."""
    group: Ints
    """(n,) near-copies share a number."""
    alone: Floats
    """(n, c) float32 the surrogate's own, without the neighbours' votes."""


def held_out(vectors: Floats, targets: Floats, l2: float, rng: np.random.Generator) -> HeldOut:
    """`vectors` (n, d) of length one, `targets` (n, c) each class's share of the labels, two rows or more.

    The geometric mean of two opinions, each blind for the task and its near-copies: the surrogate, cross-validated
    with its penalty `l2`, and the ten nearest other tasks, weighed by a Gaussian kernel. Together they find more
    wrong labels than either alone, as they err on different tasks (measured in docs/insights.md).
    """
    near = neighbourhood(vectors, rng)
    group = near.group
    votes = near.votes(targets, np.full(targets.shape[1], 1 / targets.shape[1]))
    fold = folds_of_groups(targets, group, rng)
    scores = blind_scores(vectors, targets, fold, l2, rng, ByClass(targets.shape[1]))
    some = sample(len(scores), rng)
    temperature = choose_temperature(scores[some], torch.from_numpy(targets[some]).double())
    alone = torch.softmax(scores / temperature, dim=1).numpy()
    together = np.sqrt(alone * votes)
    together /= together.sum(axis=1, keepdims=True)
    return HeldOut(together.astype(np.float32), group, alone.astype(np.float32))


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who votes on n labelled tasks."""

    nearest: Ints
    """(n, k) rows."""
    weight: Real
    """(n, k) of each vote; 0 of near-copies, and of those beyond the tenth."""
    group: Ints
    """(n,) near-copies share a number."""

    def votes(self, targets: Floats, prior: Real) -> Real:
        """(n, r) mean of the neighbours' targets, with `PRIOR` votes for (r,) `prior`."""
        total = np.tile(PRIOR * prior, (len(targets), 1))
        for place in range(self.nearest.shape[1]):
            total += self.weight[:, place, None] * targets[self.nearest[:, place]]
        mean: Real = total / (PRIOR + self.weight.sum(axis=1, keepdims=True))
        return mean


def neighbourhood(vectors: Floats, rng: np.random.Generator) -> Neighbourhood:
    """Of (n, d) vectors of length one: weights are exp(-d² / s²), s the median distance to the tenth neighbour."""
    voters = sample(len(vectors), rng, MOST)
    nearest, likeness = _nearest(vectors, voters)
    group = _groups(nearest, likeness, len(vectors))
    squared = np.maximum(2 - 2 * likeness.astype(np.float64), 0)
    scale = max(float(np.median(squared[:, min(VOTERS, squared.shape[1]) - 1])), 1e-6)
    other = group[nearest] != group[:, None]
    weight = np.where(other & (np.cumsum(other, axis=1) <= VOTERS), np.exp(-squared / scale), 0.0)
    return Neighbourhood(nearest, weight, group)


def _nearest(vectors: Floats, voters: Ints) -> tuple[Ints, Floats]:
    """(n, k) rows of the voters nearest to each row, itself left out, nearest first, and (n, k) their cosines."""
    k = min(LOOKED_AT, len(voters) - 1)
    nearest = np.empty((len(vectors), k), dtype=np.int64)
    likeness = np.empty((len(vectors), k), dtype=np.float32)
    there = vectors[voters]
    for start in range(0, len(vectors), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(vectors)))
        block = vectors[rows] @ there.T
        block[voters[None, :] == rows[:, None]] = -np.inf
        best = np.argpartition(-block, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(block, best, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        nearest[rows] = voters[np.take_along_axis(best, order, axis=1)]
        likeness[rows] = np.take_along_axis(found, order, axis=1)
    return nearest, likeness


def _groups(nearest: Ints, likeness: Floats, n: int) -> Ints:
    """(n,) connected components of the near-copies."""
    row, place = np.nonzero(likeness >= COPY)
    links = coo_matrix((np.ones(len(row)), (row, nearest[row, place])), shape=(n, n))
    group: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return group


def folds_of_groups(targets: Floats, group: Ints, rng: np.random.Generator) -> Ints:
    """(n,) fold of each row: groups are dealt out whole, those of each class, by their first row, in turn."""
    first = np.unique(group, return_index=True)[1]
    dealt: Ints = folds(torch.from_numpy(targets[first]), rng)
    return dealt[group]


def blind_scores(
    vectors: Floats, targets: Floats, fold: Ints, l2: float, rng: np.random.Generator, yard: Yardstick
) -> Tensor:
    """(n, r) float64 scores of each row by a model that was fitted to the other folds."""
    scores = torch.zeros(targets.shape, dtype=torch.float64)
    theta = torch.zeros(yard.rows, vectors.shape[1] + 1, dtype=torch.float64)
    for number in range(min(FOLDS, int(fold.max()) + 1)):
        kept, left = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        kept = kept[sample(len(kept), rng, MOST)]
        inside = torch.from_numpy(vectors[kept]).double(), torch.from_numpy(targets[kept]).double()
        theta = yard.learn(*inside, l2, theta)
        for start in range(0, len(left), BLOCK):
            rows = left[start : start + BLOCK]
            scores[rows] = logits(theta, torch.from_numpy(vectors[rows]).double())
    return scores
