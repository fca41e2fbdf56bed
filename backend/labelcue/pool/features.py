"""The vectors as strategies may see them: candidates by position, never by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.pool.clusters import Clusters
from labelcue.pool.matrix import Matrix
from labelcue.types import Floats, Ints


@dataclass(frozen=True)
class Features:
    """Vectors of length one of the candidates, and of what is labelled or leased; read when asked for."""

    matrix: Matrix
    rows: Ints
    """(m,) rows of the candidates."""
    pool: Ints
    """(n,) rows in use, in ascending order of their ids."""
    labelled: Ints
    """(l,) rows in ascending order of their ids."""
    held: Ints
    """(h,) leased rows in ascending order of their ids."""
    chances: Floats
    """(h, c) float32 probabilities of the leased ones."""
    clusters: Clusters

    @property
    def items(self) -> int:
        """Number of items in the pool, labelled and skipped ones included."""
        return len(self.pool)

    def unit(self, positions: Ints) -> Floats:
        """(k, d) float32 copy of some candidates' vectors."""
        return self.matrix.unit(self.rows[positions])

    def product(self, weights: Floats) -> Floats:
        """(m, c) float32 products of every candidate with (c, d) weights: one read of the vectors."""
        return self.matrix.product(weights, np.zeros(len(weights), dtype=np.float32))[self.rows]

    def covered(self) -> Floats:
        """(l, d) float32 vectors of what is labelled or leased."""
        return self.matrix.unit(np.concatenate([self.labelled, np.setdiff1d(self.held, self.labelled)]))

    def leased(self) -> tuple[Floats, Floats]:
        """(h, d) vectors and (h, c) probabilities of what is handed out, both float32."""
        return self.matrix.unit(self.held), self.chances

    def centres(self, count: int) -> Floats:
        """(k, d) float32 centres of k-means over the whole pool, k <= count, whatever is labelled."""
        return self.clusters.centres(self.matrix, self.pool, count)
