"""Greedy farthest-first selection, lazily: each place assumes that the places before it are taken.

Distances to what is taken only fall, so a value computed earlier is an upper bound, and a place needs exact values of
those rows alone whose bound reaches the best exact one. (k-center greedy: Sener & Savarese, ICLR 2018, arXiv
1708.00489, algorithm 1; lazy bounds as in Minoux' accelerated greedy, 1978.)

Bounds come from float32 distances and their error. Where two rows are nearer to one another than that, float64 decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.largest import largest
from labelcue.pool.matrix import Matrix
from labelcue.pool.rivals import SAME, Rivals
from labelcue.types import Floats, Ints

FRESH, MOST = 384, 8192
"""Rows that are kept exact at a time: at first, and where the places spread over more of them."""
PATIENCE = 16
"""Places that a choice of such rows should last; after fewer, the next one is twice as large."""


class FarthestFirst:
    """Places rows one by one by weight × distance^power to the nearest covered or placed row.

    Rows are named by their position in `rows`. Equal values, in float64, go to the lower position.
    """

    def __init__(
        self, matrix: Matrix, rows: Ints, squared: Floats, weight: Floats, power: float, covered: Ints
    ) -> None:
        """`squared`: (m,) kept squared distances of `rows` to the rows `covered`; `weight`: (m,) >= 0."""
        self.matrix, self.rows, self.weight, self.power = matrix, rows, weight, power
        self.squared = squared.copy()
        self.error = 2.0**-22 * (2 + np.sqrt(matrix.dim))
        """Of a kept squared distance: √d roundings of 2⁻²⁴ for a dot product and two lengths (Higham & Mary, 2019)."""
        self.bound: Floats = self._value(self.squared, 1)
        self.taken: list[int] = []
        self.gains: list[float] = []
        self.distances: list[float] = []
        self._rivals = Rivals(matrix, covered)
        self._seen = np.zeros(len(rows), dtype=np.int32)
        self._size, self._chosen_at = FRESH, -PATIENCE
        self._cold = not len(covered)
        self._fresh: Ints = np.empty(0, dtype=np.int64)
        self._values: Floats = self.bound[:0]
        self._block: Floats | None = None
        self._others = np.inf

    def run(self, places: int) -> tuple[Ints, Floats, Floats]:
        """(k,) positions in order, their values, and their squared distances at that moment; k <= places.

        It ends early when every row that is left has value 0: nothing of it would be new or uncertain.
        """
        if places > 0 and self._cold and self.weight.max(initial=0) > 0:
            self._begin()
        while len(self.taken) < min(places, len(self.rows)):
            best = self._best()
            if best < 0:
                break
            self._take(best)
        picks = np.array(self.taken, dtype=np.int64)
        return picks, np.array(self.gains, dtype=np.float32), np.array(self.distances, dtype=np.float32)

    def least(self) -> float:
        """What the value of the latest place reached at least, whatever float32 made of it."""
        last = np.array(self.distances[-1:], dtype=np.float32)
        return float(self._value(last, -1, np.array(self.taken[-1:]))[0])

    def _begin(self) -> None:
        """Nothing is covered: the most typical row comes first, as the farthest one would be an outlier."""
        mean = self.matrix.mean(self.rows)
        likeness = self.matrix.product(mean[None, :], np.zeros(1, dtype=np.float32))[self.rows, 0]
        first = int(np.argmax(np.where(self.weight > 0, likeness, -np.inf)))
        self._take(first)
        self.squared = self.matrix.squared_to(int(self.rows[first]))[self.rows]
        self.bound = self._value(self.squared, 1)
        self.bound[first] = -1
        self.gains[0] = float(self._value(self.squared, 0).max())
        self._seen[:] = 1

    def _best(self) -> int:
        """The position with the largest value, made certain by narrowing what may reach it; -1 where all are 0."""
        size, few = self._size, 1
        while True:
            top, others = float(self._values.max(initial=-1)), self._others
            if max(top, others) <= 0:
                return -1
            best = int(self._fresh[np.argmax(self._values)]) if top > others else -1
            least = self._least(best) if best >= 0 else -1
            rivals = self._fresh[self._values >= least] if best >= 0 else self._fresh[:0]
            if least > max(others, 0) and len(rivals) == 1:
                return best
            vague = rivals[~self._rivals.knows(rivals)]
            if len(vague) and (best in vague or least > others):
                self._narrow(vague[np.argsort(-self.bound[vague], kind="stable")[:few]])
                few *= 2
            elif least > others:
                return self._first_of(rivals)
            else:
                self._renew(size)
                size *= 2

    def _least(self, position: int) -> float:
        """What the value of an up-to-date row reaches at least."""
        if self._rivals.knows(np.array([position]))[0]:
            return float(self._exact(np.array([position]))[0]) * (1 - SAME)
        place = slice(position, position + 1)
        return float(self._value(self.squared[place], -1, place)[0])

    def _exact(self, positions: Ints) -> NDArray[np.float64]:
        """(k,) float64 values of rows that float64 has looked at."""
        weight = self.weight[positions].astype(np.float64)
        return weight * self._rivals.squared(positions) ** (self.power / 2)

    def _first_of(self, rivals: Ints) -> int:
        """The lowest position with the largest value in float64."""
        exact = self._exact(rivals)
        return int(rivals[exact >= exact.max() * (1 - SAME)].min())

    def _narrow(self, positions: Ints) -> None:
        """Compute the values of some rows in float64."""
        self._rivals.look(positions, self.rows[positions])
        self.bound[positions] = (self._exact(positions) * (1 + 2.0**-22)).astype(np.float32)
        self._values = self.bound[self._fresh]

    def _renew(self, size: int) -> None:
        """Keep exact the rows with the largest bounds, after as much catching up as that takes."""
        places = len(self.taken)
        if 0 <= self._chosen_at < places < self._chosen_at + PATIENCE:
            size = self._size = min(2 * self._size, MOST)
        self._chosen_at = places
        reach = size
        while True:
            fresh, others = largest(self.bound, size)
            if bool((self._seen[fresh] == places).all()):
                break
            self._catch_up(largest(self.bound, reach)[0])
            reach *= 2
        self._keep(fresh, others)

    def _keep(self, fresh: Ints, others: float) -> None:
        self._fresh, self._others = fresh, others
        self._values, self._block = self.bound[fresh], None

    def _catch_up(self, positions: Ints) -> None:
        """Apply to rows the places that were given since they were exact."""
        behind = positions[self._seen[positions] < len(self.taken)]
        if not len(behind):
            return
        late = self.rows[np.array(self.taken[int(self._seen[behind].min()) :], dtype=np.int64)]
        self.squared[behind] = self.matrix.nearest(self.rows[behind], late, self.squared[behind])
        self.bound[behind] = np.minimum(self.bound[behind], self._value(self.squared[behind], 1, behind))
        self._seen[behind] = len(self.taken)

    def _take(self, position: int) -> None:
        """Give the next place to a row, and lower the values of the rows that are kept exact."""
        row, place = int(self.rows[position]), slice(position, position + 1)
        self.taken.append(position)
        self.gains.append(float(self._value(self.squared[place], 0, place)[0]))
        self.distances.append(float(self.squared[position]))
        self._rivals.take(row)
        self.bound[position] = -1
        fresh = self._fresh
        if len(fresh) > MOST:
            self._keep(fresh[:0], np.inf)
        elif len(fresh):
            if self._block is None:
                self._block = self.matrix.block(self.rows[fresh])
            near = self.matrix.to_block(self._block, self.rows[fresh], row)
            self.squared[fresh] = np.minimum(self.squared[fresh], near)
            self._values = np.minimum(self.bound[fresh], self._value(self.squared[fresh], 1, fresh))
            self.bound[fresh] = self._values
            self._seen[fresh] = len(self.taken)

    def _value(self, squared: Floats, side: int, positions: Ints | slice = slice(None)) -> Floats:
        """(k,) float32 weight × distance^power; no more than the value with `side` 1, no less than it with -1."""
        shifted = np.maximum(squared + np.float32(side * self.error), np.float32(0))
        values: Floats = self.weight[positions] * shifted ** (self.power / 2)
        return values * np.float32(1 + side * 2.0**-20)
