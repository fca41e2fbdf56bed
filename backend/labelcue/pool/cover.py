"""How far every row is from what annotators have already: kept, not recomputed.

A row that becomes covered costs one read of the vectors; a row that stops being covered costs one read and the rows
that it was nearest to. Either way the kept numbers are, to the last bit, those of a Cover built anew from the set.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from labelcue.pool.matrix import FARTHEST, Matrix
from labelcue.types import Bools, Floats, Ints

COVERED = np.float32(-1)
MANY = 24
"""From so many new rows on, the screened product is cheaper than one read of the vectors for each."""


class Cover:
    """Squared distance of each row to the nearest covered one: -1 for covered rows, 4 while nothing is covered."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.squared: Floats = np.full(matrix.rows, FARTHEST, dtype=np.float32)

    @property
    def covered(self) -> Ints:
        """The covered rows, ascending."""
        return np.flatnonzero(self.squared < 0).astype(np.int64)

    def set(self, rows: Iterable[int], likeness: Floats | None = None) -> None:
        """Make exactly these rows the covered ones.

        `likeness`: (t, n) of every row to the `new` ones, where somebody has read the vectors already.
        """
        wanted = np.array(sorted(rows), dtype=np.int64)
        self._remove(np.setdiff1d(self.covered, wanted, assume_unique=True))
        self._add(self.new(wanted), likeness)

    def new(self, rows: Ints) -> Ints:
        """Those of some ascending rows that are not covered."""
        return rows[self.squared[rows] >= 0]

    def grow(self, matrix: Matrix) -> None:
        """Take a longer matrix whose first rows are the same."""
        new = np.arange(len(self.squared), matrix.rows, dtype=np.int64)
        self.matrix = matrix
        far = np.full(len(new), FARTHEST, dtype=np.float32)
        self.squared = np.concatenate([self.squared, matrix.nearest(new, self.covered, far)])

    def restore(self, rows: Ints, squared: Floats) -> None:
        """Take the kept numbers of some rows from an earlier run; the others are computed from them."""
        self.squared = np.full(self.matrix.rows, np.nan, dtype=np.float32)
        self.squared[rows] = squared
        unknown = np.flatnonzero(np.isnan(self.squared)).astype(np.int64)
        far = np.full(len(unknown), FARTHEST, dtype=np.float32)
        self.squared[unknown] = self.matrix.nearest(unknown, self.covered, far)

    def _add(self, rows: Ints, likeness: Floats | None) -> None:
        if likeness is not None:
            for row, alike in zip(rows.tolist(), likeness, strict=True):
                near, squared = self.matrix.reaching(alike, row, self.squared)
                self.squared[near] = np.minimum(self.squared[near], squared)
        elif len(rows) < MANY:
            for row in rows:
                np.minimum(self.squared, self.matrix.squared_to(int(row)), out=self.squared)
        else:
            every = np.arange(self.matrix.rows, dtype=np.int64)
            self.squared = self.matrix.nearest(every, rows, self.squared)
        self.squared[rows] = COVERED

    def _remove(self, rows: Ints) -> None:
        if not len(rows):
            return
        stale: Bools = np.zeros(self.matrix.rows, dtype=np.bool_)
        for row in rows if len(rows) < MANY else ():
            stale |= self.squared >= self.matrix.squared_to(int(row))
        if len(rows) >= MANY:
            above = np.nextafter(self.squared, np.float32(2 * FARTHEST))
            every = np.arange(self.matrix.rows, dtype=np.int64)
            stale = self.matrix.nearest(every, rows, above) <= self.squared
        self.squared[rows] = FARTHEST
        self._recompute(rows, stale)

    def _recompute(self, rows: Ints, stale: Bools) -> None:
        stale[self.squared < 0] = False
        stale[rows] = True
        affected = np.flatnonzero(stale).astype(np.int64)
        far = np.full(len(affected), FARTHEST, dtype=np.float32)
        self.squared[affected] = self.matrix.nearest(affected, self.covered, far)
