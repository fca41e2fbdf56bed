"""Exact copies among the rows, so that the many of one need no comparing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.lists import DEGREE, Keys, key
from labelcue.pool.matrix import BLOCK
from labelcue.types import Bools, Ints


class Copies:
    """Which rows are folded: those that have more than DEGREE equal ones before them.

    A folded row's nearest are its first copies, at distance 0. It enters no other row's list, as those copies are just
    as near and come before it. So it is compared with nothing, and the lists are what they would be. 8 bytes a row.
    """

    def __init__(self) -> None:
        self._hashes: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self.folded: Bools = np.empty(0, dtype=np.bool_)
        """(n,)"""

    def grow(self, vectors: NDArray[np.floating]) -> None:
        """Know all rows of a longer array, whose first rows are those of now."""
        new = [_hashes(vectors[first : first + BLOCK]) for first in range(len(self._hashes), len(vectors), BLOCK)]
        self._hashes = np.concatenate([self._hashes, *new])
        self._order = np.argsort(self._hashes, kind="stable").astype(np.int32)
        ordered = self._hashes[self._order]
        fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        self._run = np.flatnonzero(fresh)[np.cumsum(fresh) - 1].astype(np.int32)
        self.folded = np.zeros(len(self._hashes), dtype=np.bool_)
        self.folded[self._order] = np.arange(len(ordered)) - self._run > DEGREE

    def lists(self, start: int, stop: int) -> tuple[Ints, Keys]:
        """The folded rows from `start` to `stop`, and their (m, DEGREE) lists."""
        place = np.flatnonzero(self.folded[self._order] & (self._order >= start) & (self._order < stop))
        first = self._order[self._run[place][:, None] + np.arange(DEGREE)].astype(np.int64)
        return self._order[place].astype(np.int64), key(np.zeros(first.shape, dtype=np.float32), first)


def _hashes(block: NDArray[np.floating]) -> NDArray[np.uint64]:
    """(m,) a number for each row: random odd multiples of the bits of its numbers, summed modulo 2⁶⁴."""
    bits = np.ascontiguousarray(block).view(f"u{block.dtype.itemsize}").astype(np.uint64)
    odd = np.random.default_rng(64).integers(0, 2**63, block.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes: NDArray[np.uint64] = bits @ odd
    return hashes
