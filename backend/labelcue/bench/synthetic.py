"""A neighbour graph that costs nothing to make, for timing what is done with one."""

from __future__ import annotations

import numpy as np

from labelcue.pool.graph import DEGREE, Keys
from labelcue.types import Floats, Ints

WINDOW = DEGREE
"""How far along the ring a neighbour may live, to either side."""
SPREAD = 0.6
"""Standard deviation of the logarithm of a row's size: it makes about 46 edges a row of the 32 in a list."""
NEAREST, FARTHEST = 0.25, 1.0
BLOCK = 65536
"""Rows of one step."""


def ring_lists(rows: int, rng: np.random.Generator) -> Keys:
    """(n, DEGREE) uint64 lists of the nearest rows of rows that live in random order on a ring.

    Squared distances grow with the distance along the ring, times the mean size of both ends: rows of small size are
    in many lists. So lists are exact for these distances, symmetric as in a graph of vectors, and as strewn in memory.
    """
    row_at: Ints = rng.permutation(rows)
    size: Floats = np.exp(SPREAD * rng.standard_normal(rows, dtype=np.float32))
    size /= size.max()
    reach = min(WINDOW, (rows - 1) // 2)
    steps = np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])
    level = (NEAREST + (FARTHEST - NEAREST) * np.sqrt(np.abs(steps) / WINDOW)).astype(np.float32)
    keys = np.full((rows, DEGREE), np.uint64(2**64 - 1))
    for first in range(0, rows, BLOCK):
        here = np.arange(first, min(first + BLOCK, rows))
        there = (here[:, None] + steps) % rows
        squared = level * (size[here, None] + size[there])
        made = (squared.view(np.uint32).astype(np.uint64) << np.uint64(32)) | row_at[there].astype(np.uint64)
        made.sort(axis=1)
        keys[row_at[here], : made.shape[1]] = made[:, :DEGREE]
    return keys
