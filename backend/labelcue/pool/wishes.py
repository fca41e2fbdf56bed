"""The levers in positions of the candidates, as whoever arranges a queue takes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Bools, Floats, Ints


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Wishes:
    """Of m candidates; `places` is the number of those of the head that follow the pinned ones."""

    places: int
    pinned: Ints = field(default_factory=_none)
    """(p,) positions, the first first."""
    audits: Ints = field(default_factory=_none)
    """(a,) positions drawn at random, the first first."""
    at: Bools = field(default_factory=lambda: np.empty(0, dtype=bool))
    """(places,) whether an audit stands there, a times."""
    novelty: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """(p + a,) of pinned ones and audits: cosine distance, at most 1, to what is covered or pinned earlier."""
    slices: Ints = field(default_factory=_none)
    """(m,) slice of each candidate: 0 to k - 2, and k - 1 for those of no slice that has a share; empty without
    quotas."""
    shares: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """(k,) share of each slice, the last one's being what the others leave."""
    given: Ints = field(default_factory=_none)
    """(k,) places that each has had since the shares were set."""
