"""Greedy weighted coverage of the pool on its neighbour graph, lazily.

F(S) = Σ_i w_i max_{s in S} K_is, K_is = exp(-|x_i - x_s|² / width²) along the edges of the graph (generalised
coverage: Bae, Noh & Sutherland, ECCV 2024, arXiv 2407.12212; with an uncertainty in w_i: Bae, Oliveira & Sutherland,
ICLR 2025, arXiv 2412.20644). F is monotone and submodular: gains only fall while places are given, and greedy reaches
1 - 1/e of the best.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labelcue.pool.cover import Cover
from labelcue.pool.instant import Live
from labelcue.pool.kernel import COPY, Kernel
from labelcue.pool.speaking import mean_distance
from labelcue.types import Bools, Floats, Ints


class Herd:
    """Candidates among their neighbours, named by their position in `rows`. Equal gains go to the lower position."""

    def __init__(
        self,
        kernel: Kernel,
        cover: Cover,
        rows: Ints,
        live: Bools,
        order: Ints | None = None,
        keep: Callable[[Live], None] | None = None,
    ) -> None:
        """`cover`: what is labelled or leased; `rows`: the candidates; `live`: (n,) rows that are in use.

        `order`: every row that may ever be placed, the candidates in their order among them; these alone by default.
        `keep` gets the latest run, as it stands before places are given.
        """
        self._cover, self._rows, self._live = cover, rows, live
        self._order = rows if order is None else order
        self._covered = cover.covered
        self._kernel, self._edges = kernel, kernel.edges
        self._keep = keep

    @property
    def scale(self) -> float:
        """Median distance to the twentieth neighbour, or to the last one in a smaller pool; at least 1e-3."""
        return self._edges.scale

    def sparseness(self) -> Floats:
        """(m,) float32 distance to the tenth neighbour: the inverse of the density, up to a power."""
        sparse: Floats = np.sqrt(self._edges.tenth[self._rows])
        return sparse

    def usual_sparseness(self, share: float) -> float:
        """What the sparseness of so large a share of the pool stays below, labelled items included."""
        return self._kernel.usual_sparseness(share, self._live)

    def mean_distance(self) -> Floats:
        """(m,) float32 mean distance to the twenty nearest neighbours, or to all that there are."""
        return mean_distance(self._edges, self._rows)

    def copies(self) -> Floats:
        """(m,) float32 number of items that are copies of each candidate, itself included; about DEGREE at the most."""
        return self._kernel.copies(self._live)[self._rows]

    def closest(self) -> float:
        """Distance of the two nearest covered rows that are neighbours; infinite where there are none."""
        marked = np.zeros(len(self._live), dtype=bool)
        marked[self._covered] = True
        span = self._kernel.spans(self._covered)[0]
        there = span[marked[self._edges.to[span]]]
        near = self._edges.squared[there]
        near = near[near > COPY]
        return float(np.sqrt(near.min(initial=np.inf)))

    def place(self, weight: Floats, width: float, places: int) -> tuple[tuple[Ints, Floats, Floats], Floats]:
        """(k,) positions in order, their gains, their squared distances to what came before; (m,) gains of all then.

        `weight`: (m,) >= 0. It ends early when no candidate that is left has a gain: k <= places.
        """
        kernel, rows = self._kernel, self._rows
        kernel.widen(width)
        whole, free = np.zeros(kernel.rows, dtype=np.float32), np.zeros(kernel.rows, dtype=bool)
        whole[rows], free[rows] = weight, True
        run = Live(kernel, whole, free, self._covered, _places(self._order, kernel.rows))
        picks, gains = run.go(min(places, len(rows)))
        rest = np.maximum(run.gain[rows], 0).astype(np.float32)
        run.back()
        if self._keep is not None:
            self._keep(run)
        position = np.empty(kernel.rows, dtype=np.int64)
        position[rows] = np.arange(len(rows))
        picks = position[picks]
        return (picks, gains, self._distances(picks)), rest

    def _distances(self, picks: Ints) -> Floats:
        """(k,) float32 squared distance of each to the nearest covered or earlier one."""
        vectors = self._cover.matrix.unit(self._rows[picks])
        among = 2 - 2 * vectors @ vectors.T
        among[np.triu_indices(len(picks))] = np.inf
        nearest: Floats = np.minimum(self._cover.squared[self._rows[picks]], among.min(axis=1, initial=np.inf))
        return np.maximum(nearest, np.float32(0))


def _places(order: Ints, rows: int) -> Ints | None:
    """(n,) place of each row in `order`; None where that rises with the rows."""
    if bool(np.all(order[1:] > order[:-1])):
        return None
    place = np.full(rows, rows, dtype=np.int64)
    place[order] = np.arange(len(order))
    return place
