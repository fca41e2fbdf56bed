"""How many flags of wrong labels are right, and how many wrong labels are flagged."""

from __future__ import annotations

import numpy as np

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.insights.rates import mean_of
from labelcue.insights.errors import label_errors
from labelcue.insights.heldout import held_out
from labelcue.types import Json

WRONG = 0.05
"""Share of the labels that are flipped to another class."""


def replay(data: LabelledSet, l2: float, seeds: int) -> Json:
    """`{precision, recall, suggested}`: with all items of the set labelled, a share of them wrong, by the seed."""
    vectors = np.concatenate([data.vectors, data.test_vectors])
    truth, classes = np.concatenate([data.targets, data.test_targets]), len(data.classes)
    precision, recall, suggested = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 11])
        wrong = np.zeros(len(truth), dtype=bool)
        wrong[rng.permutation(len(truth))[: round(WRONG * len(truth))]] = True
        given = np.where(wrong, (truth + rng.integers(1, classes, len(truth))) % classes, truth)
        held = held_out(vectors, np.eye(classes, dtype=np.float32)[given], l2, rng)
        found = label_errors(np.arange(len(truth)), given, held).suspects
        hits = [one for one in found if wrong[one.task]]
        precision.append(len(hits) / max(len(found), 1))
        recall.append(len(hits) / wrong.sum())
        suggested.append(float(np.mean([one.suggested == truth[one.task] for one in hits])) if hits else 0.0)
    return {"precision": mean_of(precision), "recall": mean_of(recall), "suggested": mean_of(suggested)}
