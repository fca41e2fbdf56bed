"""The neighbour graph seen through a Gaussian of one width: all that stays of a herd while labels come.

K_is = exp(-|x_i - x_s|² / width²) along the edges of the graph, 1 on the loop that each row has with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from labelcue.pool.graph import Edges
from labelcue.types import Bools, Floats, Ints

COPY = np.float32(0.02)
"""Squared distance below which two items are copies of one: cosine 0.99."""
STEP = 4096
"""Rows of one step, whose edges stay in the cache: about 1.5 MB in float64."""
Sums: TypeAlias = NDArray[np.float64]
"""Sums of gains, in float64."""


class Kernel:
    """Values along edges, kept while the width stays; about 4 bytes an edge. Rows are those of the graph.

    Work is dealt out to as many threads as torch has; a row's sum does not depend on how many these are.
    """

    def __init__(self, edges: Edges) -> None:
        self.edges = edges
        self.width = 0.0
        self.values: Floats = np.empty(0, dtype=np.float32)
        self._used = -1
        """Number of rows in use that `_copies` and `_usual` are of."""
        self._copies: Floats | None = None
        self._usual: dict[float, float] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.edges.start) - 1

    def widen(self, width: float) -> None:
        """Take another width; whoever took `values` before keeps those of the old one."""
        if width == self.width:
            return
        self.values = np.empty(len(self.edges.to), dtype=np.float32)

        def step(first: int, last: int) -> None:
            span = slice(self.edges.start[first], self.edges.start[last])
            np.multiply(self.edges.squared[span], np.float32(-1 / width**2), out=self.values[span])
            np.exp(self.values[span], out=self.values[span])

        self._each(step)
        self.width = width

    def sums(self, weight: Floats) -> Sums:
        """(n,) float64 Σ_i w_i K_is of each row s over its neighbours i, `weight` (n,) float32."""
        start, out, factor = self.edges.start, np.empty(self.rows), weight.astype(np.float64)

        def step(first: int, last: int) -> None:
            span = slice(start[first], start[last])
            part = csr_array((last - first, self.rows), dtype=np.float32)
            # Its constructor would look through the edges, and copy them; the product is float64, as the factor is.
            part.data, part.indices = self.values[span], self.edges.to[span]
            part.indptr = (start[first : last + 1] - start[first]).astype(np.int32)
            out[first:last] = part @ factor

        self._each(step)
        return out

    def spans(self, rows: Ints) -> tuple[Ints, Ints]:
        """The edges of some rows, one row after the other, and (k,) how many each has."""
        start = self.edges.start[rows]
        size = self.edges.start[rows + 1] - start
        first = np.repeat(start - (np.cumsum(size) - size), size)
        return first + np.arange(len(first), dtype=np.int64), size

    def copies(self, live: Bools) -> Floats:
        """(n,) float32 number of rows in use, `live` (n,), that are copies of each row; about DEGREE at the most."""
        self._keep_for(live)
        if self._copies is None:
            self._copies = self._count_copies(live)
        return self._copies

    def usual_sparseness(self, share: float, live: Bools) -> float:
        """The quantile at `share` of the distances to the tenth neighbour, of rows in use, `live` (n,)."""
        self._keep_for(live)
        if share not in self._usual:
            self._usual[share] = float(np.quantile(np.sqrt(self.edges.tenth[live]), share)) if live.any() else 0.0
        return self._usual[share]

    def _keep_for(self, live: Bools) -> None:
        """Forget what was counted when other rows were in use; rows only ever go out of use."""
        used = int(np.count_nonzero(live))
        if used != self._used:
            self._used, self._copies = used, None
            self._usual.clear()

    def _count_copies(self, live: Bools) -> Floats:
        edges, counts = self.edges, np.empty(self.rows, dtype=np.float32)

        def step(first: int, last: int) -> None:
            span = slice(edges.start[first], edges.start[last])
            same = np.flatnonzero(edges.squared[span] < COPY)
            same = same[live[edges.to[span][same]]]
            row = np.searchsorted(edges.start[first : last + 1] - edges.start[first], same, side="right") - 1
            counts[first:last] = np.bincount(row, minlength=last - first)

        self._each(step)
        return counts

    def _each(self, step: Callable[[int, int], None]) -> None:
        """Call `step` with the first and the last of each stretch of rows."""
        firsts = range(0, self.rows, STEP)
        lasts = [min(first + STEP, self.rows) for first in firsts]
        threads = min(torch.get_num_threads(), len(lasts))
        if threads < 2:
            for first, last in zip(firsts, lasts, strict=True):
                step(first, last)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(step, firsts, lasts))
