"""What admins do to a queue: hold back, put first, call done, share it out, and audit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest, WrongSetting
from labelcue.pool.draws import draw
from labelcue.pool.facts import Facts
from labelcue.pool.items import Items
from labelcue.pool.levers import Draw, Pace, Shares
from labelcue.pool.matrix import FARTHEST
from labelcue.pool.roster import ItemId, plain
from labelcue.pool.shares import kinds, said, with_rest
from labelcue.pool.turns import lots
from labelcue.pool.wishes import Lots, Wishes
from labelcue.types import Floats, Ints, Label

_NONE = np.empty(0, dtype=np.int64)
OTHER = 2**32
"""Added to the seed of audits for the order in which items are explored."""
PINNED = "pinned by an admin"
BY_LOT: Mapping[str, str] = MappingProxyType(
    {
        "audit": "audit: drawn at random, to measure accuracy honestly",
        "explore": "explored: drawn at random, to learn of what the strategy passes over",
    }
)


class Levered(Items):
    """Items and the levers on them. Each stands until it is taken back, and overrides the strategy in this order:

    held and done items are out; pinned ones come first; then what is drawn by lot, at its places; then classes and
    slices by their shares.
    """

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that was said, as JSON: a Cue made with them goes on as this one, from its next full round on."""
        return self._facts.as_json()

    @property
    def audited(self) -> frozenset[ItemId]:
        """Items that were served as audits and are not retired; an honest estimate of accuracy rests on these."""
        return frozenset(self._facts.levers.audited)

    @property
    def drawn(self) -> dict[ItemId, Draw]:
        """Items that were served by lot, and those that the latest queue offers so."""
        offered = {item: draw for item, draw in self._offered.items() if draw is not None}
        return {**self._facts.levers.drawn, **offered}

    @property
    def held_out(self) -> list[ItemId]:
        """Labelled audits, of which the model has not learned."""
        return self._facts.held_out()

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

    def class_quota(self, shares: Mapping[Label, float]) -> None:
        """Give classes their shares of the queue, as `quota` does for slices: by the label, else by the prediction.

        With both, an item counts for its class and for its slice at once. Nothing is held before the model is trained.
        Raises BadRequest.
        """
        if shares and not self._facts.kind.exclusive:
            raise WrongSetting(
                "classes",
                f"Labels that are {self._facts.kind.takes} give an item no single class that could have a share.",
                "Use quota with slices of your own.",
            )
        self._facts.levers.set_class_quota(shares, self.classes)
        self._stale = True

    def audit(self, share: float, seed: int = 0) -> None:
        """Draw that share of the places uniformly at random, to measure the model: it never learns of their labels.

        The order of the draws depends on `seed` and the ids alone, never on strategy or labels, and no strategy gets
        the share of the pool that is set aside for them; an audit that comes back unlabelled is drawn again first.
        `facts` has each one's propensity. 0 ends it; what was drawn stays an audit until `retire`. Raises BadRequest.
        """
        self._facts.levers.set_lots(share, self._facts.levers.explore, seed)
        self._stale = True

    def explore(self, share: float) -> None:
        """Draw that share of the places uniformly at random, to learn from them; 0 ends it. Raises BadRequest."""
        self._facts.levers.set_lots(self._facts.levers.audit, share, self._facts.levers.seed)
        self._stale = True

    def retire(self) -> list[ItemId]:
        """Let the model learn from all audits, which then measure it no more: their ids."""
        retired = self._facts.levers.audited
        for item in retired:
            del self._facts.levers.drawn[item]
        self._stale = True
        return retired

    def account(self, items: Sequence[ItemId], served: Sequence[ItemId], drawn: Mapping[Any, Draw]) -> None:
        """What is known from elsewhere of these items: which were served since the shares were set, and which were
        drawn, ever. Replaces what was known."""
        levers = self._facts.levers
        for item in self._known(items):
            levers.served.discard(item)
            levers.drawn.pop(item, None)
        levers.served.update(self._known(served))
        levers.drawn.update(zip(self._known(list(drawn)), drawn.values(), strict=True))
        self._stale = True

    def recount(self) -> None:
        """Begin to count anew what is served, as if all shares had been set now."""
        self._facts.levers.served.clear()
        self._stale = True

    def steer(self, shares: Shares, of: Mapping[Any, str] | None, seed: int, pace: Pace) -> None:
        """All shares at once, whether or not anything is of these slices and classes now.

        `of` says of which slice items are, None: as before; `pace` how many places were by lot lately. What was counted
        under other shares goes on counting, until `recount`.
        """
        known = None if of is None else dict(zip(self._known(list(of)), of.values(), strict=True))
        self._facts.levers.steer(shares, known, seed, pace)
        self._stale = True

    def _wishes(self, candidates: Ints, head: int, probabilities: Floats | None) -> Wishes:
        """The levers in positions of the candidates, for a head of so many places.

        `probabilities` (n, c) are in the order of rows; None while nothing is trained.
        """
        place = np.full(self._matrix.rows, -1, dtype=np.int64)
        place[candidates] = np.arange(len(candidates))
        pinned = place[self._roster.rows(self._facts.pinned)]
        places = max(0, min(head, len(candidates)) - len(pinned))
        by_lot = self._lots(candidates, place, pinned, places)
        cells = self._cells(candidates, place, probabilities)
        far = self._novelty(candidates[np.concatenate([by_lot.drawn, by_lot.reserved])])
        novelty = np.concatenate([self._pin_novelty(candidates[pinned], head), far])
        return Wishes(places, pinned, by_lot, novelty, *cells)

    def _offer(self, wishes: Wishes, candidates: Ints, order: Ints) -> dict[ItemId, Draw | None]:
        """The places of the head that count for shares: None for those that are not drawn."""
        if not self._facts.levers.keeps_account:
            return {}
        head = order[len(wishes.pinned) : len(wishes.pinned) + wishes.places]
        offered: dict[ItemId, Draw | None] = dict.fromkeys(plain(self._roster.names[candidates[head]]))
        lots = wishes.lots
        for item, explores, chance in zip(
            plain(self._roster.names[candidates[lots.drawn]]), lots.explores, lots.chances, strict=True
        ):
            offered[item] = Draw("explore" if explores else "audit", float(chance))
        return offered

    def _wish(self, item: ItemId) -> str:
        """Why an item stands where it stands, where that is not the strategy's doing."""
        if item in self._facts.levers.pinned:
            return PINNED
        draw = self._offered.get(item)
        return BY_LOT[draw.stream] if draw is not None else ""

    def _tell(self, facts: Mapping[str, Any]) -> None:
        """Take over all that another pool was told; raises BadRequest, and NotFound for items that this one lacks."""
        try:
            told = Facts.from_json(facts)
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest(f"These are no facts of a Cue: {error!r}.", "Pass what `facts` gave.") from error
        if told.kind.name != self._facts.kind.name:
            raise BadRequest(
                f"These are labels that are {told.kind.takes}, and {self._taker} takes {self._facts.kind.takes}.",
                "Choose the surrogate that they were made with.",
            )
        self._known(told.known())
        self._facts, self._stale = told, True

    def _lots(self, candidates: Ints, place: Ints, pinned: Ints, places: int) -> Lots:
        """What stands in the head by lot; `place` (n,) is the position of each row."""
        levers = self._facts.levers
        if not levers.audit and not levers.explore and not levers.audited:
            return Lots()
        before = np.zeros((2, len(candidates)), dtype=bool)
        for stream, name in enumerate(BY_LOT):
            there = place[self._roster.rows([item for item, one in levers.drawn.items() if one.stream == name])]
            before[stream, there[there >= 0]] = True
        free = np.ones(len(candidates), dtype=bool)
        free[pinned] = False
        audit = self._numbers(levers.seed)[candidates]
        explore = self._numbers(levers.seed + OTHER)[candidates] if levers.explore else audit
        shares = levers.audit, levers.explore
        return draw((audit, explore), np.flatnonzero(free), places, shares, (before[0], before[1]), levers.given)

    def _numbers(self, seed: int) -> NDArray[np.uint64]:
        """(n,) the random number of each row's item; kept while no row is added."""
        kept = self._lot_numbers.get(seed)
        if kept is None or len(kept) != self._matrix.rows:
            kept = self._lot_numbers[seed] = lots(self._roster.names, seed)
        return kept

    def _cells(
        self, candidates: Ints, place: Ints, probabilities: Floats | None
    ) -> tuple[Ints, NDArray[np.float64], Ints]:
        """(m,) cell, (k,) shares and (k,) places given of `Wishes`; `place` (n,) is the position of each row.

        A cell is a class and a slice; of each there is one more for whatever has no share of its own.
        """
        levers = self._facts.levers
        classes = levers.class_shares if probabilities is not None and self._facts.kind.exclusive else {}
        if not levers.shares and not classes:
            return _NONE, np.empty(0), _NONE
        ordinary = [item for item in levers.served if item not in levers.drawn]
        slices, had = self._slices(place, len(candidates), ordinary)
        width = len(levers.shares) + 1
        shares = np.outer(with_rest(classes), with_rest(levers.shares)).ravel().astype(np.float64)
        if probabilities is not None and classes:
            predicted = kinds(classes, self.classes, probabilities)
            slices += width * predicted[candidates]
            told = said(classes, self._facts, ordinary)
            had += width * np.where(told < 0, predicted[self._roster.rows(ordinary)], told)
        return slices, shares, np.bincount(had, minlength=len(shares)).astype(np.int64)

    def _slices(self, place: Ints, size: int, served: list[ItemId]) -> tuple[Ints, Ints]:
        """(m,) slice of each candidate and (k,) of the served items, the last number for those of no share."""
        levers = self._facts.levers
        number = {name: slice_ for slice_, name in enumerate(levers.shares)}
        slices = np.full(size, len(number), dtype=np.int64)
        if number:
            items, slices_of = levers.members(number)
            there = place[self._roster.rows(items)]
            slices[there[there >= 0]] = slices_of[there >= 0]
        had = [number.get(levers.slices.get(item, ""), len(number)) for item in served]
        return slices, np.array(had, dtype=np.int64)

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
