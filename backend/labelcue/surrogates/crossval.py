"""Choosing the penalty and the temperature from the labels alone, by stratified cross-validation."""

from __future__ import annotations

from math import floor, log2
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from labelcue.surrogates.solver import ROUGH, logits, solve
from labelcue.types import Ints


class Solve(Protocol):
    """As `solver.solve`."""

    def __call__(self, vectors: Tensor, targets: Tensor, l2: float, start: Tensor, tolerance: float, /) -> Tensor:
        """(c, d + 1) float64 optimum."""


FOLDS = 5
FEWEST = 8
"""Labelled items below which held-out labels say too little to choose by."""
MOST = 2000
"""Labelled items beyond which a random share of so many decides."""
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""Grid of l2 for the summed loss on unit vectors, the strongest first: each fit starts from the one before."""
QUARTERS = 4
"""The temperature is chosen again so many times for each doubling of the labels."""
TEMPERATURES = tuple(float(t) for t in np.geomspace(0.25, 8.0, 41))


def mark(labelled: int, steps: int) -> int:
    """Which of `steps` parts of its doubling a number of labels falls in; a restart finds the same."""
    return floor(log2(labelled) * steps)


def sample(labelled: int, rng: np.random.Generator, most: int = MOST) -> Ints:
    """At most `most` of so many places, ascending."""
    rows: Ints = np.sort(rng.permutation(labelled)[:most])
    return rows


def folds(targets: Tensor, rng: np.random.Generator) -> Ints:
    """(n,) fold of each item: the items of each class, by its main label, are dealt out in turn."""
    main = targets.argmax(dim=1).cpu().numpy()
    shuffled = rng.permutation(len(main))
    by_class = shuffled[np.argsort(main[shuffled], kind="stable")]
    fold = np.empty(len(main), dtype=np.int64)
    fold[by_class] = np.arange(len(main)) % min(FOLDS, len(main))
    return fold


def held_out(
    vectors: Tensor,
    targets: Tensor,
    fold: Ints,
    penalties: tuple[float, ...],
    start: Tensor,
    solve: Solve = solve,
) -> list[Tensor]:
    """For each penalty, (n, c) logits of each item from a model that did not see it."""
    out = [torch.zeros_like(targets) for _ in penalties]
    for number in range(int(fold.max()) + 1):
        kept, left = torch.from_numpy(fold != number), torch.from_numpy(fold == number)
        theta = start
        for result, l2 in zip(out, penalties, strict=True):
            theta = solve(vectors[kept], targets[kept], l2, theta, ROUGH)
            result[left] = logits(theta, vectors[left])
    return out


def log_loss(scores: Tensor, targets: Tensor, temperature: float) -> float:
    """Mean negative log likelihood, in nats, at a temperature."""
    log_p = torch.log_softmax(scores / temperature, dim=1)
    return float(-(targets * log_p).sum() / targets.sum())


def choose_temperature(scores: Tensor, targets: Tensor) -> float:
    """The temperature that is likeliest for held-out labels, pulled towards flat while labels are few.

    The pull: a share (c / (n + c))² of each label goes to all classes alike. It may flatten but never sharpen, so a
    temperature below 1 must be better than 1 on the labels themselves too (Guo et al., ICML 2017, for the scaling).
    """
    items, classes = targets.shape
    share = (classes / (items + classes)) ** 2
    smooth = (1 - share) * targets + share * targets.sum(dim=1, keepdim=True) / classes
    best = min(TEMPERATURES, key=lambda t: log_loss(scores, smooth, t))
    if best < 1 and log_loss(scores, targets, best) >= log_loss(scores, targets, 1.0):
        return 1.0
    return best
