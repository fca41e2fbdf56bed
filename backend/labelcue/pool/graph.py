"""The neighbour graph of the pool: each row's nearest rows, and the same made symmetric.

Rows only ever join, so every pair of rows is compared once, when the later one joins, and serves both of its ends. BLAS
screens, `einsum` decides: the lists are exact, and a function of the rows alone, whatever the steps in which they came.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.matrix import SLACK, Matrix
from labelcue.types import Floats, Ints

Keys: TypeAlias = NDArray[np.uint64]
"""A squared distance, as the bits of a float32 that is not negative, above a row: keys sort by distance, then row."""

DEGREE = 32
"""Nearest rows that each row knows."""
NEW, OLD = 1024, 4096
"""Joining rows and rows that are there already, of one product."""
PIECE = 8192
"""Pairs whose vectors are gathered at a time."""
TENTH, TWENTIETH = 9, 19
"""Places in a list: of the distance that stands for sparseness, and of the one that scales the kernel."""
NONE = np.uint64(2**64 - 1)
SAME = np.float32(1e-6)
"""Squared distance below which two rows are one: float32 cannot tell."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The symmetric graph, a loop at each row included: row i's are `start[i]` to `start[i + 1]`, the nearest first."""

    start: Ints
    """(n + 1,)"""
    to: NDArray[np.int32]
    squared: Floats
    tenth: Floats
    """(n,) squared distance to the tenth neighbour, or to the last one in a smaller pool; 0 where there is none."""
    scale: float
    """Median distance to the twentieth neighbour, likewise; at least 1e-3."""


class Graph:
    """The nearest rows of each row, without itself. About 650 bytes a row; one thread at a time makes it grow."""

    def __init__(self) -> None:
        self._keys: Keys = np.empty((0, DEGREE), dtype=np.uint64)
        self._edges: Edges | None = None
        self._growing = threading.Lock()

    @property
    def rows(self) -> int:
        """Number of rows that have joined."""
        return len(self._keys)

    @property
    def keys(self) -> Keys:
        """(n, DEGREE) uint64 the lists, all that there is to keep."""
        return self._keys

    def take(self, keys: Keys) -> None:
        """Go on from the lists that an earlier graph of the same rows had."""
        self._keys, self._edges = np.ascontiguousarray(keys, dtype=np.uint64), None

    @property
    def squared(self) -> Floats:
        """(n, DEGREE) float32 squared distances to the nearest rows, rising; infinite where there are no more rows."""
        return _squared_of(self._keys)

    def pairs(self, rows: int) -> int:
        """Pairs of rows that are to be compared until so many rows have joined."""
        return max(0, rows * (rows - 1) - self.rows * (self.rows - 1)) // 2

    def grow(self, matrix: Matrix) -> None:
        """Let the rows of a longer matrix join, whose first rows are those of now."""
        with self._growing:
            for start in range(self.rows, matrix.rows, NEW):
                self._join(matrix, start, min(start + NEW, matrix.rows))
                self._edges = None

    def edges(self) -> Edges:
        """The graph made symmetric; kept until it grows."""
        if self._edges is None:
            self._edges = _symmetric(self._keys)
        return self._edges

    def _join(self, matrix: Matrix, start: int, stop: int) -> None:
        rows = np.arange(start, stop, dtype=np.int64)
        block = matrix.unit(rows)
        mine: Keys = np.full((len(rows), DEGREE), NONE)
        theirs: list[tuple[Ints, Keys]] = []
        for first in range(0, start, OLD):
            olds = np.arange(first, min(first + OLD, start), dtype=np.int64)
            there = matrix.unit(olds)
            likeness = block @ there.T
            floor, reverse = _floor(mine, likeness), _floor(self._keys[olds])
            i, j = np.nonzero(likeness > np.minimum(floor[:, None], reverse))
            near = _distances(block, there, i, j)
            _merge(mine, i, _key(near, olds[j]))
            useful = likeness[i, j] > reverse[j]
            theirs.append((olds[j[useful]], _key(near[useful], rows[i[useful]])))
        likeness = block @ block.T
        np.fill_diagonal(likeness, -np.inf)
        i, j = np.nonzero(likeness > _floor(mine, likeness)[:, None])
        _merge(mine, i, _key(_distances(block, block, i, j), rows[j]))
        if theirs:
            _merge(self._keys, np.concatenate([at for at, _ in theirs]), np.concatenate([key for _, key in theirs]))
        self._keys = np.concatenate([self._keys, mine])


def _floor(keys: Keys, likeness: Floats | None = None) -> Floats:
    """(m,) float32 cosine below which nothing can enter a row's list; `likeness` (m, n) are candidates for it.

    Infinite where the list is full of rows at distance 0: later rows that are as near come after them.
    """
    last = _squared_of(keys[:, -1])
    floor: Floats = np.where(last > 0, 1 - last / 2 - np.float32(SLACK), np.inf).astype(np.float32)
    if likeness is not None and likeness.shape[1] > DEGREE and not np.isfinite(last).all():
        best = np.partition(likeness, -DEGREE, axis=1)[:, -DEGREE] - np.float32(SLACK)
        floor = np.maximum(floor, best)
    return floor


def _distances(mine: Floats, theirs: Floats, i: Ints, j: Ints) -> Floats:
    """(k,) float32 squared distances of unit rows, the same bits from either side; 0 below SAME."""
    out = np.empty(len(i), dtype=np.float32)
    for start in range(0, len(i), PIECE):
        part = slice(start, start + PIECE)
        out[part] = np.einsum("ij,ij->i", mine[i[part]], theirs[j[part]])
    out = 2 - 2 * out
    out[out < SAME] = 0
    return out


def _key(squared: Floats, rows: Ints) -> Keys:
    bits = (squared + np.float32(0)).view(np.uint32).astype(np.uint64)
    return (bits << np.uint64(32)) | rows.astype(np.uint64)


def _squared_of(keys: Keys) -> Floats:
    """The float32 of some keys; infinity for NONE."""
    squared = (keys >> np.uint64(32)).astype(np.uint32).view(np.float32)
    return np.where(keys == NONE, np.float32(np.inf), squared)


def _merge(keys: Keys, at: Ints, new: Keys) -> None:
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


def _symmetric(keys: Keys) -> Edges:
    """Every edge from both of its ends, once, and a loop at each row. Blocks of rows keep memory small meanwhile."""
    rows = np.arange(len(keys), dtype=np.int64)
    source, mirrored = _beyond(keys)
    own, more = (keys != NONE).sum(axis=1), np.bincount(source, minlength=len(rows))
    start = np.concatenate([[0], np.cumsum(1 + own + more)]).astype(np.int64)
    to, squared = np.empty(start[-1], dtype=np.int32), np.zeros(start[-1], dtype=np.float32)
    to[start[:-1]] = rows
    for first in range(0, len(keys), OLD):
        block = keys[first : first + OLD]
        here, place = np.nonzero(block != NONE)
        spot = start[first + here] + 1 + place
        to[spot], squared[spot] = _row_of(block[here, place]), _squared_of(block[here, place])
    spot = np.arange(len(source)) - np.repeat(np.cumsum(more) - more, more)
    spot += start[source] + 1 + own[source]
    to[spot], squared[spot] = _row_of(mirrored), _squared_of(mirrored)
    scale = max(float(np.sqrt(np.median(_reach(keys, TWENTIETH)))), 1e-3) if len(keys) else 1.0
    return Edges(start, to, squared, _reach(keys, TENTH), scale)


def _beyond(keys: Keys) -> tuple[Ints, Keys]:
    """Mirror images of the edges that their other end does not list itself: that end, and the key; sorted by both.

    A list holds all keys up to its last one. So an edge is mutual unless its mirror image lies beyond that.
    """
    sources, images = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.uint64)]
    for first in range(0, len(keys), OLD):
        block = keys[first : first + OLD]
        here, place = np.nonzero(block != NONE)
        there = _row_of(block[here, place])
        image = _key(_squared_of(block[here, place]), first + here)
        lone = image > keys[there, -1]
        sources.append(there[lone])
        images.append(image[lone])
    source, mirrored = np.concatenate(sources), np.concatenate(images)
    order = np.lexsort((mirrored, source))
    return source[order], mirrored[order]


def _reach(keys: Keys, place: int) -> Floats:
    """(n,) float32 squared distance to the neighbour at a place of the list, or to the last that there is."""
    squared = _squared_of(keys[:, : place + 1])
    reach: Floats = np.where(np.isfinite(squared), squared, 0).max(axis=1)
    return reach


def _row_of(keys: Keys) -> Ints:
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
