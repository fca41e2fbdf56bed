"""Which row holds which item: ids outside, rows inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest, NotFound
from labelcue.types import Bools, Ints

ItemId: TypeAlias = int | str
"""Whole numbers or strings, one kind in a pool."""
NAMED = 5
"""So many ids are named in an error."""


class Roster:
    """Ids of the rows. An id that comes again moves to its newest row; rows of removed ids stay behind unused."""

    def __init__(self, ids: Sequence[Any] | NDArray[Any]) -> None:
        self._names = _as_names(ids)
        self._live: Bools = np.ones(len(self._names), dtype=bool)
        self._sort()

    @property
    def names(self) -> NDArray[Any]:
        """(n,) id of each row, int64 or str, rows that are out of use included."""
        return self._names

    @property
    def live(self) -> Bools:
        """(n,) whether a row is in use."""
        return self._live

    def extend(self, ids: Sequence[Any] | NDArray[Any]) -> None:
        """Append one row for each id."""
        new = _as_names(ids)
        if not len(new):
            return
        if len(self._names) and new.dtype.kind != self._names.dtype.kind:
            raise BadRequest("Ids are numbers and strings.", "Use one kind of id in a pool.")
        self._names = np.concatenate([self._names, new]) if len(self._names) else new
        self._live = np.concatenate([self._live, np.ones(len(new), dtype=bool)])
        self._sort()

    def remove(self, ids: Iterable[ItemId]) -> None:
        """Take ids out of use; raises NotFound."""
        self._live[self.rows(list(ids))] = False
        self._sort()

    def keep(self, live: Bools) -> None:
        """Take rows out of use, as an earlier run left them."""
        self._live = live.copy()
        self._sort()

    @property
    def order(self) -> Ints:
        """(m,) rows in use, in ascending order of their ids."""
        return self._order

    def in_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """`values` (n, ...) of all rows in the order of `ids`: themselves where rows stand in that order."""
        return values if self._straight else values[self._order]

    @property
    def ids(self) -> NDArray[Any]:
        """(m,) ids in use, ascending."""
        return self._sorted

    def rows(self, ids: Sequence[Any] | NDArray[Any]) -> Ints:
        """(k,) row of each id; raises NotFound that names the unknown ones."""
        rows: Ints = self._order[self.positions(ids)]
        return rows

    def positions(self, ids: Sequence[Any] | NDArray[Any]) -> Ints:
        """(k,) place of each id in `ids`; raises NotFound that names the unknown ones."""
        asked = _as_names(ids)
        known = np.zeros(len(asked), dtype=bool)
        place = np.zeros(len(asked), dtype=np.int64)
        if len(asked) and len(self._sorted) and asked.dtype.kind == self._sorted.dtype.kind:
            place[:] = np.minimum(np.searchsorted(self._sorted, asked), len(self._sorted) - 1)
            known[:] = self._sorted[place] == asked
        if not known.all():
            raise NotFound(
                f"The pool has no item {named(asked[~known].tolist())}.", "Add its vector first, or mend the id."
            )
        return place

    def __contains__(self, item: ItemId) -> bool:
        try:
            self.positions([item])
        except (NotFound, BadRequest):
            return False
        return True

    def __len__(self) -> int:
        return len(self._order)

    def _sort(self) -> None:
        rows = np.flatnonzero(self._live).astype(np.int64)
        rows = rows[np.argsort(self._names[rows], kind="stable")]
        names = self._names[rows]
        newest = np.ones(len(rows), dtype=bool)
        newest[:-1] = names[1:] != names[:-1]
        self._live[rows[~newest]] = False
        self._order: Ints = rows[newest]
        self._sorted: NDArray[Any] = names[newest]
        self._straight = len(self._order) == len(self._names) and bool((np.diff(self._order) > 0).all())


def named(ids: Sequence[object]) -> str:
    """The first few of some ids for a message."""
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(repr(item) for item in ids[:NAMED]) + more


def plain(ids: Sequence[Any] | NDArray[Any]) -> list[ItemId]:
    """Ids as Python's own numbers and strings."""
    return [str(item) if isinstance(item, str) else int(item) for item in ids]


def _as_names(ids: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    given = list(ids) if not isinstance(ids, np.ndarray) else ids
    if not len(given):
        return np.empty(0, dtype=np.int64)
    if not isinstance(given, np.ndarray):
        strings = sum(isinstance(item, str) for item in given)
        wrong = [item for item in given if isinstance(item, bool) or not isinstance(item, (int, str, np.integer))]
        if wrong or strings not in (0, len(given)):
            raise BadRequest(
                f"Ids must be all whole numbers or all strings; among them is {named(wrong or given)}.", "Convert them."
            )
        given = np.array(given)
    if given.ndim != 1 or given.dtype.kind not in "iuU":
        raise BadRequest(
            f"Ids are {given.dtype} of shape {given.shape}.", "Pass one whole number or string for each row."
        )
    return given if given.dtype.kind == "U" else given.astype(np.int64)
