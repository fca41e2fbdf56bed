"""Farthest-first places given anew when more is covered, from the few rows that can be among them.

Weights and kept distances are those of a round. A row that is covered since only lowers the values of the others: those
that stood below all places then stand below them now, until the places themselves fall as low.
"""

from __future__ import annotations

import numpy as np

from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.largest import largest
from labelcue.pool.matrix import Matrix
from labelcue.types import Bools, Floats, Ints

HAND = 2048
"""Rows with the largest values that are looked at; twice as many again where the places may be beyond them."""


class Spread:
    """Where a farthest-first run began. Its places are, at any time, those of such a run over all rows."""

    def __init__(
        self, matrix: Matrix, rows: Ints, squared: Floats, weight: Floats, power: float, covered: Ints
    ) -> None:
        """As of `FarthestFirst`; the arrays are kept as they are."""
        self._matrix, self._rows, self._squared, self._weight = matrix, rows, squared, weight
        self._power, self._begun = power, covered
        self._covered, self._new = covered, covered[:0]
        self._known = np.zeros(matrix.rows, dtype=bool)
        self._known[rows] = True
        self.free: Bools = self._known
        """(n,) rows that may be placed."""
        self._hands: dict[int, tuple[Ints, float]] = {}

    def follow(self, covered: Ints, free: Bools) -> bool:
        """Count the rows `covered`, ascending, as covered, and let those of `free` (n,) alone be placed.

        False where that has raised values, or may have: something is covered no more, or comes back; and while nothing
        is covered at all.
        """
        lost = np.setdiff1d(self._begun, covered, assume_unique=True)
        if len(lost) or not len(covered) or bool((free & ~self._known).any()):
            return False
        self._covered, self.free = covered, free
        self._new = np.setdiff1d(covered, self._begun, assume_unique=True)
        return True

    def head(self, places: int) -> tuple[Ints, Floats]:
        """(k,) rows in order and their values; it ends early where every row that is left has value 0."""
        size = HAND
        while True:
            hand, outside = self._hand(size)
            found, least = self._among(hand, places)
            if least > outside or size >= len(self._rows):
                return found
            size *= 2

    def _among(self, hand: Ints, places: int) -> tuple[tuple[Ints, Floats], float]:
        """The places among some positions, and what the last one's value reaches at least; -1 where they end early."""
        rows = self._rows[hand]
        hand, rows = hand[self.free[rows]], rows[self.free[rows]]
        squared = self._matrix.nearest(rows, self._new, self._squared[hand])
        run = FarthestFirst(self._matrix, rows, squared, self._weight[hand], self._power, self._covered)
        picks, values, _ = run.run(places)
        least = run.least() if len(picks) == places else -1.0
        return (rows[picks], values), least

    def _hand(self, size: int) -> tuple[Ints, float]:
        """(k,) the positions with the largest values of the round, ascending, and what the others do not exceed."""
        if size not in self._hands:
            bound = FarthestFirst(self._matrix, self._rows, self._squared, self._weight, self._power, self._begun).bound
            self._hands[size] = largest(bound, size)
        return self._hands[size]
