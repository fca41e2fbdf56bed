"""How often the intervals of the audit hold the truth."""

from __future__ import annotations

import numpy as np
import torch

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.insights.rates import Rate
from labelcue.insights.audit import audit, sample
from labelcue.surrogates.solver import ROUGH, logits, solve
from labelcue.types import Floats, Ints, Json

LABELS = (50, 100, 200, 400)
REPLAYS = 400
TRAINED_ON, L2 = 150, 0.3
JUDGED = 5
"""Audit labels of a class from which on its interval counts."""
USED = 0.2
"""Share of the pool that the strategy takes while the audits are drawn, the least certain first."""


def replay(data: LabelledSet) -> Json:
    """`{labels: {overall: Rate, classes: Rate, width}}`: audits among what a strategy leaves, the hardest going first.

    The truth is the model's accuracy on the whole pool, and on all of its tasks of a class.
    """
    probabilities = _model(data)
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    hardest = np.argsort(probabilities.max(axis=1), kind="stable")
    return {str(labels): _replays(data, predicted, hardest, labels) for labels in LABELS}


def _replays(data: LabelledSet, predicted: Ints, hardest: Ints, labels: int) -> Json:
    right, n, classes = predicted == data.targets, len(data.targets), len(data.classes)
    overall, each, widths = Rate(), Rate(), []
    for seed in range(REPLAYS):
        rows, chance, taken, after = _stream(hardest, labels, np.random.default_rng([seed, labels]))
        seen = sample(right[rows], chance, right[taken], after)
        found = audit(data.targets[rows], predicted[rows], data.targets[taken], seen, data.classes)
        if found.accuracy is None:
            continue
        overall.add(found.accuracy.low <= right.mean() <= found.accuracy.high)
        widths.append(found.accuracy.high - found.accuracy.low)
        for number in range(classes):
            share = found.classes[number]
            if share.accuracy is not None and share.n >= JUDGED:
                each.add(share.accuracy.low <= right[data.targets == number].mean() <= share.accuracy.high)
    return {"overall": overall.as_json(), "classes": each.as_json(), "width": float(np.mean(widths)), "pool": n}


def _stream(hardest: Ints, labels: int, rng: np.random.Generator) -> tuple[Ints, Floats, Ints, Ints]:
    """(labels,) audited rows and the chance of each; (k,) rows that the strategy took, after each audit the hardest of
    those left, and how many audits there were before each."""
    left, rows, chances, taken = hardest.copy(), [], [], []
    step = int(USED * len(hardest) / labels)
    for _ in range(labels):
        chances.append(1 / len(left))
        place = int(rng.integers(len(left)))
        rows.append(left[place])
        left = np.delete(left, place)
        taken.append(left[:step])
        left = left[step:]
    after = np.repeat(np.arange(1, labels + 1), [len(one) for one in taken])
    return np.array(rows), np.array(chances, dtype=np.float32), np.concatenate(taken), after


def _model(data: LabelledSet) -> Floats:
    """(n, c) probabilities by a head that learned a few of the test items, so that it is wrong now and then."""
    some = np.random.default_rng(0).permutation(len(data.test_targets))[:TRAINED_ON]
    rows = torch.from_numpy(data.test_vectors[some]).double()
    targets = torch.eye(len(data.classes), dtype=torch.float64)[torch.from_numpy(data.test_targets[some])]
    start = torch.zeros(len(data.classes), rows.shape[1] + 1, dtype=torch.float64)
    theta = solve(rows, targets, L2, start, ROUGH)
    found: Floats = torch.softmax(logits(theta, torch.from_numpy(data.vectors).double()), dim=1).numpy()
    return found
