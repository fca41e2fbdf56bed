"""Greedy weighted coverage of the pool on its neighbour graph, lazily.

F(S) = Σ_i w_i max_{s in S} K_is, K_is = exp(-|x_i - x_s|² / width²) along the edges of the graph (generalised
coverage: Bae, Noh & Sutherland, ECCV 2024, arXiv 2407.12212; with an uncertainty in w_i: Bae, Oliveira & Sutherland,
ICLR 2025, arXiv 2412.20644). F is monotone and submodular: gains only fall while places are given, and greedy reaches
1 - 1/e of the best.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.cover import Cover
from labelcue.pool.graph import Edges, Graph
from labelcue.pool.matrix import BLOCK
from labelcue.pool.speaking import mean_distance
from labelcue.types import Bools, Floats, Ints

COPY = np.float32(0.02)
"""Squared distance below which two items are copies of one: cosine 0.99."""
RESERVE = 8
"""Rows that are kept at hand for each place that is to be given."""


class Herd:
    """Candidates among their neighbours, named by their position in `rows`. Equal gains go to the lower position."""

    def __init__(self, graph: Graph, cover: Cover, rows: Ints, live: Bools) -> None:
        """`cover`: what is labelled or leased; `rows`: the candidates; `live`: (n,) rows that are in use."""
        self._cover, self._rows, self._live = cover, rows, live
        self._covered = cover.covered
        self._edges: Edges = graph.edges()

    @property
    def scale(self) -> float:
        """Median distance to the twentieth neighbour, or to the last one in a smaller pool; at least 1e-3."""
        return self._edges.scale

    def sparseness(self) -> Floats:
        """(m,) float32 distance to the tenth neighbour: the inverse of the density, up to a power."""
        sparse: Floats = np.sqrt(self._edges.tenth[self._rows])
        return sparse

    def mean_distance(self) -> Floats:
        """(m,) float32 mean distance to the twenty nearest neighbours, or to all that there are."""
        return mean_distance(self._edges, self._rows)

    def copies(self) -> Floats:
        """(m,) float32 number of items that are copies of each candidate, itself included; about DEGREE at the most."""
        edges = self._edges
        same = np.flatnonzero(edges.squared < COPY)
        same = same[self._live[edges.to[same]]]
        row = np.searchsorted(edges.start, same, side="right") - 1
        counts: Floats = np.bincount(row, minlength=len(self._live))[self._rows].astype(np.float32)
        return counts

    def closest(self) -> float:
        """Distance of the two nearest covered rows that are neighbours; infinite where there are none."""
        marked = np.zeros(len(self._live), dtype=bool)
        marked[self._covered] = True
        span = _spans(self._edges, self._covered)
        there = span[marked[self._edges.to[span]]]
        near = self._edges.squared[there]
        near = near[near > COPY]
        return float(np.sqrt(near.min(initial=np.inf)))

    def place(self, weight: Floats, width: float, places: int) -> tuple[tuple[Ints, Floats, Floats], Floats]:
        """(k,) positions in order, their gains, their squared distances to what came before; (m,) gains of all then.

        `weight`: (m,) >= 0. It ends early when no candidate that is left has a gain: k <= places.
        """
        run = _Run(self._edges, self._rows, self._covered, weight, width)
        picks, gains = run.go(min(places, len(self._rows)))
        return (picks, gains, self._distances(picks)), run.gain[self._rows].astype(np.float32)

    def _distances(self, picks: Ints) -> Floats:
        """(k,) float32 squared distance of each to the nearest covered or earlier one."""
        vectors = self._cover.matrix.unit(self._rows[picks])
        among = 2 - 2 * vectors @ vectors.T
        among[np.triu_indices(len(picks))] = np.inf
        nearest: Floats = np.minimum(self._cover.squared[self._rows[picks]], among.min(axis=1, initial=np.inf))
        return np.maximum(nearest, np.float32(0))


class _Run:
    """One greedy pass. Gains are float64 sums in the order of distance, and compared as float32."""

    def __init__(self, edges: Edges, rows: Ints, covered: Ints, weight: Floats, width: float) -> None:
        self.edges, self.rows = edges, rows
        self.kernel = np.exp(edges.squared * np.float32(-1 / width**2))
        self.weight = np.zeros(len(edges.start) - 1)
        self.weight[rows] = weight
        self.best: Floats = np.zeros(len(self.weight), dtype=np.float32)
        span = _spans(edges, covered)
        np.maximum.at(self.best, edges.to[span], self.kernel[span])
        self.gain = self._gains()
        self.free = np.zeros(len(self.weight), dtype=bool)
        self.free[rows] = True

    def _gains(self) -> NDArray[np.float64]:
        """(n,) what each row would cover anew; in blocks of rows, as an array for each edge would be large."""
        gain, start = np.empty(len(self.weight)), self.edges.start
        for first in range(0, len(gain), BLOCK):
            last = min(first + BLOCK, len(gain))
            span = slice(start[first], start[last])
            near = self.edges.to[span]
            rise = np.maximum(self.kernel[span] - self.best[near], 0) * self.weight[near]
            gain[first:last] = np.add.reduceat(rise, start[first:last] - start[first])
        return gain

    def go(self, places: int) -> tuple[Ints, Floats]:
        """Positions in order, and their gains."""
        picks: list[int] = []
        gains: list[np.float32] = []
        hand, above = self._at_hand(places)
        while len(picks) < places:
            values = self._values(hand)
            best = int(np.argmax(values))
            if values[best] < above:
                hand, above = self._at_hand(places)
                continue
            if values[best] <= 0:
                break
            picks.append(int(hand[best]))
            gains.append(values[best])
            self._take(int(self.rows[hand[best]]))
        return np.array(picks, dtype=np.int64), np.array(gains, dtype=np.float32)

    def _values(self, positions: Ints) -> Floats:
        """(k,) float32 gains; -1 for those that have a place."""
        rows = self.rows[positions]
        values: Floats = np.where(self.free[rows], self.gain[rows], -1).astype(np.float32)
        return values

    def _at_hand(self, places: int) -> tuple[Ints, float]:
        """Positions with the largest gains, ascending, and what no other reaches: gains only fall."""
        values, size = self._values(np.arange(len(self.rows))), RESERVE * max(places, 1)
        if size >= len(values):
            return np.arange(len(values)), -np.inf
        bound = np.partition(values, len(values) - size)[len(values) - size]
        return np.flatnonzero(values >= bound), float(bound)

    def _take(self, row: int) -> None:
        """Cover what the row's neighbours have in common with it, and lower the gains of theirs."""
        edges, span = self.edges, slice(self.edges.start[row], self.edges.start[row + 1])
        self.free[row] = False
        near, kernel = edges.to[span], self.kernel[span]
        closer = kernel > self.best[near]
        near, kernel = near[closer].astype(np.int64), kernel[closer]
        own = _spans(edges, near)
        size = edges.start[near + 1] - edges.start[near]
        before, after = np.repeat(self.best[near], size), np.repeat(kernel, size)
        there = self.kernel[own]
        fall = np.maximum(there - before, 0) - np.maximum(there - after, 0)
        np.subtract.at(self.gain, edges.to[own], fall * np.repeat(self.weight[near], size))
        self.best[near] = kernel


def _spans(edges: Edges, rows: Ints) -> Ints:
    """The edges of some rows, one row after the other."""
    size = edges.start[rows + 1] - edges.start[rows]
    first = np.repeat(edges.start[rows] - np.concatenate([[0], np.cumsum(size)[:-1]]), size) if len(rows) else size
    spans: Ints = first + np.arange(len(first), dtype=np.int64)
    return spans


def _sums(edges: Edges, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) sum of one value for each edge over the edges of each row."""
    sums: NDArray[np.float64] = np.add.reduceat(values, edges.start[:-1])
    return sums
