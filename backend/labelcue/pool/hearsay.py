"""What another model says of items, by id, and as rows beside the vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelcue.errors import BadRequest
from labelcue.pool.roster import ItemId, Roster
from labelcue.types import Floats


class Hearsay:
    """One prediction an item, as its kind of label has them; the newest stands."""

    def __init__(self) -> None:
        self.said: dict[ItemId, Floats] = {}
        self._table: Floats | None = None
        self._width = -1

    def take(self, said: Mapping[ItemId, Any], width: int) -> None:
        """Replace what was said of these items; None takes it back. Raises BadRequest, and changes nothing."""
        read = {item: None if one is None else _read(item, one, width) for item, one in said.items()}
        for item, row in read.items():
            if row is None:
                self.said.pop(item, None)
            else:
                self.said[item] = row
        self._table = None

    def forget(self, item: ItemId) -> None:
        """Drop it."""
        if self.said.pop(item, None) is not None:
            self._table = None

    def table(self, roster: Roster, width: int) -> Floats | None:
        """(n, width) float32 in the order of the roster's rows, NaN where nothing was said; None where nothing at all.

        What was said while there were more or fewer classes does not count.
        """
        rows = len(roster.names)
        fits = [item for item, row in self.said.items() if len(row) == width]
        if not fits:
            return None
        if self._table is None or self._table.shape != (rows, width):
            self._table = np.full((rows, width), np.nan, dtype=np.float32)
            self._table[roster.rows(fits)] = np.stack([self.said[item] for item in fits])
        return self._table


def _read(item: ItemId, said: Any, width: int) -> Floats:
    try:
        row = np.array(said, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"What another model says of item {item!r} is no list of numbers.", "Pass one.") from error
    if row.shape != (width,) or not np.isfinite(row).all():
        raise BadRequest(
            f"What another model says of item {item!r} is {row.shape}, or not finite.",
            f"Pass {width} numbers: one a class, for regions the doubt behind them; or mean, deviation, doubt.",
        )
    return row
