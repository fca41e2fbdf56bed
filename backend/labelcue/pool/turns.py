"""Whose turn it is: shares of a queue kept at every place of it, and lots that are drawn once for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Bools, Ints

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def take_turns(shares: NDArray[np.float64], given: Ints, left: Ints, places: int) -> Ints:
    """(places,) int64 whose turn each place is, by (k,) `shares` that sum to 1.

    Tijdeman's rule for the chairman assignment problem (Discrete Mathematics 32, 1980): after every place each has had
    its share to within 1 - 1/(2k - 2) of a place. `given` (k,) counts the places of before, `left` (k,) how many each
    can still fill, at least `places` in all; where one has nothing left, the others go on in its stead.
    """
    given, left = given.copy(), left.copy()
    step = 1 / (2 * max(len(shares) - 1, 1))
    turns = np.empty(places, dtype=np.int64)
    for place in range(places):
        lag = shares * (given.sum() + 1) - given
        due = (left > 0) & (lag >= step) & (shares > 0)
        if due.any():
            until = np.full(len(shares), np.inf)
            until[due] = (1 - step - lag[due]) / shares[due]
            turn = int(np.argmin(until))
        else:
            turn = int(np.argmax(np.where(left > 0, lag, -np.inf)))
        turns[place] = turn
        given[turn] += 1
        left[turn] -= 1
    return turns


def alternate(share: float, given: tuple[int, int], left: tuple[int, int], places: int) -> Bools:
    """(places,) `take_turns` of two, whether it is the turn of the first: the same without an array a place."""
    turns = np.zeros(places, dtype=bool)
    if not share:
        return turns
    (mine, others), (my_left, others_left) = given, left
    for place in range(places):
        lag = share * (mine + others + 1) - mine  # the other's lag is 1 - lag
        due, other_due = my_left > 0 and lag >= 0.5, others_left > 0 and lag <= 0.5 and share < 1
        if due and other_due:
            turn = (0.5 - lag) / share <= (lag - 0.5) / (1 - share)
        elif due or other_due:
            turn = due
        else:
            turn = my_left > 0 and (others_left <= 0 or lag >= 0.5)
        turns[place] = turn
        mine, others = mine + turn, others + (not turn)
        my_left, others_left = my_left - turn, others_left - (not turn)
    return turns


def lots(ids: NDArray[Any], seed: int) -> NDArray[np.uint64]:
    """(n,) a uniform random number for each id, which depends on the id and the seed alone (splitmix64).

    The order of these numbers is one random order of all ids, those that are yet to come included.
    """
    start = _mix(np.array([seed % 2**64], dtype=np.uint64) + GOLDEN)
    if ids.dtype.kind != "U":
        return _mix(ids.astype(np.int64).view(np.uint64) * GOLDEN ^ start)
    letters = np.ascontiguousarray(ids).view(np.uint32).reshape(len(ids), -1).astype(np.uint64)
    drawn = np.repeat(start, len(ids))
    for column in letters.T:
        drawn = np.where(column > 0, _mix(drawn + column * GOLDEN), drawn)  # Padding is no part of an id.
    return drawn


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea & Flood, OOPSLA 2014); sums and products are modulo 2^64."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
