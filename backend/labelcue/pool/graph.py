"""The neighbour graph of the pool: each row's nearest rows, and the same made symmetric.

Rows only ever join. The first WHOLE rows are compared each with each; a later one with those rows before it that live
in the cells nearest to it. Either way a pair is compared once, when the later row joins, and serves both of its ends.
Cells are made anew whenever the pool has doubled, of the rows before that. So the lists are a function of the rows
alone, whatever the steps in which they came: a graph that is grown again is the one that was lost.
"""

from __future__ import annotations

import threading

import numpy as np

from labelcue.pool.cells import Cells, grouped, share
from labelcue.pool.copies import Copies
from labelcue.pool.edges import Edges, lists, symmetric
from labelcue.pool.lists import DEGREE, OLD, Keys, distances, empty, floor, key, merge, squared_of
from labelcue.pool.matrix import Matrix
from labelcue.types import Floats, Ints

__all__ = ["DEGREE", "Edges", "Graph", "Halted", "Keys"]

WHOLE = 2**17
"""Rows that are compared each with each; cells are made at this number and each time that it doubles."""
NEW = 1024
"""Rows that join at a time, below WHOLE."""
CROWD = 2**16
"""Rows that join at a time beyond: as many as make a cell's visitors worth a product."""


CALL = 2048
"""Visitors of a cell in one product."""


class Halted(Exception):
    """The graph was told to stop growing; it has forgotten everything."""


class Graph:
    """The nearest rows of each row, without itself. About 400 bytes a row; one thread at a time makes it grow."""

    def __init__(self) -> None:
        self._keys: Keys | None = empty(0)
        self._edges: Edges | None = None
        """Either the lists or the edges are there, which say the same."""
        self._rows = 0
        self._copies = Copies()
        self.cells: Cells | None = None
        """What later rows will be compared by; None while all are compared with all."""
        self._growing = threading.Lock()
        self._halt = threading.Event()

    @property
    def rows(self) -> int:
        """Number of rows that have joined."""
        return self._rows

    @property
    def keys(self) -> Keys:
        """(n, DEGREE) uint64 the lists; with the cells, all that there is to keep."""
        if self._keys is not None:
            return self._keys[: self._rows]
        return lists(self.edges())

    def take(self, keys: Keys, cells: Cells | None = None) -> None:
        """Go on from the lists, and the cells, that an earlier graph of the same rows had."""
        self._keys, self._edges = np.ascontiguousarray(keys, dtype=np.uint64), None
        self._rows, self.cells, self._copies = len(keys), cells, Copies()

    @property
    def squared(self) -> Floats:
        """(n, DEGREE) float32 squared distances to the nearest rows, rising; infinite where there are no more rows."""
        return squared_of(self.keys)

    def pairs(self, rows: int) -> int:
        """Pairs of rows that are to be compared until so many rows have joined, about."""
        return max(0, _pairs(rows) - _pairs(self.rows))

    def grow(self, matrix: Matrix) -> None:
        """Let the rows of a longer matrix join, whose first rows are those of now; raises Halted."""
        with self._growing:
            if matrix.rows <= self._rows:
                return
            keys = empty(matrix.rows)
            keys[: self._rows] = self.keys
            self._keys, self._edges = keys, None
            self._copies.grow(matrix.vectors)
            try:
                self._grow(matrix, keys)
            except BaseException:
                self.take(empty(0))  # Lists that have met some of their rows are worth nothing.
                raise

    def halt(self) -> None:
        """Make `grow` stop within a second; for good."""
        self._halt.set()

    def edges(self) -> Edges:
        """The graph made symmetric; kept, in the lists' place, until it grows."""
        if self._edges is None:
            self._edges = symmetric(self.keys)
            self._keys = None
        return self._edges

    def _grow(self, matrix: Matrix, keys: Keys) -> None:
        while self._rows < matrix.rows:
            start = self._rows
            if start < WHOLE:
                stop = min(start + NEW, matrix.rows, WHOLE)
                self._join(matrix, keys, start, stop)
            else:
                age = WHOLE << (start // WHOLE).bit_length() - 1
                stop = min(start + CROWD, matrix.rows, 2 * age)
                self._join_cells(matrix, keys, start, stop, age)
            rows, copied = self._copies.lists(start, stop)
            keys[rows] = copied
            self._rows = stop

    def _single(self, start: int, stop: int) -> Ints:
        """The rows from `start` to `stop` that are compared with others."""
        return np.flatnonzero(~self._copies.folded[start:stop]) + start

    def _join(self, matrix: Matrix, keys: Keys, start: int, stop: int) -> None:
        """Compare the rows from `start` to `stop` with all before them, and with each other."""
        rows = self._single(start, stop)
        block = matrix.unit(rows)
        for first in range(0, stop, OLD):
            self._meet(matrix, keys, rows, block, self._single(first, min(first + OLD, stop)))

    def _join_cells(self, matrix: Matrix, keys: Keys, start: int, stop: int, age: int) -> None:
        """Compare the rows from `start` to `stop` with those before each in the cells that it looks into.

        Its own cell comes first: the lists are nearly right from then on, and few other rows pass the screen.
        """
        if self.cells is None or self.cells.trained != age:
            self.cells = Cells.of(matrix, age)
        cells = self.cells
        cells.settle(matrix, stop)
        single, rows = self._single(0, stop), self._single(start, stop)
        if not len(rows):
            return
        begin, members = grouped(cells.home[single], len(cells.centres))
        visitor, visited = cells.visits(matrix, rows)
        home = visited == cells.home[rows[visitor]]
        for now in (home, ~home):
            here = rows[visitor[now]]
            first, order = grouped(visited[now], len(cells.centres))
            for cell in np.flatnonzero(np.diff(first) * np.diff(begin)):
                there = single[members[begin[cell] : begin[cell + 1]]]
                self._meet_in_parts(matrix, keys, here[order[first[cell] : first[cell + 1]]], there)

    def _meet_in_parts(self, matrix: Matrix, keys: Keys, rows: Ints, others: Ints) -> None:
        for at in range(0, len(rows), CALL):
            mine = rows[at : at + CALL]
            block, before = matrix.unit(mine), others[: np.searchsorted(others, mine[-1])]
            for first in range(0, len(before), NEW):
                self._meet(matrix, keys, mine, block, before[first : first + NEW])

    def _meet(self, matrix: Matrix, keys: Keys, rows: Ints, block: Floats, others: Ints) -> None:
        """Compare each row, whose unit vectors are `block`, with the others that joined before it; both ascend."""
        if self._halt.is_set():
            raise Halted
        if not len(rows) or not len(others):
            return
        there = matrix.unit(others)
        likeness = block @ there.T
        if others[-1] >= rows[0]:
            likeness[others >= rows[:, None]] = -np.inf
        mine, theirs = floor(keys[rows, -1], others[0], likeness), floor(keys[others, -1], rows[0])
        i, j = np.nonzero(likeness > np.minimum(mine[:, None], theirs))
        near = distances(block, there, i, j)
        for_me, for_them = likeness[i, j] > mine[i], likeness[i, j] > theirs[j]
        merge(keys, rows[i[for_me]], key(near[for_me], others[j[for_me]]))
        merge(keys, others[j[for_them]], key(near[for_them], rows[i[for_them]]))


def _pairs(rows: int) -> int:
    """Pairs that are compared among so many rows, as if all cells were of one size."""
    whole = min(rows, WHOLE)
    pairs, age = whole * (whole - 1) // 2, WHOLE
    while rows > age:
        pairs += int(share(age) * (min(rows, 2 * age) ** 2 - age**2) / 2)
        age *= 2
    return pairs
