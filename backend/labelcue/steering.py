"""A strategy's order under the levers: pinned items first, then lots and slices by turns, then what is left.

Candidates are named by their position, as strategies see them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labelcue.pool.turns import take_turns
from labelcue.pool.wishes import Wishes
from labelcue.strategies import Ranking
from labelcue.types import Bools, Floats, Ints

Rank = Callable[[Ints, int, Ints], Ranking]
"""`rank(part, places, taken)`: the strategy's order of some candidates, in positions of `part`, with so many greedy
places, as if the candidates `taken` were taken."""


def arrange(wishes: Wishes, size: int, rank: Rank) -> Ranking:
    """The order of all `size` candidates. Novelty goes with the item, priority with the place."""
    lots, pinned = wishes.lots, wishes.pinned
    steered = np.concatenate([pinned, lots.drawn, lots.reserved])
    out = _among(steered, size)
    part, ordinary = np.flatnonzero(~out), wishes.places - len(lots.drawn)
    first = rank(part, ordinary, part[:0])
    if not len(steered) and not len(wishes.shares):
        return first
    novelty = np.empty(size, dtype=np.float32)
    novelty[steered] = wishes.novelty
    novelty[part[first.order]] = first.novelty
    chosen = _by_turns(wishes, part, first, rank, novelty) if len(wishes.shares) else part[first.order[:ordinary]]
    head = chosen
    if len(lots.drawn):
        head = np.empty(wishes.places, dtype=np.int64)
        head[lots.at], head[~lots.at] = lots.drawn, chosen
    tail = part[first.order]
    order = np.concatenate([pinned, head, tail[~_among(chosen, size)[tail]], lots.reserved])
    chance = _propensity(wishes, part, first, size)
    priority = _priority(first.priority, len(pinned), size)
    return Ranking(order, priority, novelty[order], None if chance is None else chance[order])


def _by_turns(wishes: Wishes, part: Ints, first: Ranking, rank: Rank, novelty: Floats) -> Ints:
    """(ordinary,) the next one of the slice whose turn each place is; writes the novelty of those.

    They come from the strategy's order of all. What a slice lacks there comes from the order of the slices that lack
    something, as if all that was chosen so far were taken. Each time at least one slice has all that it needs.
    """
    left = np.bincount(wishes.slices[part], minlength=len(wishes.shares))
    turns = take_turns(wishes.shares, wishes.given, left, wishes.places - len(wishes.lots.drawn))
    need = np.bincount(turns, minlength=len(wishes.shares))
    chosen: list[list[int]] = [[] for _ in need]
    best = part[first.order[: len(turns)]]
    while True:
        for position in best.tolist():
            slice_ = wishes.slices[position]
            if need[slice_]:
                chosen[slice_].append(position)
                need[slice_] -= 1
        if not need.any():
            break
        taken = np.array([position for of_slice in chosen for position in of_slice], dtype=np.int64)
        lacking = part[(need[wishes.slices[part]] > 0) & ~_among(taken, len(novelty))[part]]
        again, places = rank(lacking, int(need.sum()), taken), int(need.sum())
        best = lacking[again.order[:places]]
        novelty[best] = again.novelty[:places]
    following = [iter(of_slice) for of_slice in chosen]
    return np.array([next(following[turn]) for turn in turns], dtype=np.int64)


def _propensity(wishes: Wishes, part: Ints, first: Ranking, size: int) -> Floats | None:
    """(size,) of each candidate: what is drawn has its own, and for another only pins leave the strategy's chance as
    it is; NaN for those without one."""
    chance = np.full(size, np.nan, dtype=np.float32)
    if len(wishes.lots.drawn):
        chance[wishes.lots.drawn] = wishes.lots.chances
    elif first.propensity is not None and not len(wishes.shares):
        chance[part[first.order]] = first.propensity
    else:
        return None
    return chance


def _among(positions: Ints, size: int) -> Bools:
    marked: Bools = np.zeros(size, dtype=bool)
    marked[positions] = True
    return marked


def _priority(strategys: Floats, pinned: int, size: int) -> Floats:
    """(size,) 1 for pinned items, then as the strategy's fall; places that it did not give have its last one's."""
    last = strategys[-1:] if len(strategys) else np.ones(1, dtype=np.float32)
    rest = np.repeat(last, size - pinned - len(strategys))
    return np.concatenate([np.ones(pinned, dtype=np.float32), strategys, rest])
