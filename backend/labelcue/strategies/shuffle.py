"""A random order of positions that costs no random reads: each position's lot is computed, and read back from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Ints

ROUNDS = 3
"""Multiplications and shifts, as many as the finalisers of hashes have."""
HALF = np.uint32(16)


class Shuffle:
    """A bijection of the 32-bit numbers that `rng` draws.

    Multiplication by an odd number modulo 2³² has an inverse, and x ^ x >> 16 is its own. Zero stays zero under both,
    so that an offset comes first.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._offset = np.uint32(rng.integers(2**32, dtype=np.uint64))
        self._factors = [int(factor) | 1 for factor in rng.integers(2**32, size=ROUNDS, dtype=np.uint64)]

    def lots(self, count: int) -> NDArray[np.uint32]:
        """(count,) the lots of the positions from 0 on, all different."""
        lots = np.arange(count, dtype=np.uint32)
        lots += self._offset
        for factor in self._factors:
            lots *= np.uint32(factor)
            lots ^= lots >> HALF
        return lots

    def positions(self, lots: NDArray[np.uint32]) -> Ints:
        """(k,) int64 the positions of some lots, which are overwritten."""
        for factor in reversed(self._factors):
            lots ^= lots >> HALF
            lots *= np.uint32(pow(factor, -1, 2**32))
        lots -= self._offset
        return lots.astype(np.int64)
