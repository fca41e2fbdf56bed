"""What admins ask of a queue, by id: facts alone, which become JSON and come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import fsum, isfinite
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.roster import ItemId, named
from labelcue.types import Ints, Label, Stream

ROUNDING = 1e-9
"""So far above 1 the sum of shares may be: ten times 0.1 is more than 1."""


class Draw(NamedTuple):
    """An item that stands in the queue by lot."""

    stream: Stream
    propensity: float
    """The chance that it had to be drawn at its place: 1 / number of items that it was drawn among."""


class Pace(NamedTuple):
    """How many places were of each sort."""

    audits: int
    explored: int
    others: int


class Shares(NamedTuple):
    """Shares of the places."""

    audit: float
    explore: float
    classes: Mapping[Label, float]
    slices: Mapping[str, float]


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
        self.class_shares: dict[Label, float] = {}
        """Share of the places by class."""
        self.audit = 0.0
        """Share of the places that are drawn at random to measure the model."""
        self.explore = 0.0
        """Share of the places that are drawn at random to learn from them."""
        self.seed = 0
        """Of the orders in which items are drawn."""
        self.served: set[ItemId] = set()
        """Items taken from the queue since a share was last changed. Pinned ones do not count."""
        self.drawn: dict[ItemId, Draw] = {}
        """Items that were taken from places by lot; audits until they are retired."""
        self.pace: Pace | None = None
        """How many places were by lot lately; None: as many as were served so."""
        self._members: tuple[NDArray[Any], Ints] | None = None

    @property
    def keeps_account(self) -> bool:
        """Whether some share is to be held."""
        return bool(self.shares or self.class_shares or self.audit or self.explore)

    @property
    def audited(self) -> list[ItemId]:
        """Items that were taken as audits and are not retired."""
        return [item for item, draw in self.drawn.items() if draw.stream == "audit"]

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

    @property
    def given(self) -> Pace:
        """How many places were by lot."""
        if self.pace is not None:
            return self.pace
        streams = [self.drawn[item].stream for item in self.served if item in self.drawn]
        audits, explored = streams.count("audit"), streams.count("explore")
        return Pace(audits, explored, len(self.served) - len(streams))

    def steer(self, shares: Shares, slices: dict[ItemId, str] | None, seed: int, pace: Pace) -> None:
        """All shares at once, unchecked; the count of what was served goes on. `slices` None: as before."""
        if slices is not None:
            self.slices = slices
        if slices is not None or shares.slices != self.shares:
            self._members = None
        self.shares, self.class_shares = dict(shares.slices), dict(shares.classes)
        self.audit, self.explore, self.seed, self.pace = shares.audit, shares.explore, seed, pace

    def set_class_quota(self, shares: Mapping[Label, float], classes: Collection[Label]) -> None:
        """Raises BadRequest, and then changes nothing."""
        if not isinstance(shares, Mapping):
            raise BadRequest("A quota of classes is {class: share}.", "Pass a dictionary.")
        read = {name: _share(share, f"of the class {name!r}") for name, share in shares.items()}
        if fsum(read.values()) > 1 + ROUNDING:
            raise BadRequest(f"The shares sum to {fsum(read.values()):g}.", "Leave the sum at 1 or less.")
        unknown = sorted(read.keys() - set(classes), key=str)
        if unknown:
            raise BadRequest(f"There is no class {named(unknown)}.", f"The classes are: {', '.join(classes)}.")
        if read != self.class_shares:
            self.served.clear()
        self.class_shares = read

    def set_lots(self, audit: float, explore: float, seed: int) -> None:
        """Shares of the places by lot; 0 ends either. Raises BadRequest, and then changes nothing."""
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise BadRequest(f"The seed of an audit is {seed!r}.", "Pass a whole number from 0 on.")
        audit, explore = _none_or_share(audit, "of audits"), _none_or_share(explore, "of exploration")
        if audit + explore > 1 + ROUNDING:
            raise BadRequest(f"Audits and exploration sum to {audit + explore:g}.", "Leave the sum at 1 or less.")
        if (audit, explore, seed) != (self.audit, self.explore, self.seed):
            self.served.clear()
        self.audit, self.explore, self.seed = audit, explore, seed

    def members(self, number: Mapping[str, int]) -> tuple[NDArray[Any], Ints]:
        """(k,) items of the numbered slices, and (k,) the number of each one's slice."""
        if self._members is None:
            found = [(item, number[name]) for item, name in self.slices.items() if name in number]
            items = np.array([item for item, _ in found])
            self._members = items, np.array([slice_ for _, slice_ in found], dtype=np.int64)
        return self._members

    def serve(self, items: Iterable[ItemId], offered: Mapping[ItemId, Draw | None]) -> None:
        """Enter what was taken of the places that were offered: None for those that were not drawn."""
        for item in items:
            if self.keeps_account and item in offered and item not in self.served:
                self.served.add(item)
                draw = offered[item]
                if draw is not None:
                    self.drawn[item] = draw

    def unserve(self, items: Iterable[ItemId]) -> None:
        """Strike out items that came back into the queue as if they had never left it."""
        for item in items:
            self.served.discard(item)
            self.drawn.pop(item, None)

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
        return {*self.held, *self.done, *self.pinned, *self.slices, *self.served, *self.drawn}

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, the same for the same facts."""
        return {
            "held": sorted(cast(Any, self.held)),
            "done": sorted(cast(Any, self.done)),
            "pinned": list(self.pinned),
            "shares": dict(self.shares),
            "slices": sorted([item, value] for item, value in self.slices.items()),
            "class_shares": dict(self.class_shares),
            "audit": self.audit,
            "explore": self.explore,
            "seed": self.seed,
            "pace": self.pace,
            "served": sorted(cast(Any, self.served)),
            "drawn": sorted([item, *draw] for item, draw in self.drawn.items()),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Levers:
        """The inverse of `as_json`."""
        levers = cls()
        levers.held, levers.done = set(body["held"]), set(body["done"])
        levers.pinned, levers.shares = dict.fromkeys(body["pinned"]), dict(body["shares"])
        levers.class_shares, levers.slices = dict(body["class_shares"]), dict(body["slices"])
        levers.served = set(body["served"])
        levers.drawn = {item: Draw(stream, chance) for item, stream, chance in body["drawn"]}
        levers.pace = None if body["pace"] is None else Pace(*body["pace"])
        levers.audit, levers.explore, levers.seed = float(body["audit"]), float(body["explore"]), int(body["seed"])
        return levers


def _none_or_share(share: object, whose: str) -> float:
    return 0.0 if share == 0 and not isinstance(share, bool) else _share(share, whose)


def _share(share: object, whose: str) -> float:
    number = float(share) if isinstance(share, (int, float)) and not isinstance(share, bool) else float("nan")
    if not isfinite(number) or not 0 < number <= 1:
        raise BadRequest(f"The share {whose} is {share!r}.", "Pass a number above 0, and 1 at most.")
    return number
