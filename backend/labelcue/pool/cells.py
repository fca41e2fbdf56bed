"""Cells of like rows, for pools where comparing all rows with each other would take hours.

An inverted file (Jégou, Douze & Schmid, Product Quantization for Nearest Neighbor Search, PAMI 2011, section IV): faiss
finds the centres, each row lives in the cell of the nearest one, and looks for its neighbours in the VISITS nearest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.matrix import Matrix
from labelcue.types import Floats, Ints

VISITS = 192
"""Cells that each row looks into. As cells grow in number with the root of the pool, their share falls."""
DENSITY = 4.0
"""Cells, as a multiple of the root of the number of rows that they are made from."""
SAMPLE, STEPS = 40, 6
"""Rows for each cell that the centres are made from, and steps of k-means."""
STRIP = 1024
"""Rows of one product."""


class Cells:
    """Centres, and the cell of each row so far."""

    def __init__(self, centres: Floats, trained: int, home: NDArray[np.int32] | None = None) -> None:
        """`centres` (c, d) unit rows, made from the first `trained` rows; `home`: the cells of the first rows."""
        self.centres, self.trained = np.ascontiguousarray(centres, dtype=np.float32), trained
        self.home = np.empty(0, dtype=np.int32) if home is None else home
        """(n,) int32"""

    @classmethod
    def of(cls, matrix: Matrix, rows: int) -> Cells:
        """Cells of the first `rows` rows, by k-means on a sample of them: a function of these rows alone."""
        import faiss  # 14 MB and a pool of threads, which small pools never need

        count = _count(rows)
        sample = np.random.default_rng(rows).permutation(rows)[: SAMPLE * count]
        kmeans = faiss.Kmeans(
            matrix.dim, count, niter=STEPS, seed=rows, spherical=True, min_points_per_centroid=1, verbose=False
        )
        kmeans.train(matrix.unit(np.sort(sample).astype(np.int64)))
        return cls(cast(Floats, kmeans.centroids), rows)

    def settle(self, matrix: Matrix, stop: int) -> None:
        """Find the cells of the rows up to `stop`."""
        strips = self._strips(matrix, len(self.home), stop)
        homes = [likeness.argmax(axis=1).astype(np.int32) for _, likeness in strips]
        self.home = np.concatenate([self.home, *homes])

    def visits(self, matrix: Matrix, rows: Ints) -> tuple[Ints, NDArray[np.int32]]:
        """Pairs of a place in `rows`, which ascend, and one of the cells nearest to that row."""
        wanted = min(VISITS, len(self.centres))
        places: list[Ints] = [np.empty(0, dtype=np.int64)]
        cells: list[NDArray[np.int32]] = [np.empty(0, dtype=np.int32)]
        for first, likeness in self._strips(matrix, int(rows[0]), int(rows[-1]) + 1):
            mine = slice(*np.searchsorted(rows, [first, first + len(likeness)]))
            near = likeness[rows[mine] - first]
            bound = np.partition(near, -wanted, axis=1)[:, -wanted]
            place, cell = np.nonzero(near >= bound[:, None])
            places.append(place + mine.start)
            cells.append(cell.astype(np.int32))
        return np.concatenate(places), np.concatenate(cells)

    def _strips(self, matrix: Matrix, start: int, stop: int) -> Iterator[tuple[int, Floats]]:
        """The first of some rows, and their (m, c) likeness to the centres, m <= STRIP rows at a time.

        Whatever the rows asked for, each stands at the same place of a product of the same size: BLAS may round
        another way elsewhere, and a row near a border would change its cell.
        """
        for first in range(start - start % STRIP, stop, STRIP):
            low, high = max(first, start), min(first + STRIP, stop)
            block = np.zeros((STRIP, matrix.dim), dtype=np.float32)
            block[low - first : high - first] = matrix.unit(np.arange(low, high, dtype=np.int64))
            yield low, (block @ self.centres.T)[low - first : high - first]


def grouped(cells: NDArray[np.int32], count: int) -> tuple[Ints, Ints]:
    """(count + 1,) start of each cell's entries in the second array, (m,) places in `cells` by cell, ascending."""
    order = np.argsort(cells, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=count))]).astype(np.int64)
    return start, order


def share(rows: int) -> float:
    """Share of the pool that a row is compared with, by cells that are made from so many rows."""
    return min(1.0, VISITS / _count(rows))


def _count(rows: int) -> int:
    return max(1, int(DENSITY * np.sqrt(rows)))
