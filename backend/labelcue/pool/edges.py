"""The lists made symmetric: every edge from both of its ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.lists import DEGREE, NONE, OLD, Keys, empty, key, row_of, squared_of
from labelcue.types import Floats, Ints

TENTH, TWENTIETH = 9, 19
"""Places in a list: of the distance that stands for sparseness, and of the one that scales the kernel."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The symmetric graph, a loop at each row included: row i's are `start[i]` to `start[i + 1]`, the nearest first."""

    start: Ints
    """(n + 1,)"""
    to: NDArray[np.int32]
    squared: Floats
    tenth: Floats
    """(n,) squared distance to the tenth neighbour, or to the last one in a smaller pool; 0 where there is none."""
    scale: float
    """Median distance to the twentieth neighbour, likewise; at least 1e-3."""


def symmetric(keys: Keys) -> Edges:
    """Every edge from both of its ends, once, and a loop at each row. Blocks of rows keep memory small meanwhile."""
    rows = np.arange(len(keys), dtype=np.int64)
    source, mirrored = _beyond(keys)
    own, more = (keys != NONE).sum(axis=1), np.bincount(source, minlength=len(rows))
    start = np.concatenate([[0], np.cumsum(1 + own + more)]).astype(np.int64)
    to, squared = np.empty(start[-1], dtype=np.int32), np.zeros(start[-1], dtype=np.float32)
    to[start[:-1]] = rows
    after = start[:-1] + 1 + own - (np.cumsum(more) - more)
    for first in range(0, len(keys), OLD):
        block = keys[first : first + OLD]
        here, place = np.nonzero(block != NONE)
        spot = start[first + here] + 1 + place
        to[spot], squared[spot] = row_of(block[here, place]), squared_of(block[here, place])
    for first in range(0, len(source), OLD * DEGREE):
        part = slice(first, first + OLD * DEGREE)
        spot = after[source[part]] + np.arange(first, first + len(source[part]))
        to[spot], squared[spot] = row_of(mirrored[part]), squared_of(mirrored[part])
    scale = max(float(np.sqrt(np.median(_reach(keys, TWENTIETH)))), 1e-3) if len(keys) else 1.0
    return Edges(start, to, squared, _reach(keys, TENTH), scale)


def lists(edges: Edges) -> Keys:
    """(n, DEGREE) the lists that `symmetric` was given: they are the first edges of each row, behind its loop."""
    keys = empty(len(edges.start) - 1)
    size = np.minimum(np.diff(edges.start) - 1, DEGREE)
    for first in range(0, len(keys), OLD):
        here, place = np.nonzero(np.arange(DEGREE) < size[first : first + OLD, None])
        spot = edges.start[first + here] + 1 + place
        keys[first + here, place] = key(edges.squared[spot], edges.to[spot].astype(np.int64))
    return keys


def _beyond(keys: Keys) -> tuple[NDArray[np.int32], Keys]:
    """Mirror images of the edges that their other end does not list itself: that end, and the key; sorted by both.

    A list holds all keys that were offered to it up to its last one, and each pair of rows was offered to both of its
    ends. So an edge is mutual unless its mirror image lies beyond the other end's last key.
    """
    sources, images = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.uint64)]
    for first in range(0, len(keys), OLD):
        block = keys[first : first + OLD]
        here, place = np.nonzero(block != NONE)
        there = row_of(block[here, place])
        image = key(squared_of(block[here, place]), first + here)
        lone = image > keys[there, -1]
        sources.append(there[lone].astype(np.int32))
        images.append(image[lone])
    source, mirrored = np.concatenate(sources), np.concatenate(images)
    sources.clear()
    images.clear()
    order = np.lexsort((mirrored, source))
    return source[order], mirrored[order]


def _reach(keys: Keys, place: int) -> Floats:
    """(n,) float32 squared distance to the neighbour at a place of the list, or to the last that there is."""
    squared = squared_of(keys[:, : place + 1])
    reach: Floats = np.where(np.isfinite(squared), squared, 0).max(axis=1)
    return reach
