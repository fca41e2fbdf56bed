"""What admins ask of a queue, by id: facts alone, which become JSON and come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import fsum, isfinite
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.roster import ItemId, named
from labelcue.types import Ints

ROUNDING = 1e-9
"""So far above 1 the sum of shares may be: ten times 0.1 is more than 1."""


class Levers:
    """Items held back, done or put first; shares for slices and for audits, and what was served under them."""

    def __init__(self) -> None:
        self.held: set[ItemId] = set()
        self.done: set[ItemId] = set()
        self.pinned: dict[ItemId, None] = {}
        """In the order in which they were pinned."""
        self.shares: dict[str, float] = {}
        """Share of the places by slice."""
        self.slices: dict[ItemId, str] = {}
        self.audit = 0.0
        """Share of the places that are drawn at random."""
        self.seed = 0
        """Of the order in which audits are drawn."""
        self.served: dict[ItemId, float | None] = {}
        """Items taken from the queue since a share was last changed; of audits the propensity. Pinned ones do not
        count."""
        self.audited: dict[ItemId, float] = {}
        """Items ever taken as audits, and how likely each was to be drawn: 1 / number of items left."""
        self._members: tuple[NDArray[Any], Ints] | None = None

    @property
    def keeps_account(self) -> bool:
        """Whether some share is to be held."""
        return bool(self.shares or self.audit)

    def set_quota(self, shares: Mapping[str, float], slices: Mapping[ItemId, str] | None) -> None:
        """Raises BadRequest, and then changes nothing."""
        if not isinstance(shares, Mapping) or not isinstance(slices or {}, Mapping):
            raise BadRequest("A quota is {slice: share}, of={id: slice}.", "Pass dictionaries.")
        slices = self.slices if slices is None else slices
        wrong = [item for item, name in slices.items() if not isinstance(name, str) or not name]
        if wrong:
            raise BadRequest(f"The slice of item {named(wrong)} has no name.", "Name slices by strings.")
        read = {name: _share(share, f"of the slice {name!r}") for name, share in shares.items()}
        if fsum(read.values()) > 1 + ROUNDING:
            raise BadRequest(f"The shares sum to {fsum(read.values()):g}.", "Leave the sum at 1 or less.")
        unknown = sorted(read.keys() - set(slices.values()), key=str)
        if unknown:
            raise BadRequest(
                f"No item is of the slice {named(unknown)}.", "Say of which slice items are: of={id: slice}."
            )
        if read != self.shares:
            self.served.clear()
        self._members = None
        self.shares, self.slices = read, {item: str(name) for item, name in slices.items()}

    def set_audit(self, share: float, seed: int) -> None:
        """0 ends the audit; raises BadRequest."""
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise BadRequest(f"The seed of an audit is {seed!r}.", "Pass a whole number from 0 on.")
        share = 0.0 if share == 0 and not isinstance(share, bool) else _share(share, "of audits")
        if (share, seed) != (self.audit, self.seed):
            self.served.clear()
        self.audit, self.seed = share, seed

    def members(self, number: Mapping[str, int]) -> tuple[NDArray[Any], Ints]:
        """(k,) items of the numbered slices, and (k,) the number of each one's slice."""
        if self._members is None:
            found = [(item, number[name]) for item, name in self.slices.items() if name in number]
            items = np.array([item for item, _ in found])
            self._members = items, np.array([slice_ for _, slice_ in found], dtype=np.int64)
        return self._members

    def serve(self, items: Iterable[ItemId], offered: Mapping[ItemId, float | None]) -> None:
        """Enter what was taken of the places that were offered, audits with their propensity."""
        for item in items:
            if self.keeps_account and item in offered and item not in self.served:
                odds = self.served[item] = offered[item]
                if odds is not None:
                    self.audited[item] = odds

    def unserve(self, items: Iterable[ItemId]) -> None:
        """Strike out items that came back into the queue as if they had never left it."""
        for item in items:
            self.served.pop(item, None)
            self.audited.pop(item, None)

    def forget(self, items: Collection[ItemId]) -> None:
        """Drop everything about some items."""
        for item in items:
            self.held.discard(item)
            self.done.discard(item)
            self.pinned.pop(item, None)
            if self.slices.pop(item, None):
                self._members = None
        self.unserve(items)

    def known(self) -> set[ItemId]:
        """Every item that something was said of."""
        return {*self.held, *self.done, *self.pinned, *self.slices, *self.served, *self.audited}

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, the same for the same facts."""
        return {
            "held": sorted(cast(Any, self.held)),
            "done": sorted(cast(Any, self.done)),
            "pinned": list(self.pinned),
            "shares": dict(self.shares),
            "slices": sorted([item, value] for item, value in self.slices.items()),
            "audit": self.audit,
            "seed": self.seed,
            "served": sorted([item, value] for item, value in self.served.items()),
            "audited": sorted([item, value] for item, value in self.audited.items()),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Levers:
        """The inverse of `as_json`."""
        levers = cls()
        levers.held, levers.done = set(body["held"]), set(body["done"])
        levers.pinned, levers.shares = dict.fromkeys(body["pinned"]), dict(body["shares"])
        levers.slices, levers.served, levers.audited = (dict(body[key]) for key in ("slices", "served", "audited"))
        levers.audit, levers.seed = float(body["audit"]), int(body["seed"])
        return levers


def _share(share: object, whose: str) -> float:
    number = float(share) if isinstance(share, (int, float)) and not isinstance(share, bool) else float("nan")
    if not isfinite(number) or not 0 < number <= 1:
        raise BadRequest(f"The share {whose} is {share!r}.", "Pass a number above 0, and 1 at most.")
    return number
