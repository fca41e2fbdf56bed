"""The models that a project had on its way: the surrogate after the first so many labels, in the order they came."""

from __future__ import annotations

import numpy as np
import torch

from labelcue.insights.intervals import Real
from labelcue.insights.yardsticks import Answers, Yardstick
from labelcue.surrogates.crossval import sample
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


def predictions(
    vectors: Floats, targets: Floats, at: Ints, probes: Floats, l2: float, seed: int, yard: Yardstick
) -> Answers:
    """(k, m, ...) answers of the models after the first `at` (k,) rows for each of (m, d) `probes`.

    `vectors` (n, d) of length one and `targets` (n, r) stand in the order in which they were labelled.
    """
    theta = torch.zeros(yard.rows, vectors.shape[1] + 1, dtype=torch.float64)
    tests, found = torch.from_numpy(probes).double(), list[Answers]()
    for place, mark in enumerate(at):
        rows = sample(int(mark), np.random.default_rng([seed, place]), MOST)
        kept = torch.from_numpy(vectors[rows]).double(), torch.from_numpy(targets[rows]).double()
        theta = yard.learn(*kept, l2, theta)
        found.append(yard.guess(theta, tests))
    return np.stack(found) if found else yard.guess(theta, tests)[None][:0]


def random_order(
    vectors: Floats,
    targets: Floats,
    given: Answers,
    l2: float,
    seed: int,
    yard: Yardstick,
    others: tuple[Floats, Answers] | None = None,
) -> tuple[Ints, Real]:
    """(k,) numbers of labels and (k, n) how often a model after so many random ones is right on each of n audit tasks.

    `others`: (m, d) vectors and (m,) answers given of tasks that the strategy took; they are tested too: (k, n + m).

    Audit tasks were drawn at random, so that learning from some of them and testing on the others is what random order
    would have done; repeated `REPEATS` times. `vectors` (n, d), `targets` (n, r) and `given` (n,) of these.
    """
    n, wanted = len(given), torch.from_numpy(targets).double()
    at = np.unique(np.round(np.geomspace(min(10, n // 2), 0.75 * n, 5))).astype(np.int64)
    rows, rng = torch.from_numpy(vectors).double(), np.random.default_rng([seed, 1])
    right, tested = np.zeros((len(at), n)), np.zeros((len(at), n))
    taken, given_there = others if others is not None else (vectors[:0], given[:0])
    tests, beside = torch.from_numpy(taken).double(), np.zeros((len(at), len(taken)))
    for _ in range(REPEATS):
        order = rng.permutation(n)
        theta = torch.zeros(yard.rows, vectors.shape[1] + 1, dtype=torch.float64)
        for place, mark in enumerate(at):
            kept, left = torch.from_numpy(order[:mark]), order[mark:]
            theta = yard.learn(rows[kept], wanted[kept], l2, theta)
            right[place, left] += yard.right(yard.guess(theta, rows[torch.from_numpy(left)]), given[left])
            tested[place, left] += 1
            beside[place] += yard.right(yard.guess(theta, tests), given_there) / REPEATS
    mean = right.sum(axis=1, keepdims=True) / tested.sum(axis=1, keepdims=True)
    return at, np.hstack([np.where(tested > 0, right / np.maximum(tested, 1), mean), beside])
