"""Vectors by row: read in blocks, never copied whole, every row taken as scaled to length one.

Distances come from `einsum`, whose sum over one row does not depend on the row's place, on the batch or on the number
of threads. So the distance of two rows is one float32 for ever: a nearest distance depends on the set of rows alone,
not on the order or the batches in which it was reached. Faster products only screen, where there are many pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.columns import times
from labelcue.pool.screen import Screen
from labelcue.types import Floats, Ints

BLOCK = 4096
"""Rows of one step: about 6 MB at 384 dimensions, which stays in the cache of a core."""
FARTHEST = 4.0
"""Squared distance of opposite unit vectors; stands for "nothing is covered yet"."""
SLACK = 2e-5
"""More than the float32 error of a squared distance by BLAS; what it leaves in doubt is computed again."""
MANY = 20
"""From so large a share of the rows on (one in so many) all are read where they lie instead of being gathered."""
SHORTEST = 1e-6
"""A vector that is shorter has no direction worth trusting."""


class Matrix:
    """(n, d) float32 or float16 vectors, in memory or memory-mapped, and the reciprocal length of each row."""

    def __init__(self, vectors: NDArray[np.floating], scale: Floats | None = None) -> None:
        """Adopts `vectors` without a copy; `scale` (n', ) holds what an earlier Matrix knew of the first n' rows."""
        if vectors.ndim != 2 or vectors.shape[1] == 0:
            raise BadRequest(f"Vectors have the shape {vectors.shape}.", "Pass one row of numbers per item: (n, d).")
        if vectors.dtype not in (np.float32, np.float16):
            vectors = vectors.astype(np.float32)
        self.vectors: NDArray[np.floating] = np.asarray(vectors)
        known = np.empty(0, dtype=np.float32) if scale is None else scale
        self.scale: Floats = np.concatenate([known, self._reciprocal_lengths(len(known))])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.vectors.shape[0])

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return int(self.vectors.shape[1])

    def bad_rows(self, start: int = 0) -> Ints:
        """Rows from `start` on that hold NaN or infinity, or are too short to have a direction."""
        return np.flatnonzero(~np.isfinite(self.scale[start:])).astype(np.int64) + start

    def unit(self, rows: Ints) -> Floats:
        """(m, d) float32 copy of some rows, scaled to length one."""
        return self._raw(rows) * self.scale[rows, None]

    def product(self, weights: Floats, bias: Floats) -> Floats:
        """(n, c) float32 `unit @ weights.T + bias` of every row: one read of the vectors."""
        return self.product_and_likeness(weights, bias, np.empty(0, dtype=np.int64))[0]

    def product_and_likeness(self, weights: Floats, bias: Floats, targets: Ints) -> tuple[Floats, Floats]:
        """`product`, and (t, n) float32 cosine of every row and each of `targets`, but for float32's error."""
        classes = len(weights)
        out = np.empty((self.rows, classes), dtype=np.float32)
        likeness = np.empty((len(targets), self.rows), dtype=np.float32)
        multiply, biases = times(np.concatenate([weights, self.unit(targets)])), np.tile(bias, BLOCK)
        for part, block in self._blocks():
            made = multiply(block)
            np.einsum("ij,i->ij", made[:, :classes], self.scale[part], out=out[part])
            flat = out[part].reshape(-1)  # Rows of a few numbers are slow to add to.
            flat += biases[: len(flat)]
            np.multiply(made[:, classes:].T, self.scale[part], out=likeness[:, part])
        return out, likeness

    def mean(self, rows: Ints) -> Floats:
        """(d,) float32 mean of some unit rows."""
        total = np.zeros(self.dim, dtype=np.float64)
        for start in range(0, len(rows), BLOCK):
            total += self.unit(rows[start : start + BLOCK]).sum(axis=0, dtype=np.float64)
        return (total / max(1, len(rows))).astype(np.float32)

    def squared_to(self, row: int) -> Floats:
        """(n,) float32 squared distances of every row to one row: one read of the vectors."""
        out = np.empty(self.rows, dtype=np.float32)
        target = self._raw(np.array([row]))[0]
        for part, block in self._blocks():
            out[part] = _squared(np.einsum("ij,j->i", block, target), self.scale[part], self.scale[row])
        return out

    def nearest(self, rows: Ints, targets: Ints, ceiling: Floats) -> Floats:
        """(m,) float32 smaller of `ceiling` and the squared distance of each row to the nearest of `targets`.

        Equal to the last bit to the smallest `squared_to`; a rough product finds which pairs need that sum.
        """
        out = ceiling.copy()
        size = BLOCK // 4
        aims = [targets[first : first + size] for first in range(0, len(targets), size)] if len(rows) else []
        ready = [(part, self._raw(part), Screen(self.unit(part))) for part in aims]
        for start in range(0, len(rows), size // 2):
            mine = rows[start : start + size // 2]
            block = self._raw(mine)
            for theirs, vectors, screen in ready:
                near = out[start : start + size // 2]
                i, j = screen.doubtful(block, self.scale[mine], near)
                np.minimum.at(near, i, self._pairs(block, mine, i, vectors, theirs, j))
        return out

    def precise(self, rows: Ints, targets: Ints) -> NDArray[np.float64]:
        """(p,) float64 squared distances of pairs of rows, each in its own sum: a pair has one value for ever."""
        out = np.empty(len(rows))
        for start in range(0, len(rows), BLOCK // 4):
            part = slice(start, start + BLOCK // 4)
            mine, theirs = self._raw(rows[part]).astype(np.float64), self._raw(targets[part]).astype(np.float64)
            lengths = np.einsum("ij,ij->i", mine, mine) * np.einsum("ij,ij->i", theirs, theirs)
            out[part] = 2 - 2 * np.einsum("ij,ij->i", mine, theirs) / np.sqrt(lengths)
        return np.maximum(out, 0, out=out)

    def to_block(self, block: Floats, rows: Ints, target: int) -> Floats:
        """(m,) float32 squared distances of rows, whose vectors are `block`, to one row."""
        vector = self._raw(np.array([target]))[0]
        return _squared(np.einsum("ij,j->i", block, vector), self.scale[rows], self.scale[target])

    def reaching(self, likeness: Floats, row: int, squared: Floats) -> tuple[Ints, Floats]:
        """(k,) rows that may be nearer to one row than `squared` (n,), and (k,) their squared distances, all if many.

        `likeness`: (n,) as by `product_and_likeness`; it only tells which rows need not be looked at.
        """
        slack = np.float32(2 * (self.dim + 8) * 2.0**-24)
        near = np.flatnonzero(likeness > 1 - squared / 2 - slack).astype(np.int64)
        if len(near) * MANY > self.rows:
            return np.arange(self.rows, dtype=np.int64), self.squared_to(row)
        return near, self.to_block(self.block(near), near, row)

    def block(self, rows: Ints) -> Floats:
        """(m, d) float32 copy of some rows as they are, for `to_block`."""
        return self._raw(rows)

    def _pairs(self, block: Floats, rows: Ints, i: Ints, aims: Floats, targets: Ints, j: Ints) -> Floats:
        """(p,) float32 squared distances of the rows i of `block` to the rows j of `aims`."""
        out = np.empty(len(i), dtype=np.float32)
        for start in range(0, len(i), BLOCK // 4):
            part = slice(start, start + BLOCK // 4)
            dot = np.einsum("ij,ij->i", block[i[part]], aims[j[part]])
            out[part] = _squared(dot, self.scale[rows[i[part]]], self.scale[targets[j[part]]])
        return out

    def _raw(self, rows: Ints) -> Floats:
        return np.ascontiguousarray(self.vectors[rows], dtype=np.float32)

    def _blocks(self, start: int = 0) -> Iterator[tuple[slice, Floats]]:
        for first in range(start, self.rows, BLOCK):
            part = slice(first, min(first + BLOCK, self.rows))
            yield part, np.ascontiguousarray(self.vectors[part], dtype=np.float32)

    def _reciprocal_lengths(self, start: int) -> Floats:
        out = np.full(self.rows - start, np.nan, dtype=np.float32)
        for part, block in self._blocks(start):
            with np.errstate(over="ignore", invalid="ignore"):
                length = np.sqrt(np.einsum("ij,ij->i", block, block))
            good = np.isfinite(length) & (length > SHORTEST)
            out[part.start - start : part.stop - start][good] = 1 / length[good]
        return out


def _squared(dot: Floats, mine: Floats, theirs: Floats | np.float32) -> Floats:
    """Squared distance of unit vectors from the dot product of the vectors as they are and their reciprocal lengths."""
    squared: Floats = np.float32(2) - np.float32(2) * ((dot * mine) * theirs)
    return np.maximum(squared, np.float32(0), out=squared)
