"""The models that a project had on its way: the surrogate after the first so many labels, in the order they came."""

from __future__ import annotations

import numpy as np
import torch

from labelcue.insights.intervals import Real
from labelcue.surrogates.crossval import sample
from labelcue.surrogates.solver import ROUGH, logits, solve
from labelcue.types import Floats, Ints

MOST = 20_000
"""Labels that a model is fitted to; a random share where there are more."""
POINTS = 8
FIRST = 20
"""Labels of the first model."""
REPEATS = 12
"""Random orders of the audit tasks."""


def marks(labels: int) -> Ints:
    """Numbers of labels, rising by about the same factor, and two shortly before the last for what is stable now."""
    if labels < FIRST:
        return np.empty(0, dtype=np.int64)
    step = max(10, labels // 20)
    spread = np.geomspace(max(FIRST, labels / 16), labels, POINTS)
    late = np.array([labels - 2 * step, labels - step], dtype=np.float64)
    found: Ints = np.unique(np.round(np.concatenate([spread, late[late > FIRST]]))).astype(np.int64)
    return found


def predictions(vectors: Floats, targets: Floats, at: Ints, probes: Floats, l2: float, seed: int) -> Ints:
    """(k, m) class that the model after the first `at` (k,) rows predicts for each of (m, d) `probes`.

    `vectors` (n, d) of length one and `targets` (n, c) stand in the order in which they were labelled.
    """
    theta = torch.zeros(targets.shape[1], vectors.shape[1] + 1, dtype=torch.float64)
    tests, found = torch.from_numpy(probes).double(), np.empty((len(at), len(probes)), dtype=np.int64)
    for place, mark in enumerate(at):
        rows = sample(int(mark), np.random.default_rng([seed, place]), MOST)
        theta = solve(
            torch.from_numpy(vectors[rows]).double(), torch.from_numpy(targets[rows]).double(), l2, theta, ROUGH
        )
        found[place] = logits(theta, tests).argmax(dim=1).numpy()
    return found


def random_order(
    vectors: Floats, said: Ints, classes: int, l2: float, seed: int, others: tuple[Floats, Ints] | None = None
) -> tuple[Ints, Real]:
    """(k,) numbers of labels and (k, n) how often a model after so many random ones is right on each of n audit tasks.

    `others`: (m, d) vectors and (m,) classes of tasks that the strategy took; they are tested too: (k, n + m).

    Audit tasks were drawn at random, so that learning from some of them and testing on the others is what random order
    would have done; repeated `REPEATS` times. `vectors` (n, d), `said` (n,) index of the class.
    """
    n, targets = len(said), torch.eye(classes, dtype=torch.float64)[torch.from_numpy(said)]
    at = np.unique(np.round(np.geomspace(min(10, n // 2), 0.75 * n, 5))).astype(np.int64)
    rows, rng = torch.from_numpy(vectors).double(), np.random.default_rng([seed, 1])
    right, tested = np.zeros((len(at), n)), np.zeros((len(at), n))
    taken, classes_of = others if others is not None else (vectors[:0], said[:0])
    tests, beside = torch.from_numpy(taken).double(), np.zeros((len(at), len(taken)))
    for _ in range(REPEATS):
        order = rng.permutation(n)
        theta = torch.zeros(classes, vectors.shape[1] + 1, dtype=torch.float64)
        for place, mark in enumerate(at):
            kept, left = torch.from_numpy(order[:mark]), order[mark:]
            theta = solve(rows[kept], targets[kept], l2, theta, ROUGH)
            right[place, left] += logits(theta, rows[torch.from_numpy(left)]).argmax(dim=1).numpy() == said[left]
            tested[place, left] += 1
            beside[place] += (logits(theta, tests).argmax(dim=1).numpy() == classes_of) / REPEATS
    mean = right.sum(axis=1, keepdims=True) / tested.sum(axis=1, keepdims=True)
    return at, np.hstack([np.where(tested > 0, right / np.maximum(tested, 1), mean), beside])
