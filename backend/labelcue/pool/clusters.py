"""Clusters of the pool by spherical k-means, the same for the same vectors whoever asks and whenever."""

from __future__ import annotations

import numpy as np

from labelcue.pool.matrix import Matrix
from labelcue.types import Floats, Ints

SAMPLE = 64
"""Rows for each centre that k-means looks at: the time depends on the number of centres, not on the pool."""
FIRST = 8
"""Rows for each centre among which the first centres are chosen."""
STEPS = 10
SEED = 1234


class Clusters:
    """Centres of k-means; kept until the pool or their number changes."""

    def __init__(self) -> None:
        self._matrix: Matrix | None = None
        self._rows: Ints | None = None
        self._count = 0
        self._centres: Floats = np.empty((0, 0), dtype=np.float32)

    def centres(self, matrix: Matrix, rows: Ints, count: int) -> Floats:
        """(k, d) float32 of length one, k <= `count`: no more than `rows`, which are in a fixed order.

        k-means (Lloyd, started by k-means++: Arthur & Vassilvitskii, SODA 2007) sees 64 rows for each centre, evenly
        spaced in that order.
        """
        if matrix is not self._matrix or rows is not self._rows or count != self._count:
            self._matrix, self._rows, self._count = matrix, rows, count
            self._centres = _fit(matrix, rows, count)
        return self._centres


def _fit(matrix: Matrix, rows: Ints, count: int) -> Floats:
    size = min(len(rows), SAMPLE * count)
    sample = matrix.unit(rows[np.linspace(0, len(rows) - 1, size).astype(np.int64)])
    if size <= count:
        return sample
    from sklearn.cluster import kmeans_plusplus  # Loaded by those who cluster: nothing else in a round needs it.

    some = sample[:: max(1, size // (FIRST * count))]
    centres: Floats = kmeans_plusplus(some, count, random_state=SEED, n_local_trials=1)[0]
    for _ in range(STEPS):
        own = (sample @ centres.T).argmax(axis=1)
        order = np.argsort(own, kind="stable")
        present, start = np.unique(own[order], return_index=True)
        sums = np.add.reduceat(sample[order], start)
        centres[present] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-6))
    return centres
