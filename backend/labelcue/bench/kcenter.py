"""k-center greedy by others: plainly in numpy, in float64 for certainty, and scikit-activeml's.

All start from labelled rows, or from one given first place where there are none (Sener & Savarese, ICLR 2018, arXiv
1708.00489, algorithm 1). Vectors are (n, d) float32 of length one.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Floats, Ints

BLOCK = 2048
"""Rows of one step of a labelled pass: what makes the plain baseline as quick as it can be without other tricks."""
WHOLE = 1 << 29
"""Numbers of a pool that is kept in float64; a larger one is converted step by step at each place."""


def dense(vectors: Floats, labelled: Ints, places: int, first: int) -> tuple[list[int], float, float]:
    """What a careful user writes: keeps the distances, one product of the pool and a vector for each place.

    Returns the rows in order, the seconds of the labelled pass, and the seconds of the places.
    """
    began = time.perf_counter()
    left = np.full(len(vectors), 4, dtype=np.float32)
    if len(labelled):
        targets = np.ascontiguousarray(vectors[labelled].T)
        for start in range(0, len(vectors), BLOCK):
            part = slice(start, start + BLOCK)
            left[part] = 2 - 2 * (vectors[part] @ targets).max(axis=1)
        left[labelled] = -1
    between = time.perf_counter()
    picks: list[int] = []
    for _ in range(places):
        best = int(np.argmax(left)) if picks or len(labelled) else first
        picks.append(best)
        np.minimum(left, 2 - 2 * (vectors @ vectors[best]), out=left)
        left[best] = -1
    return picks, between - began, time.perf_counter() - between


def certain(
    vectors: Floats, labelled: Ints, places: int, first: int, advance: Callable[[], None]
) -> tuple[list[int], NDArray[np.float64]]:
    """The rows in order, and their distances to what came before, by brute force in float64."""
    whole = _precise(vectors) if vectors.size <= WHOLE else None
    left = np.full(len(vectors), 4.0)
    if len(labelled):
        targets = _precise(vectors[labelled]).T
        for part, block in _steps(vectors, whole):
            left[part] = 2 - 2 * (block @ targets).max(axis=1)
        left[labelled] = -1
    picks: list[int] = []
    values = np.empty(places)
    for place in range(places):
        best = int(np.argmax(left)) if picks or len(labelled) else first
        picks.append(best)
        target = _precise(vectors[best : best + 1])[0]
        values[place] = np.sqrt(max(left[best], 0))
        for part, block in _steps(vectors, whole):
            np.minimum(left[part], 2 - 2 * (block @ target), out=left[part])
        left[picks] = -1
        advance()
    return picks, values


def peer_is_installed() -> bool:
    """Whether scikit-activeml is there to be compared."""
    return importlib.util.find_spec("skactiveml") is not None


def peer(vectors: Floats, labelled: Ints, places: int) -> float:
    """Seconds that scikit-activeml's CoreSet takes for the same; it keeps no distances between calls."""
    from skactiveml.pool import CoreSet

    known = np.full(len(vectors), np.nan)
    known[labelled] = 0
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CoreSet(random_state=0).query(X=vectors, y=known, batch_size=places)
    return time.perf_counter() - began


def _precise(vectors: Floats) -> NDArray[np.float64]:
    block = vectors.astype(np.float64)
    block /= np.sqrt(np.einsum("ij,ij->i", block, block))[:, None]
    return block


def _steps(vectors: Floats, whole: NDArray[np.float64] | None) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        yield part, _precise(vectors[part]) if whole is None else whole[part]
