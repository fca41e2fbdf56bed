"""Predictions for labelled tasks with sets and with numbers, by models that did not see them, nor a near-copy."""

from __future__ import annotations

import numpy as np
import torch

from labelcue.insights.heldout import HeldOut, blind_scores, folds_of_groups, neighbourhood
from labelcue.insights.yardsticks import Yardstick
from labelcue.surrogates.crossval import sample
from labelcue.surrogates.sigmoids import choose_temperatures
from labelcue.types import Floats


def held_out_sets(vectors: Floats, targets: Floats, l2: float, rng: np.random.Generator, yard: Yardstick) -> HeldOut:
    """(n, c) probability of each label, of (n, d) vectors of length one and (n, c) targets, two rows or more.

    As `heldout.held_out`, label by label: the geometric mean of the odds of both opinions.
    """
    near = neighbourhood(vectors, rng)
    votes = near.votes(targets, np.full(targets.shape[1], 0.5))
    scores = blind_scores(vectors, targets, folds_of_groups(targets, near.group, rng), l2, rng, yard)
    some = sample(len(scores), rng)
    common, own = choose_temperatures(scores[some], torch.from_numpy(targets[some]).double())
    alone = torch.sigmoid(scores / (common * own)).numpy()
    yes, no = np.sqrt(alone * votes), np.sqrt((1 - alone) * (1 - votes))
    together = yes / np.maximum(yes + no, 1e-12)
    return HeldOut(together.astype(np.float32), near.group, alone.astype(np.float32))


def held_out_numbers(vectors: Floats, targets: Floats, l2: float, rng: np.random.Generator, yard: Yardstick) -> HeldOut:
    """(n, 1) numbers, of (n, d) vectors of length one and (n, 1) targets: the mean of the regression on the other folds
    and of the nearest other tasks."""
    near = neighbourhood(vectors, rng)
    votes = near.votes(targets, targets.mean(axis=0).astype(np.float64))
    fold = folds_of_groups(targets, near.group, rng)
    alone = blind_scores(vectors, targets, fold, l2, rng, yard).numpy()
    return HeldOut(((alone + votes) / 2).astype(np.float32), near.group, alone.astype(np.float32))
