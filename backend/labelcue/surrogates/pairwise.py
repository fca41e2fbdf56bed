"""Pairs: a linear Bradley-Terry model on the difference of the sides' embeddings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from labelcue.labels import PAIR
from labelcue.surrogates import Examples, Head, surrogates
from labelcue.surrogates.logistic import Logistic
from labelcue.surrogates.solver import solve


@surrogates.register("pairwise")
class Pairwise(Logistic):
    """log p(left) / p(right) = w · (left - right) (Bradley & Terry, Biometrika 39, 1952, with linear worths).

    Each label counts half for the pair and half, mirrored, for its mirror image, and there is no intercept: whoever
    swaps the sides of a pair swaps the answer, and a habit of taking the left one is not learned as a merit.
    """

    name = "pairwise"
    kind = PAIR
    summary = "Which side of a pair is better, by one linear worth of the embeddings."
    when = "Where annotators compare two things."

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """As `logistic`, on both ways to look at each pair."""
        head = super().fit(examples, before, full, rng)
        weights = (head.weights - head.weights[::-1]) / np.float32(2)
        return replace(head, weights=np.ascontiguousarray(weights), bias=np.zeros_like(head.bias))

    def _solve(self, vectors: Tensor, targets: Tensor, l2: float, start: Tensor, tolerance: float) -> Tensor:  # type: ignore[override]
        both, said = torch.cat([vectors, -vectors]), torch.cat([targets, targets.flip(1)]) / 2
        return solve(both, said, l2, start, tolerance)

    def _tells(self, examples: Examples) -> bool:
        """Two labels do, of one side too: each tells of its mirror image."""
        return len(examples) > 1
