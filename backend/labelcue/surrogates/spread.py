"""Labels shared out along the edges of a neighbour graph.

Local and global consistency: F = (I - α S)⁻¹ Y, S = D^(-1/2) W D^(-1/2) (Zhou, Bousquet, Lal, Weston & Schölkopf, NIPS
2003), and the masses of the classes scaled to their shares of the labels (Zhu, Ghahramani & Lafferty, ICML 2003).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from labelcue.surrogates import Links
from labelcue.types import Floats

ALPHA = 0.95
"""Share of a row's mass that comes from its neighbours."""
STEPS = 25
"""Of the Chebyshev iteration. The eigenvalues lie within 1 ± ALPHA, so the error falls to 0.72 of itself with each."""
WIDTH = 0.5
"""Width of the kernel, as a multiple of the median distance to the twentieth neighbour."""
UNHEARD = np.float32(0.1)
"""What every class has everywhere beside its mass, as a share of the mean: a row that no label reaches says nothing."""


def operator(links: Links) -> sparse.csr_matrix:
    """(n, n) float32 S of the edges that one end counts among its ten nearest; W is a Gaussian of the distance."""
    rows = np.arange(len(links.tenth))
    source = np.repeat(rows, np.diff(links.start))
    near = links.squared <= np.maximum(links.tenth[source], links.tenth[links.to])
    near &= source != links.to
    source, to = source[near], links.to[near]
    weight = np.exp(links.squared[near] / np.float32(-((WIDTH * links.scale) ** 2)))
    degree = np.bincount(source, weight, len(rows))
    root = (1 / np.sqrt(np.maximum(degree, np.finfo(np.float32).tiny))).astype(np.float32)
    start = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=len(rows)))])
    return sparse.csr_matrix((weight * root[source] * root[to], to, start), shape=(len(rows), len(rows)))


def share_out(step: sparse.csr_matrix, given: Floats) -> Floats:
    """(n, k) float32 (I - α S)⁻¹ `given`, nowhere negative, for (n, k) columns: always STEPS steps from zero.

    Chebyshev's iteration: Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 12.1.
    """
    swing = np.float32(ALPHA)
    ratio = 1 / swing
    found, left, change = np.zeros_like(given), given.copy(), given.copy()
    rate = swing
    for _ in range(STEPS):
        found += change
        left -= change - swing * (step @ change)
        following = 1 / (2 * ratio - rate)
        change *= following * rate
        change += 2 * following / swing * left
        rate = following
    found += change
    return np.maximum(found, np.float32(0), out=found)


def vote(mass: Floats, total: Floats, prior: Floats, rows: int) -> Floats:
    """(m, c) float32 log shares of the classes in the masses of m rows out of `rows`.

    `total` (c,): the masses of all rows; `prior` (c,): what they are scaled to, which sums to 1.
    """
    scaled = mass * (prior / np.maximum(total, np.finfo(np.float32).tiny))
    scaled += UNHEARD / np.float32(rows * mass.shape[1])
    scaled /= scaled.sum(axis=1, keepdims=True)
    votes: Floats = np.log(scaled).astype(np.float32)
    return votes
