"""A greedy run that outlives its round: what is covered may change, and the head is placed anew at once.

Weights and kernel are those of the round. A row that becomes covered, or stops being, changes the gains of its
neighbours' neighbours alone, so the state after any such changes is the one that a run from nothing would reach: places
are the same, gains to float64 rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.kernel import Kernel, Sums
from labelcue.types import Bools, Floats, Ints

RESERVE = 8
"""Rows that are kept at hand for each place that is to be given."""
PIECE = 8192
"""Rows whose edges are gathered at a time."""


class Live:
    """F(S) = Σ_i w_i max_{s in S} K_is and the gain of each row, S what is covered. Gains are compared as float32.

    They are right for all rows at any time; but as they only fall while places are given (Minoux, 1978), few rows need
    to be looked at.
    """

    def __init__(self, kernel: Kernel, weight: Floats, free: Bools, covered: Ints, place: Ints | None = None) -> None:
        """`weight` (n,) float32 >= 0; `free` (n,): rows that may be placed; `covered`: rows that are there already.

        `place` (n,): of equals the lowest comes first; without it, the lowest row.
        """
        self.kernel, self.weight, self.place = kernel, weight, place
        self._near: Floats = kernel.values
        """K along the edges, whatever width the kernel takes meanwhile."""
        self.free = free.copy()
        self.covered: Bools = np.zeros(kernel.rows, dtype=bool)
        self.best: Floats = np.zeros(kernel.rows, dtype=np.float32)
        """(n,) how well each row is covered."""
        self.gain: Sums = kernel.sums(weight)
        """(n,) what each row would cover anew."""
        self._hand: Ints = np.empty(0, dtype=np.int64)
        """Free rows with the largest gains, the lowest place first."""
        self._above = np.float32(np.inf)
        """What no free row outside the hand reaches."""
        self._log: list[tuple[NDArray[Any], Ints, NDArray[Any]]] | None = None
        """What stood in the arrays before places were given."""
        self._cover_all(covered)

    def head(self, places: int) -> tuple[Ints, Floats]:
        """(k,) rows in order and their gains, one given the others; it ends early where no row has a gain."""
        found = self.go(places)
        self.back()
        return found

    def go(self, places: int) -> tuple[Ints, Floats]:
        """As `head`, but these rows count as covered until `back`."""
        if len(self._hand) < 2 * places:
            self._renew(places)
        self._log, self._kept = [], (self._hand, self._above)
        picks: list[int] = []
        gains: list[np.float32] = []
        while len(picks) < places:
            values = self._values(self._hand)
            best = int(np.argmax(values)) if len(values) else 0
            if not len(values) or values[best] < self._above:
                if self._renew(places):
                    continue
                break
            if values[best] <= 0:
                break
            picks.append(int(self._hand[best]))
            gains.append(values[best])
            self._note(self.free, np.array(picks[-1:]))
            self.free[picks[-1]] = False
            self._raise(picks[-1])
        return np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float32)

    def back(self) -> None:
        """Take the places of `go` back, to the last bit."""
        for array, at, before in reversed(self._log or []):
            array[at] = before
        self._log = None
        self._hand, self._above = self._kept

    def follow(self, covered: Ints, free: Bools) -> bool:
        """Make exactly the rows `covered` the covered ones, and those of `free` (n,) the ones that may be placed: True,
        as it always can."""
        now = np.flatnonzero(self.covered)
        for row in np.setdiff1d(now, covered, assume_unique=True):
            self.uncover(int(row))
        for row in np.setdiff1d(covered, now, assume_unique=True):
            self.cover(int(row))
        changed = np.flatnonzero(self.free != free)
        self.free[changed] = free[changed]
        self._push(changed[free[changed]])
        return True

    def cover(self, row: int) -> None:
        """A row was labelled or handed out."""
        self.covered[row], self.free[row] = True, False
        self._raise(row)

    def uncover(self, row: int) -> None:
        """It was not, after all: it may be placed again."""
        self.covered[row], self.free[row] = False, True
        near = self._neighbours(row)[0]
        own, size = self.kernel.spans(near)
        there = np.where(self.covered[self.kernel.edges.to[own]], self._near[own], np.float32(0))
        after = np.maximum.reduceat(there, np.cumsum(size) - size)
        lower = after < self.best[near]
        touched = self._shift(near[lower], after[lower])
        self._push(np.unique(np.append(touched, row)))

    def _cover_all(self, rows: Ints) -> None:
        self.covered[rows] = True
        self.free[rows] = False
        span = self.kernel.spans(rows)[0]
        best = self.best.copy()
        np.maximum.at(best, self.kernel.edges.to[span], self._near[span])
        risen = np.flatnonzero(best > self.best)
        for start in range(0, len(risen), PIECE):
            part = risen[start : start + PIECE]
            self._shift(part, best[part])

    def _raise(self, row: int) -> None:
        """Cover what a row's neighbours have in common with it."""
        near, values = self._neighbours(row)
        closer = values > self.best[near]
        self._shift(near[closer], values[closer])

    def _shift(self, near: Ints, after: Floats) -> Ints:
        """Cover some rows so well from now on; the rows whose gains this changes, some of them often."""
        before = self.best[near]
        self._note(self.best, near)
        self.best[near] = after
        heavy = self.weight[near] > 0
        own, size = self.kernel.spans(near[heavy])
        there, touched = self._near[own], self.kernel.edges.to[own].astype(np.int64)
        rose = np.maximum(there - np.repeat(before[heavy], size), 0).astype(np.float64)
        rose -= np.maximum(there - np.repeat(after[heavy], size), 0)
        self._note(self.gain, touched)
        np.subtract.at(self.gain, touched, rose * np.repeat(self.weight[near[heavy]], size))
        return touched

    def _neighbours(self, row: int) -> tuple[Ints, Floats]:
        edges = self.kernel.edges
        span = slice(edges.start[row], edges.start[row + 1])
        return edges.to[span].astype(np.int64), self._near[span]

    def _values(self, rows: Ints) -> Floats:
        """(k,) float32 gains; -1 for rows that are not free."""
        values: Floats = self.gain[rows].astype(np.float32)
        values[~self.free[rows]] = -1
        return values

    def _renew(self, places: int) -> bool:
        """Take the rows with the largest gains to hand; False where none has a gain."""
        values = self.gain.astype(np.float32)
        values[~self.free] = 0
        size, last = RESERVE * max(places, 1), np.float32(0)
        if size < len(values):
            last = np.partition(values, len(values) - size)[len(values) - size]
        self._hand = self._in_turn(np.flatnonzero(values >= last if last > 0 else values > 0))
        self._above = last if last > 0 else np.float32(-np.inf)
        return len(self._hand) > 0

    def _push(self, rows: Ints) -> None:
        """Take free rows to hand whose gains have risen, where they reach as high."""
        if len(self._hand):
            high = rows[self._values(rows) >= np.maximum(self._above, 0)]
            self._hand = self._in_turn(np.union1d(self._hand, high))

    def _in_turn(self, rows: Ints) -> Ints:
        """Ascending rows in the order of their places."""
        return rows if self.place is None else rows[np.argsort(self.place[rows])]

    def _note(self, array: NDArray[Any], at: Ints) -> None:
        if self._log is not None:
            self._log.append((array, at, array[at]))
