"""Rows whose float32 values are too close to call, looked at in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.matrix import Matrix
from labelcue.types import Bools, Floats, Ints

SAME = 1e-12
"""Squared distance below which float32 cannot tell a row from its copy, and the relative error of float64 values."""


class Rivals:
    """Squared distances in float64 to what is covered or placed, of the few rows for which that matters.

    They depend on the vectors and on the set of covered and placed rows alone.
    """

    def __init__(self, matrix: Matrix, covered: Ints) -> None:
        """`covered`: rows that are covered from the start."""
        self._matrix = matrix
        self._rows: list[int] = covered.tolist()
        self._ready: Floats = np.empty((0, matrix.dim), dtype=np.float32)
        self._held = 0
        self._known: dict[int, tuple[float, int]] = {}
        self._slack = 8 * (matrix.dim + 8) * 2.0**-24

    def take(self, row: int) -> None:
        """One more row is placed."""
        self._rows.append(row)

    def knows(self, positions: Ints) -> Bools:
        """(k,) whether these were looked at since the latest place was given."""
        last = len(self._rows)
        return np.array(
            [self._known.get(position, (0.0, -1))[1] == last for position in positions.tolist()], dtype=bool
        )

    def squared(self, positions: Ints) -> NDArray[np.float64]:
        """(k,) float64, 0 for copies of what is covered or placed; of positions that were looked at."""
        return np.array([self._known[position][0] for position in positions.tolist()])

    def look(self, positions: Ints, rows: Ints) -> None:
        """Compute the distances of `rows`, which `positions` name, or bring them up to date."""
        before = [self._known.get(position, (np.inf, 0)) for position in positions.tolist()]
        since = min(seen for _, seen in before)
        near = np.minimum([value for value, _ in before], self._nearest(rows, since))
        near[near < SAME] = 0
        self._known.update(zip(positions.tolist(), ((value, len(self._rows)) for value in near.tolist()), strict=True))

    def _nearest(self, rows: Ints, since: int) -> NDArray[np.float64]:
        """(k,) float64 squared distances to the nearest of the covered and placed from the place `since` on."""
        self._grow()
        out = np.full(len(rows), np.inf)
        for start in range(0, len(rows), 1024):
            part = slice(start, start + 1024)
            likeness = self._matrix.unit(rows[part]) @ self._ready[since : len(self._rows)].T
            mine, theirs = np.nonzero(likeness >= likeness.max(axis=1, initial=-1)[:, None] - np.float32(self._slack))
            targets = np.array(self._rows, dtype=np.int64)[since + theirs]
            np.minimum.at(out[part], mine, self._matrix.precise(rows[part][mine], targets))
        return out

    def _grow(self) -> None:
        """Hold the vectors of everything covered and placed, with room for as much again."""
        have, need = self._held, len(self._rows)
        if need > len(self._ready):
            room = np.empty((need + max(64, need // 4), self._matrix.dim), dtype=np.float32)
            room[:have] = self._ready[:have]
            self._ready = room
        self._ready[have:need] = self._matrix.unit(np.array(self._rows[have:need], dtype=np.int64))
        self._held = need
