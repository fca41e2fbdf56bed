"""The few largest of many numbers, without parting all of them."""

from __future__ import annotations

import numpy as np

from labelcue.types import Floats, Ints

SAMPLE = 8192
"""Numbers, evenly spread, that tell from where on the largest are to be looked for."""
SPARE = 4
"""So many times as many as are wanted are looked at, by the sample; where that was too few, all are."""


def largest(values: Floats, size: int) -> tuple[Ints, float]:
    """(k,) the positions of the largest of (n,) `values`, ascending, and the largest of the others; k <= `size`.

    Where there are no others, minus infinity. Of equal values at the border any may be among the first.
    """
    if size >= len(values):
        return np.arange(len(values), dtype=np.int64), -np.inf
    some = np.flatnonzero(values >= _border(values, size))
    if len(some) <= size:
        some = np.arange(len(values), dtype=np.int64)
    split = some[np.argpartition(-values[some], size)]
    return np.sort(split[:size]), float(values[split[size]])


def _border(values: Floats, size: int) -> float:
    """A number that about `SPARE * size` values reach."""
    sample = values[:: max(1, len(values) // SAMPLE)]
    place = len(sample) - 1 - SPARE * max(1, size * len(sample) // len(values))
    return float(np.partition(sample, place)[place]) if place > 0 else -np.inf
