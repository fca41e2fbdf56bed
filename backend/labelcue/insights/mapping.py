"""A map of the pool in two dimensions: neighbours lie together; distances across the map mean little."""

from __future__ import annotations

import numpy as np

from labelcue.types import Floats, Ints

MOST = 3000
"""Tasks on the map; a random share of larger pools."""
FEWEST = 50
"""Tasks below which the two main axes are shown as they are."""
AXES = 50
"""Principal components that t-SNE starts from."""


def pool_map(vectors: Floats, always: Ints, seed: int) -> tuple[Ints, Floats]:
    """(m,) rows on the map, ascending, and (m, 2) float32 places within -1 to 1. The same arguments give the same map.

    `always` are rows that shall be on it, as many as there is room for: half. Principal components, then t-SNE
    (van der Maaten & Hinton, JMLR 2008; by scikit-learn) of the first 50.
    """
    rows = chosen(len(vectors), always, seed)
    found = np.asarray(vectors[rows], dtype=np.float32)
    axes = principal(found, min(AXES, *found.shape) if len(found) else 0)
    if len(rows) < FEWEST or axes.shape[1] < 2:
        return rows, _scaled(np.pad(axes[:, :2], ((0, 0), (0, max(0, 2 - axes.shape[1])))))
    from sklearn.manifold import TSNE

    spread = float(axes[:, 0].std()) or 1.0
    start = axes[:, :2] / spread * 1e-4
    places = TSNE(2, init=start, random_state=seed, perplexity=min(30.0, len(rows) / 4), n_jobs=1).fit_transform(axes)
    return rows, _scaled(places)


def chosen(n: int, always: Ints, seed: int) -> Ints:
    """Rows of the map: up to half of it of `always`, the rest at random."""
    rng = np.random.default_rng(seed)
    if n <= MOST:
        return np.arange(n, dtype=np.int64)
    first = rng.permutation(always)[: MOST // 2]
    rest = rng.permutation(np.setdiff1d(np.arange(n), first, assume_unique=True))[: MOST - len(first)]
    return np.sort(np.concatenate([first, rest])).astype(np.int64)


def principal(vectors: Floats, axes: int) -> Floats:
    """(n, axes) float32 coordinates on the principal axes, each axis signed so that its largest entry is positive."""
    centred = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:axes]
    largest = np.abs(directions).argmax(axis=1)
    sign = np.sign(directions[np.arange(len(directions)), largest])
    coordinates: Floats = (centred @ (directions * sign[:, None]).T).astype(np.float32)
    return coordinates


def _scaled(places: Floats) -> Floats:
    largest = float(np.abs(places).max(initial=0)) or 1.0
    scaled: Floats = (places / largest).astype(np.float32)
    return scaled
