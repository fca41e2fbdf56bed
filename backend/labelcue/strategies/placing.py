"""Places that are given one by one from groups, and what several strategies need for that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labelcue.strategies import Features, Places, View
from labelcue.types import Floats, Ints

COPY = np.float32(0.02)
"""Squared distance below which two items are copies of one: cosine 0.99."""
BLOCK = 4096
"""Candidates of one step: as many vectors as stay in a core's cache."""


class Placing:
    """Gives places, and none to a copy of what is labelled, leased or placed."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._picks: list[int] = []
        self._squared: list[float] = []
        self._vectors: Floats = np.empty((0, 0), dtype=np.float32)

    def __len__(self) -> int:
        return len(self._picks)

    def first(self, positions: Ints) -> int:
        """Give the next place to the first of these that is no copy: how many were looked at."""
        start, size = 0, 1
        while start < len(positions):
            some = positions[start : start + size]
            squared, vectors = self._distances(some)
            fit = np.flatnonzero(squared >= COPY)
            if len(fit):
                self._take(int(some[fit[0]]), float(squared[fit[0]]), vectors[fit[0]])
                return start + int(fit[0]) + 1
            start, size = start + size, min(2 * size, BLOCK)
        return len(positions)

    def places(self) -> Places:
        """What was placed; the values fall evenly from 1 on."""
        count = len(self._picks)
        values = 1 - np.arange(count, dtype=np.float32) / np.float32(count + 1)
        return np.array(self._picks, dtype=np.int64), values, np.array(self._squared, dtype=np.float32)

    def _distances(self, positions: Ints) -> tuple[Floats, Floats]:
        """Squared distances to the nearest labelled, leased or placed item, and the vectors."""
        vectors = self._view.features.unit(positions)
        squared = self._view.squared[positions]
        if self._picks:
            among = 2 - 2 * (vectors @ self._vectors[: len(self._picks)].T).max(axis=1)
            squared = np.minimum(squared, np.maximum(among, np.float32(0)))
        return squared, vectors

    def _take(self, position: int, squared: float, vector: Floats) -> None:
        if not self._picks:
            self._vectors = np.empty((self._view.head, len(vector)), dtype=np.float32)
        self._vectors[len(self._picks)] = vector
        self._picks.append(position)
        self._squared.append(squared)


def in_turn(placing: Placing, groups: Sequence[Ints], until: int) -> list[Ints]:
    """Round robin until so many places are given: the next one of each group, in the order of groups.

    What is left of the groups, without the copies that were passed over.
    """
    left = [group for group in groups if len(group)]
    while left and len(placing) < until:
        for index, group in enumerate(left):
            if len(placing) >= until:
                break
            left[index] = group[placing.first(group) :]
        left = [group for group in left if len(group)]
    return left


def nearest(features: Features, centres: Floats, positions: Ints) -> Ints:
    """(k,) which of the (c, d) centres each of these candidates is nearest to."""
    out = np.empty(len(positions), dtype=np.int64)
    for start in range(0, len(positions), BLOCK):
        part = slice(start, start + BLOCK)
        out[part] = (features.unit(positions[part]) @ centres.T).argmax(axis=1)
    return out


def grouped(positions: Ints, group: Ints, count: int) -> list[Ints]:
    """The positions of each of `count` groups, in the order in which they come; `group`: (k,)."""
    order = np.argsort(group, kind="stable")
    return np.split(positions[order], np.searchsorted(group[order], np.arange(1, count)))


def spacing(view: View, picks: Ints) -> Floats:
    """(k,) float32 squared distance of each pick to the nearest labelled, leased or earlier one."""
    squared = view.squared[picks].copy()
    vectors = view.features.unit(picks)
    for start in range(0, len(picks), BLOCK):
        part = slice(start, start + BLOCK)
        among = 2 - 2 * vectors[part] @ vectors[: start + BLOCK].T
        among[np.triu_indices(among.shape[0], k=start, m=among.shape[1])] = np.inf
        squared[part] = np.minimum(squared[part], among.min(axis=1, initial=np.inf))
    return np.maximum(squared, np.float32(0))
