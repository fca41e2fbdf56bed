"""Which candidates stand in the head by lot: audits, which measure the model, and explored ones, which teach it.

Each item has a number that depends on its id and the seed alone. Audits are drawn in the order of these numbers, and
those below the share itself are set aside: no strategy may take them, whatever it thinks of them. So what was drawn is
at any time a uniform sample of the whole pool, and not of what the strategy left. A pool that is labelled to its end
runs out of both at once, as the places and the pool are shared out alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.turns import alternate
from labelcue.pool.wishes import Lots
from labelcue.types import Bools, Ints

_NONE = np.empty(0, dtype=np.int64)


def draw(
    numbers: tuple[NDArray[np.uint64], NDArray[np.uint64]],
    free: Ints,
    places: int,
    shares: tuple[float, float],
    before: tuple[Bools, Bools],
    given: tuple[int, int, int],
) -> Lots:
    """What is drawn for a head of so many places, among the candidates `free` (f,) >= places, ascending.

    `numbers` (m,) are the random numbers of all candidates for audits and for exploration, `shares` those of either.
    `before`: (m,) whether each was
    drawn for an audit, or for exploration, in an earlier round: these come first. `given`: audits, explored and other
    places so far.
    """
    keys, (audit, explore) = numbers[0][free], shares
    aside: Bools = (keys < _threshold(audit)) | before[0][free]
    at = alternate(audit, (given[0], given[1] + given[2]), (len(free), len(free) - int(aside.sum())), places)
    first = _first(keys, before[0][free], int(at.sum()))
    unaudited = ~aside
    unaudited[first] = aside[first] = False
    others, rest = free[unaudited], places - len(first)
    left = min(1.0, explore / (1 - audit)) if explore else 0.0
    also = alternate(left, (given[1], given[2]), (rest, rest), rest)
    more = _first(numbers[1][others], before[1][others], int(also.sum())) if also.any() else _NONE
    return _joined(at, free[first], also, others[more], free[aside], (len(free), len(others)))


def _joined(at: Bools, audits: Ints, also: Bools, more: Ints, reserved: Ints, among: tuple[int, int]) -> Lots:
    """Both streams at their places; `at` (places,), `also` (places that are no audits,)."""
    stream = np.zeros(len(at), dtype=np.int64)
    stream[at] = 1
    stream[np.flatnonzero(~at)[also]] = 2
    by_lot = stream > 0
    drawn = np.empty(int(by_lot.sum()), dtype=np.int64)
    explores: Bools = stream[by_lot] == 2
    drawn[~explores], drawn[explores] = audits, more
    # An audit is as likely as all that are left; an explored one as all that are left and not set aside.
    left = np.where(explores, among[1] - (np.cumsum(stream != 1) - 1)[by_lot], among[0] - np.flatnonzero(by_lot))
    return Lots(drawn, by_lot, explores, (1 / np.maximum(left, 1)).astype(np.float32), reserved)


def _first(keys: NDArray[np.uint64], before: Bools, count: int) -> Ints:
    """(count,) places of what was drawn before, then of the smallest keys, each in their order."""
    if not count:
        return _NONE
    early = np.flatnonzero(before)
    late, more = np.flatnonzero(~before), max(0, count - len(early))
    if more < len(late):
        late = late[np.argpartition(keys[late], more - 1)[:more]] if more else _NONE
    order = np.concatenate([early[np.argsort(keys[early])], late[np.argsort(keys[late])]])
    return order[:count]


def _threshold(share: float) -> np.uint64:
    return np.uint64(min(int(share * 2**64), 2**64 - 1))
