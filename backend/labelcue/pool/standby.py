"""The head of a round's queue, ready to be placed anew while the pool itself goes on to the next round."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.roster import ItemId, plain
from labelcue.types import Bools, Floats, Ints


class Run(Protocol):
    """Where greedy places began: what is covered may change, and they are given anew in milliseconds."""

    free: Bools
    """(n,) rows that may be placed."""

    def follow(self, covered: Ints, free: Bools) -> bool:
        """Make the rows `covered`, ascending, the covered ones, and those of `free` (n,) the ones that may be placed.

        False where this run cannot tell what the places are then.
        """

    def head(self, places: int) -> tuple[Ints, Floats]:
        """(k,) rows in order and their gains, one given the others; fewer where no row is left that has a gain."""


@dataclass
class Standby:
    """Of one round; it shares with the pool what no later round changes. One thread at a time.

    Places that an admin or a lot has given stay as the round gave them, less what has left the queue.
    """

    run: Run
    names: NDArray[Any]
    """(n,) id of each row."""
    ids: NDArray[Any]
    """(m,) ids in use, ascending."""
    rows: Ints
    """(m,) their rows."""
    covered: Ints
    """Rows that the round counted as covered."""
    free: Bools
    """(n,) rows that its strategy could place."""
    order: Sequence[ItemId]
    """The first of its queue."""
    fixed: Collection[ItemId]
    """Those of them that no strategy placed."""
    audits: Collection[ItemId]
    """Items that cover nothing, labelled or not."""

    def __post_init__(self) -> None:
        self._covered = set(self.covered.tolist())
        self._gone: set[ItemId] = set()

    def leave(self, items: Mapping[Any, bool]) -> None:
        """These have left the queue since the round; True for those that cover what is near them: labelled ones.

        Items that the round did not know are passed over.
        """
        for item, covers in items.items():
            place = int(np.searchsorted(self.ids, item))
            if place == len(self.ids) or self.ids[place] != item:
                continue
            row = int(self.rows[place])
            self._gone.add(item)
            self.free[row] = False
            if covers and item not in self.audits:
                self._covered.add(row)

    def head(self, places: int) -> list[ItemId] | None:
        """The first ids of the queue by the round's weights and what is covered now; None where that takes a round."""
        if not self.run.follow(np.array(sorted(self._covered), dtype=np.int64), self.free):
            return None
        left = [item for item in self.order if item not in self._gone][:places]
        free = sum(item not in self.fixed for item in left)
        placed = iter(plain(self.names[self.run.head(free)[0]]))
        found = (item if item in self.fixed else next(placed, None) for item in left)
        return [item for item in found if item is not None]
