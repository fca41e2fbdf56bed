"""What the places of a queue have in common with the rest of the pool, on the neighbour graph."""

from __future__ import annotations

import numpy as np

from labelcue.pool.graph import Edges
from labelcue.types import Bools, Floats, Ints

TYPICAL = 20
"""Neighbours that count for how typical an item is."""
PIECE = 65536
"""Rows whose neighbours are looked at together."""


def speaks_for(edges: Edges, rows: Ints, covered: Ints, waiting: Bools) -> Floats:
    """(k,) float32: as how many of the `waiting` items each row counts that nothing before it speaks for.

    Σ_i max(0, K_is - max_{t before s} K_it) over its neighbours i, itself left out, K a Gaussian as wide as the usual
    distance to the twentieth neighbour: a copy counts as one, and who has a nearer representative already for less.
    The rows are placed one after the other on top of the `covered` ones. `waiting`: (n,).
    """
    best = np.zeros(len(waiting), dtype=np.float32)
    for row in covered:
        near, kernel = _kernel(edges, int(row))
        best[near] = np.maximum(best[near], kernel)
    out = np.zeros(len(rows), dtype=np.float32)
    for place, row in enumerate(rows):
        near, kernel = _kernel(edges, int(row))
        rise = np.maximum(kernel - best[near], 0)
        out[place] = rise[waiting[near] & (near != row)].sum()
        best[near] = np.maximum(best[near], kernel)
    return out


def mean_distance(edges: Edges, rows: Ints) -> Floats:
    """(m,) float32 mean distance to the twenty nearest neighbours, or to all that there are; 0 where there is none.

    The inverse of the typicality of Hacohen, Dekel & Weinshall (ICML 2022, arXiv 2202.02794, equation 1).
    """
    out = np.zeros(len(rows), dtype=np.float32)
    places = np.arange(1, TYPICAL + 1)
    for first in range(0, len(rows), PIECE):
        part = rows[first : first + PIECE]
        spot = edges.start[part][:, None] + places
        there = spot < edges.start[part + 1][:, None]
        far = np.sqrt(edges.squared[np.where(there, spot, 0)]) * there
        out[first : first + PIECE] = far.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return out


def _kernel(edges: Edges, row: int) -> tuple[Ints, Floats]:
    span = slice(edges.start[row], edges.start[row + 1])
    kernel: Floats = np.exp(edges.squared[span] * np.float32(-1 / edges.scale**2))
    return edges.to[span].astype(np.int64), kernel
