"""Greedy farthest-first selection, lazily: each place assumes that the places before it are taken.

Distances to what is taken only fall, so a value computed earlier is an upper bound, and a place needs exact values of
those rows alone whose bound reaches the best exact one. (k-center greedy: Sener & Savarese, ICLR 2018, arXiv
1708.00489, algorithm 1; lazy bounds as in Minoux' accelerated greedy, 1978.)
"""

from __future__ import annotations

import numpy as np

from labelcue.pool.matrix import FARTHEST, Matrix
from labelcue.types import Floats, Ints

FRESH = 1024
"""Rows that are kept exact at a time. Catching up starts with as many, and doubles while others reach above them."""


class FarthestFirst:
    """Places rows one by one by weight × distance^power to the nearest covered or placed row.

    Rows are named by their position in `rows`. Equal values go to the lower position.
    """

    def __init__(self, matrix: Matrix, rows: Ints, squared: Floats, weight: Floats, power: float) -> None:
        """`squared`: (m,) kept squared distances of `rows` to what is covered; `weight`: (m,) >= 0."""
        self.matrix, self.rows, self.weight, self.power = matrix, rows, weight, power
        self.squared = squared.copy()
        self.bound = self._value(np.arange(len(rows)))
        self.taken: list[int] = []
        self.gains: list[float] = []
        self.distances: list[float] = []
        self._seen = np.zeros(len(rows), dtype=np.int64)
        self._fresh: Ints = np.empty(0, dtype=np.int64)
        self._block: Floats = np.empty((0, matrix.dim), dtype=np.float32)
        self._others = np.inf

    def run(self, places: int) -> tuple[Ints, Floats, Floats]:
        """(k,) positions in order, their values, and their squared distances at that moment; k <= places.

        It ends early when every row that is left has value 0: nothing of it would be new or uncertain.
        """
        if places > 0 and len(self.rows) and self.squared.min() >= FARTHEST:
            self._begin()
        while len(self.taken) < min(places, len(self.rows)):
            best = self._best()
            if self.bound[best] <= 0:
                break
            self._take(best)
        picks = np.array(self.taken, dtype=np.int64)
        return picks, np.array(self.gains, dtype=np.float32), np.array(self.distances, dtype=np.float32)

    def _begin(self) -> None:
        """Nothing is covered: the most typical row comes first, as the farthest one would be an outlier."""
        mean = self.matrix.mean(self.rows)
        likeness = self.matrix.product(mean[None, :], np.zeros(1, dtype=np.float32))[self.rows, 0]
        first = int(np.argmax(np.where(self.weight > 0, likeness, -np.inf)))
        self._take(first)
        self.squared = self.matrix.squared_to(int(self.rows[first]))[self.rows]
        self.bound = self._value(np.arange(len(self.rows)))
        self.bound[first] = -1
        self.gains[0] = float(self.bound.max())
        self._seen[:] = 1

    def _best(self) -> int:
        """The position with the largest value, made certain by refreshing bounds that reach above it."""
        values = self.bound[self._fresh]
        if not len(values) or values.max() <= self._others:
            self._renew()
            values = self.bound[self._fresh]
        best = int(np.argmax(values))
        if values[best] > self._others:
            return int(self._fresh[best])
        return self._lowest_of_ties(values[best])

    def _renew(self) -> None:
        """Keep exact the rows with the largest bounds, after as much catching up as that takes."""
        size = FRESH
        while True:
            fresh, others = self._top(FRESH)
            if bool((self._seen[fresh] == len(self.taken)).all()):
                break
            self._catch_up(self._top(size)[0])
            size *= 2
        self._fresh, self._others = fresh, others
        self._block = self.matrix.block(self.rows[fresh])

    def _top(self, size: int) -> tuple[Ints, float]:
        """The positions of the largest bounds, ascending, and the largest bound of the others."""
        if size >= len(self.rows):
            return np.arange(len(self.rows)), -np.inf
        split = np.argpartition(-self.bound, size)
        return np.sort(split[:size]), float(self.bound[split[size]])

    def _lowest_of_ties(self, top: np.float32) -> int:
        """The lowest position whose value is `top`, which no row exceeds."""
        ties = np.flatnonzero(self.bound == top)
        self._catch_up(ties)
        return int(ties[self.bound[ties] == top][0])

    def _catch_up(self, positions: Ints) -> None:
        """Apply to rows the places that were given since they were exact."""
        behind = positions[self._seen[positions] < len(self.taken)]
        if not len(behind):
            return
        late = self.rows[np.array(self.taken[int(self._seen[behind].min()) :], dtype=np.int64)]
        self.squared[behind] = self.matrix.nearest(self.rows[behind], late, self.squared[behind])
        alive = self.bound[behind] >= 0
        self.bound[behind[alive]] = self._value(behind[alive])
        self._seen[behind] = len(self.taken)

    def _take(self, position: int) -> None:
        """Give the next place to a row, and lower the values of the rows that are kept exact."""
        self.taken.append(position)
        self.gains.append(float(self.bound[position]))
        self.distances.append(float(self.squared[position]))
        fresh = self._fresh
        if len(fresh):
            rows = self.rows[fresh]
            near = self.matrix.to_block(self._block, rows, int(self.rows[position]))
            self.squared[fresh] = np.minimum(self.squared[fresh], near)
            alive = fresh[self.bound[fresh] >= 0]
            self.bound[alive] = self._value(alive)
            self._seen[fresh] = len(self.taken)
        self.bound[position] = -1

    def _value(self, positions: Ints) -> Floats:
        """(k,) float32 weight × distance^power."""
        values: Floats = self.weight[positions] * self.squared[positions] ** np.float32(self.power / 2)
        return values
