"""The neighbour graph of a pool that grows: small steps within a round, large ones on a thread of their own."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.graph import Graph
from labelcue.pool.matrix import Matrix

AT_ONCE = 2 * 10**8
"""Pairs of rows that a round may compare by itself: 20,000 rows from nothing, or 2,000 that join 100,000."""


class Growing:
    """One graph for all engines over the same growing array."""

    def __init__(self) -> None:
        self.graph = Graph()
        self._thread: threading.Thread | None = None

    def ready(self, vectors: NDArray[np.floating]) -> bool:
        """Whether a round may use the graph now; else it starts to grow beside the rounds, if it does not already."""
        if self._thread is not None and self._thread.is_alive():
            return False
        if self.graph.pairs(len(vectors)) <= AT_ONCE:
            return True
        self._thread = threading.Thread(target=self._grow, args=(vectors,), name="neighbour graph", daemon=True)
        self._thread.start()
        return False

    def _grow(self, vectors: NDArray[np.floating]) -> None:
        self.graph.grow(Matrix(vectors))
        self.graph.edges()
