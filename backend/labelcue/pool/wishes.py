"""The levers in positions of the candidates, as whoever arranges a queue takes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Bools, Floats, Ints


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Lots:
    """Candidates that stand in the head by lot, and those that only a lot may place there."""

    drawn: Ints = field(default_factory=_none)
    """(a,) positions, the first first."""
    at: Bools = field(default_factory=lambda: np.empty(0, dtype=bool))
    """(places,) whether a drawn one stands there, a times; no place where nothing is drawn."""
    explores: Bools = field(default_factory=lambda: np.empty(0, dtype=bool))
    """(a,) whether it is there to be learned from; the others are audits."""
    chances: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """(a,) the chance that each had to be drawn at its place."""
    reserved: Ints = field(default_factory=_none)
    """(r,) positions that are set aside for audits, those among `drawn` left out; they come last."""


@dataclass(frozen=True)
class Wishes:
    """Of m candidates; `places` is the number of those of the head that follow the pinned ones."""

    places: int
    pinned: Ints = field(default_factory=_none)
    """(p,) positions, the first first."""
    lots: Lots = field(default_factory=Lots)
    """What stands at places by lot."""
    novelty: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """(p + a + r,) of pinned, drawn and reserved ones: cosine distance, at most 1, to what is covered or pinned before
    them."""
    slices: Ints = field(default_factory=_none)
    """(m,) slice of each candidate: 0 to k - 1; empty without quotas."""
    shares: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """(k,) share of each slice, which sum to 1."""
    given: Ints = field(default_factory=_none)
    """(k,) places that each has had since the shares were set."""
