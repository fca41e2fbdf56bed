"""Lists of nearest rows, as numbers that sort by distance and then by row. BLAS screens, `einsum` decides.

A list ends up as the smallest keys of all that were offered to it, whatever the order in which they came.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.matrix import SLACK, Matrix
from labelcue.types import Floats, Ints

Keys: TypeAlias = NDArray[np.uint64]
"""A squared distance, as the bits of a float32 that is not negative, above a row: keys sort by distance, then row."""

DEGREE = 32
"""Nearest rows that each row knows."""
OLD = 4096
"""Rows of one product's second side, and lists that are read at a time."""
PIECE = 8192
"""Pairs whose vectors are gathered at a time."""
NONE = np.uint64(2**64 - 1)
SAME = np.float32(1e-6)
"""Squared distance below which two rows are one: float32 cannot tell."""


def empty(rows: int) -> Keys:
    """(rows, DEGREE) lists that know nothing."""
    return np.full((rows, DEGREE), NONE)


def key(squared: Floats, rows: Ints) -> Keys:
    """The keys of some rows at some squared distances."""
    bits = (squared + np.float32(0)).view(np.uint32).astype(np.uint64)
    return (bits << np.uint64(32)) | rows.astype(np.uint64)


def squared_of(keys: Keys) -> Floats:
    """The float32 squared distances of some keys; infinity for NONE."""
    squared = (keys >> np.uint64(32)).astype(np.uint32).view(np.float32)
    return np.where(keys == NONE, np.float32(np.inf), squared)


def row_of(keys: Keys) -> Ints:
    """The int64 rows of some keys."""
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


def floor(last: Keys, first: int, likeness: Floats | None = None) -> Floats:
    """(m,) float32 cosine below which nothing can enter a list; `last` (m,) are the lists' last keys.

    `likeness` (m, n) are candidates for the lists, `first` is the lowest row of them. Infinite where the list is full
    of lower rows at distance 0: others that are as near come after them.
    """
    far = squared_of(last)
    full = (far == 0) & (row_of(last) < first)
    low: Floats = np.where(full, np.inf, 1 - far / 2 - np.float32(SLACK)).astype(np.float32)
    if likeness is not None and likeness.shape[1] > DEGREE:
        short = np.flatnonzero(last == NONE)
        if len(short):
            low[short] = np.partition(likeness[short], -DEGREE, axis=1)[:, -DEGREE] - np.float32(SLACK)
    return low


def distances(mine: Floats, theirs: Floats, i: Ints, j: Ints) -> Floats:
    """(k,) float32 squared distances of unit rows, the same bits from either side; 0 below SAME."""
    out = np.empty(len(i), dtype=np.float32)
    for start in range(0, len(i), PIECE):
        part = slice(start, start + PIECE)
        out[part] = np.einsum("ij,ij->i", mine[i[part]], theirs[j[part]])
    out = 2 - 2 * out
    out[out < SAME] = 0
    return out


def merge(keys: Keys, at: Ints, new: Keys) -> None:
    """Put each new key into the list of its row in place, and keep the smallest of each list."""
    order = np.lexsort((new, at))
    at, new = at[order], new[order]
    place = np.arange(len(at)) - np.searchsorted(at, at)
    keep = place < DEGREE
    at, new, place = at[keep], new[keep], place[keep]
    # Most lists get few keys: those that get many are merged apart, so that the others stay narrow.
    for low, high in ((0, 4), (4, DEGREE)):
        now = (place >= low) & (place < high)
        touched, row = np.unique(at[now], return_inverse=True)
        wide = np.full((len(touched), DEGREE + high - low), NONE)
        wide[:, :DEGREE] = keys[touched]
        wide[row, DEGREE + place[now] - low] = new[now]
        wide.sort(axis=1)
        keys[touched] = wide[:, :DEGREE]


def nearest(matrix: Matrix, rows: Ints) -> Keys:
    """(m, DEGREE) exact lists of some rows: one read of the vectors."""
    out, block = empty(len(rows)), matrix.unit(rows)
    for first in range(0, matrix.rows, OLD):
        others = np.arange(first, min(first + OLD, matrix.rows), dtype=np.int64)
        there = matrix.unit(others)
        likeness = block @ there.T
        likeness[rows[:, None] == others] = -np.inf
        i, j = np.nonzero(likeness > floor(out[:, -1], first, likeness)[:, None])
        merge(out, i, key(distances(block, there, i, j), others[j]))
    return out


def recall(matrix: Matrix, keys: Keys, sample: int, rng: np.random.Generator) -> float:
    """Share of the nearest DEGREE rows that the lists of sampled rows know; a row as near as the last one counts."""
    rows = np.sort(rng.choice(len(keys), min(sample, len(keys)), replace=False)).astype(np.int64)
    best = squared_of(nearest(matrix, rows))
    reach = np.where(np.isfinite(best), best, -1).max(axis=1, initial=0, keepdims=True)
    known = (squared_of(keys[rows]) <= reach).sum()
    return float(known / max(1, np.isfinite(best).sum()))
