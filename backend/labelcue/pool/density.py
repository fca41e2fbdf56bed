"""How crowded the pool is around each row, from a sample of it."""

from __future__ import annotations

import numpy as np

from labelcue.pool.matrix import BLOCK, Matrix
from labelcue.types import Floats, Ints

SAMPLE = 256
"""Rows that stand for the pool."""
NEAR = 0.1
"""Share of the pool that counts as near: its distance is the width of the kernel."""
STEPS = np.float32(4096)
"""Densities are rounded up to 1/4096 of the largest: finer differences are float noise."""


def density(matrix: Matrix, rows: Ints) -> Floats:
    """(rows of the matrix,) float32 kernel density relative to the densest, 0 for rows that are not among `rows`.

    Mean of exp(-d²/s²) over a fixed sample of `rows`, s² the median over the sample of the squared distance to the
    nearest tenth of it. The order of `rows` decides the sample. Reads the vectors once.
    """
    out = np.zeros(matrix.rows, dtype=np.float32)
    if not len(rows):
        return out
    sample = matrix.unit(rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:SAMPLE])])
    width = max(float(np.median(np.quantile(2 - 2 * sample @ sample.T, NEAR, axis=1))), 1e-6)
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        likeness = matrix.unit(part) @ sample.T
        likeness -= 1
        likeness *= np.float32(2 / width)
        out[part] = np.exp(likeness, out=likeness).mean(axis=1)
    steps: Floats = np.ceil(out * (STEPS / out.max())) / STEPS
    return steps
