"""What admins do to a queue: hold back, put first, call done, share it out, and audit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.facts import Facts
from labelcue.pool.items import Items
from labelcue.pool.matrix import FARTHEST
from labelcue.pool.roster import ItemId, plain
from labelcue.pool.turns import lots, take_turns
from labelcue.pool.wishes import Wishes
from labelcue.types import Bools, Floats, Ints

PINNED = "pinned by an admin"
AUDIT = "audit: drawn at random, to measure accuracy honestly"


class Levered(Items):
    """Items and the levers on them. Each stands until it is taken back, and overrides the strategy in this order:

    held and done items are out; pinned ones come first; then audits at their places; then slices by their shares.
    """

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that was said, as JSON: a Cue made with them goes on as this one, from its next full round on."""
        return self._facts.as_json()

    @property
    def audited(self) -> frozenset[ItemId]:
        """Items that were served as audits; an honest estimate of accuracy rests on these."""
        return frozenset(self._facts.levers.audited)

    def hold(self, ids: Sequence[ItemId]) -> None:
        """Keep items out of the queue; they cover nothing, and whoever has one now keeps it."""
        self._facts.levers.held.update(self._known(ids))
        self._stale = True

    def unhold(self, ids: Sequence[ItemId]) -> None:
        """Let held items into the queue again."""
        self._facts.levers.held.difference_update(self._known(ids))
        self._stale = True

    def done(self, ids: Sequence[ItemId]) -> None:
        """Items that need no more labels: out of the queue, and counted as covered."""
        self._facts.levers.done.update(self._known(ids))
        self._stale = True

    def undone(self, ids: Sequence[ItemId]) -> None:
        """Let items that were called done into the queue again, where nobody has labelled them."""
        self._facts.levers.done.difference_update(self._known(ids))
        self._stale = True

    def pin(self, ids: Sequence[ItemId]) -> None:
        """Put items first in the queue, behind those that were pinned before; a pin stands until `unpin`."""
        self._facts.levers.pinned.update(dict.fromkeys(self._known(ids)))
        self._stale = True

    def unpin(self, ids: Sequence[ItemId]) -> None:
        """Let the strategy place items again."""
        for item in self._known(ids):
            self._facts.levers.pinned.pop(item, None)
        self._stale = True

    def quota(self, shares: Mapping[str, float], of: Mapping[ItemId, str] | None = None) -> None:
        """Give slices their shares of the queue; the items of no such slice have what is left. {} takes all back.

        `of` says of which slice items are, and replaces what was said before; None leaves that as it is. At every
        place of the head each slice has had its share of the places since the shares were set, to within one, pinned
        and audit places apart. Where a slice has nothing left, the others go on. Raises BadRequest for shares that are
        not above 0 or sum to more than 1, and for a slice that no item is of.
        """
        if isinstance(of, Mapping):
            of = dict(zip(self._known(list(of)), of.values(), strict=True))
        self._facts.levers.set_quota(shares, of)
        self._stale = True

    def audit(self, share: float, seed: int = 0) -> None:
        """Draw that share of the places uniformly at random among what is left; 0 ends it.

        The order of the draws depends on `seed` and the ids alone, never on strategy or labels; an audit that comes
        back unlabelled is drawn again first. `facts` has each one's propensity. Raises BadRequest.
        """
        self._facts.levers.set_audit(share, seed)
        self._stale = True

    def _wishes(self, candidates: Ints, head: int) -> Wishes:
        """The levers in positions of the candidates, for a head of so many places."""
        place = np.full(self._matrix.rows, -1, dtype=np.int64)
        place[candidates] = np.arange(len(candidates))
        pinned = place[self._roster.rows(self._facts.pinned)]
        places = max(0, min(head, len(candidates)) - len(pinned))
        audits, at = self._draw(candidates, pinned, places)
        slices, shares, given = self._slices(place, len(candidates))
        novelty = np.concatenate([self._pin_novelty(candidates[pinned], head), self._novelty(candidates[audits])])
        return Wishes(places, pinned, audits, at, novelty, slices, shares, given)

    def _offer(
        self, wishes: Wishes, candidates: Ints, order: Ints, propensity: Floats | None
    ) -> dict[ItemId, float | None]:
        """The places of the head that count for shares: the propensity of audits, else None."""
        if not self._facts.levers.keeps_account:
            return {}
        head = slice(len(wishes.pinned), len(wishes.pinned) + wishes.places)
        chances = np.full(wishes.places, np.nan) if propensity is None else propensity[head]
        odds = [float(chance) if audit else None for chance, audit in zip(chances, wishes.at, strict=True)]
        return dict(zip(plain(self._roster.names[candidates[order[head]]]), odds, strict=True))

    def _wish(self, item: ItemId) -> str:
        """Why an item stands where it stands, where that is not the strategy's doing."""
        if item in self._facts.levers.pinned:
            return PINNED
        return AUDIT if self._offered.get(item) is not None else ""

    def _tell(self, facts: Mapping[str, Any]) -> None:
        """Take over all that another pool was told; raises BadRequest, and NotFound for items that this one lacks."""
        try:
            told = Facts.from_json(facts)
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest(f"These are no facts of a Cue: {error!r}.", "Pass what `facts` gave.") from error
        self._known(told.known())
        self._facts, self._stale = told, True

    def _draw(self, candidates: Ints, pinned: Ints, places: int) -> tuple[Ints, Bools]:
        """(a,) positions drawn at random, and (places,) whether one of them stands there."""
        levers = self._facts.levers
        if not levers.audit:
            return pinned[:0], np.zeros(places, dtype=bool)
        shares = np.array([levers.audit, 1 - levers.audit])
        drawn = sum(odds is not None for odds in levers.served.values())
        given = np.array([drawn, len(levers.served) - drawn])
        at: Bools = take_turns(shares, given, np.array([places, places]), places) == 0
        free = np.setdiff1d(np.arange(len(candidates)), pinned, assume_unique=True)
        keys = lots(self._roster.names[candidates[free]], levers.seed)
        first = np.argpartition(keys, at.sum() - 1)[: at.sum()] if at.any() else free[:0]
        return free[first[np.argsort(keys[first])]], at

    def _slices(self, place: Ints, size: int) -> tuple[Ints, NDArray[np.float64], Ints]:
        """(m,) slice, (k,) shares and (k,) places given of `Wishes`; `place` (n,) is the position of each row."""
        levers = self._facts.levers
        if not levers.shares:
            return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0, dtype=np.int64)
        number = {name: slice_ for slice_, name in enumerate(levers.shares)}
        last = len(number)
        items, slices_of = levers.members(number)
        there = place[self._roster.rows(items)]
        slices = np.full(size, last, dtype=np.int64)
        slices[there[there >= 0]] = slices_of[there >= 0]
        shares = np.array([*levers.shares.values(), 0.0])
        shares[last] = max(0.0, 1 - shares.sum())
        ordinary = [item for item, odds in levers.served.items() if odds is None]
        had = [number.get(levers.slices.get(item, ""), last) for item in ordinary]
        return slices, shares, np.bincount(np.array(had, dtype=np.int64), minlength=last + 1)

    def _pin_novelty(self, pinned: Ints, head: int) -> Floats:
        """(p,) cosine distance, at most 1, to what is covered beside them and, within the head, to earlier ones."""
        others = np.setdiff1d(self._cover.covered, pinned)
        far = np.full(len(pinned), FARTHEST, dtype=np.float32)
        squared = self._matrix.nearest(pinned, others, far)
        vectors = self._matrix.unit(pinned[:head])
        among = 2 - 2 * vectors @ vectors.T
        among[np.triu_indices(len(vectors))] = FARTHEST
        squared[:head] = np.minimum(squared[:head], among.min(axis=1, initial=FARTHEST))
        return np.clip(squared / np.float32(2), np.float32(0), np.float32(1))

    def _novelty(self, rows: Ints) -> Floats:
        return np.clip(self._cover.squared[rows] / np.float32(2), np.float32(0), np.float32(1))
