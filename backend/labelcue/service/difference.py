"""What changed in the queue since somebody copied it, so that a copy needs neither to be read nor written whole."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelcue.store.snapshot import Snapshot
from labelcue.types import Bools, Ints

EXACT = 1000
"""Places at the head whose every change counts."""
MOVED = 0.05
"""Behind the head a task counts as moved when its place is off by this share: each label moves all of them by one."""
MOST_REMOVED = 10_000
"""Where more than these have left, the whole is told instead."""
KEPT = 8
"""Copies of a project that are remembered; 4 bytes a task each, and the ids while they differ."""
Places: TypeAlias = NDArray[np.int32]
NONE: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Told:
    """What the holder of a copy was told."""

    version: str
    ids: Ints
    """(n,) ascending."""
    ranks: Places
    """(n,) the place that was told of each, -1: not in the queue."""
    is_whole: bool
    """False: of this version only the head was told."""


@dataclass(frozen=True, eq=False)
class Difference:
    """Since one mark, or the whole where `since` is None."""

    mark: str
    """What the reader has with this: by it the next difference is asked for."""
    since: str | None
    changed: Ints
    """(m,) tasks that came or moved, in the queue's order."""
    removed: Ints
    """(r,) tasks that are no longer in the queue."""


class Copies:
    """Remembers what was told of one project's queue. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[str, Told] = OrderedDict()
        self._answers: OrderedDict[tuple[str, int, str], Difference] = OrderedDict()

    def difference(self, snapshot: Snapshot, since: str, head: int) -> Difference:
        """From the mark `since` to the snapshot; the whole where that mark is not remembered.

        `head` > 0: only of tasks that are or were among the first so many. Asking again gives the same answer, so that
        it can be read in parts.
        """
        with self._lock:
            told, key = self._told.get(since), (since, head, snapshot.version)
            same = told is not None and told.version == snapshot.version and (head > 0 or told.is_whole)
            if same or since == snapshot.version:  # the version itself is the mark of who has read it whole
                return Difference(since, since, NONE, NONE)
            if key not in self._answers:
                self._keep(key, *compared(snapshot, told, since, head))
            return self._answers[key]

    def _keep(self, key: tuple[str, int, str], answer: Difference, told: Told) -> None:
        self._answers[key] = answer
        self._told[answer.mark] = told
        if answer.since is not None:
            self._told.move_to_end(answer.since)
            self._told.move_to_end(answer.mark)
        while len(self._told) > KEPT:
            self._told.popitem(last=False)
        while len(self._answers) > KEPT:
            self._answers.popitem(last=False)


def compared(snapshot: Snapshot, told: Told | None, since: str, head: int) -> tuple[Difference, Told]:
    """The difference under a new mark, and what its reader knows then."""
    mark, now = f"{snapshot.version}.{secrets.token_hex(4)}", snapshot.rank.astype(np.int32)
    whole = Told(snapshot.version, snapshot.ids, now, True)
    if told is None:
        return Difference(mark, None, snapshot.order, NONE), whole
    before = _aligned(told, snapshot.ids)
    gone = told.ids[(told.ranks >= 0) & ~np.isin(told.ids, snapshot.ids, assume_unique=True)]
    concerned = (_in_head(now, head) | _in_head(before, head)) if head else np.ones(len(now), dtype=bool)
    left = concerned & (now < 0) & (before >= 0)
    if left.sum() + len(gone) > MOST_REMOVED:
        return Difference(mark, None, snapshot.order, NONE), whole
    changed = concerned & (now >= 0) & _has_moved(before, now)
    in_order = np.flatnonzero(changed)
    in_order = in_order[np.argsort(now[in_order], kind="stable")]
    known = replace(whole, ranks=np.where(changed | left, now, before), is_whole=not head)
    return Difference(mark, since, snapshot.ids[in_order], np.concatenate([snapshot.ids[left], gone])), known


def _aligned(told: Told, ids: Ints) -> Places:
    """(n,) the places that were told of these tasks, -1 of those of which none was."""
    if np.array_equal(told.ids, ids):
        return told.ranks
    places = np.minimum(np.searchsorted(told.ids, ids), max(len(told.ids) - 1, 0))
    known = told.ids[places] == ids if len(told.ids) else np.zeros(len(ids), dtype=bool)
    return np.where(known, told.ranks[places] if len(told.ids) else -1, -1).astype(np.int32)


def _in_head(ranks: Places, head: int) -> Bools:
    found: Bools = (ranks >= 0) & (ranks < head)
    return found


def _has_moved(before: Places, now: Places) -> Bools:
    """Of the head everything is told anew: reasons and figures change with each round, ranks or no ranks."""
    moved: Bools = (np.minimum(before, now) < EXACT) | (np.abs(before - now) > MOVED * before)
    return moved
