"""Draws in proportion to weights that change one at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Floats

BLOCK = 1024


class Lottery:
    """Weights >= 0, and their sums by blocks: a draw or a change looks at one block, not at all."""

    def __init__(self, weights: Floats) -> None:
        self.weights = weights
        """(m,) float32; to be changed by `set` alone."""
        self._sums: NDArray[np.float64] = np.add.reduceat(weights, np.arange(0, len(weights), BLOCK), dtype=np.float64)

    @property
    def over(self) -> bool:
        """Whether no weight is left."""
        return not bool((self._sums > 0).any())

    def draw(self, rng: np.random.Generator) -> int:
        """A place by its weight: one uniform number."""
        sums = np.cumsum(self._sums)
        target = rng.random() * sums[-1]
        block = _reached(sums, target)
        before = float(sums[block - 1]) if block else 0.0
        part = self.weights[block * BLOCK : (block + 1) * BLOCK]
        return block * BLOCK + _reached(np.cumsum(part, dtype=np.float64), target - before)

    def set(self, place: int, weight: float) -> None:
        """Change one weight."""
        self.weights[place] = weight
        block = place // BLOCK
        self._sums[block] = self.weights[block * BLOCK : (block + 1) * BLOCK].sum(dtype=np.float64)


def _reached(sums: NDArray[np.float64], target: float) -> int:
    """The first place whose running sum exceeds the target; the last that adds anything where rounding reaches past."""
    return int(min(np.searchsorted(sums, target, side="right"), np.searchsorted(sums, sums[-1], side="left")))
