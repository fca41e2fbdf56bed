"""A map of the pool in two dimensions: neighbours lie together; distances across the map mean little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Floats, Ints

MOST = 3000
"""Tasks on the map; a random share of larger pools."""
FEWEST = 50
"""Tasks below which the two main axes are shown as they are."""
AXES = 50
"""Principal components that t-SNE starts from."""


@dataclass(frozen=True, eq=False)
class PoolMap:
    """m tasks of the pool on the map, by ascending id."""

    tasks: Ints
    """(m,) int64 ids."""
    places: Floats
    """(m, 2) float32 within -1 to 1."""
    of: int
    """Tasks that the pool had when it was drawn."""
    label: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, dtype=np.int16))
    """(m,) index of the class, -1 for none."""
    predicted: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, dtype=np.int16))
    """(m,) likewise, -1 before anything was learned."""
    uncertainty: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """(m,) 0 to 1."""


def map_again(before: PoolMap | None, ids: Ints, unit: Callable[[Ints], Floats], always: Ints, seed: int) -> PoolMap:
    """The earlier map while it fits, else a new one: a pool that grew by a twentieth, or lost tasks, is drawn anew.

    `ids` (n,) ascending. Eyes find the same task at the same place, and minutes of work are spared.
    """
    if before is not None and before.of <= len(ids) <= 1.05 * before.of and np.isin(before.tasks, ids).all():
        return PoolMap(before.tasks, before.places, before.of)
    rows, places = pool_map(unit, len(ids), always, seed)
    return PoolMap(ids[rows], places, len(ids))


def pool_map(unit: Callable[[Ints], Floats], n: int, always: Ints, seed: int) -> tuple[Ints, Floats]:
    """(m,) rows on the map, ascending, and (m, 2) float32 places within -1 to 1. The same arguments give the same map.

    `unit` gives the (k, d) float32 vectors of (k,) of the n rows. `always` are rows that shall be on it, as many as
    there is room for: half. Principal components, then t-SNE (van der Maaten & Hinton, JMLR 2008; by scikit-learn) of
    the first 50.
    """
    rows = chosen(n, always, seed)
    found = unit(rows)
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
