"""What a round found, in arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Floats, Ints, Label

NO_SPANS = np.empty((0, 5), dtype=np.float32)


@dataclass(frozen=True)
class Outcome:
    """Together with the facts of that moment, all that the next round depends on. Arrays are in the order of `ids`."""

    ids: NDArray[Any]
    """(n,) int64 or str, ascending: every item in the pool."""
    probabilities: Floats
    """(n, k) float32: of a class or label each its calibrated probability; of numbers mean, deviation and doubt."""
    priority: Floats
    """(n,) float32, 0 to 1, never rising along the queue; 0 outside the queue."""
    novelty: Floats
    """(n,) float32 cosine distance, 0 to 1, to the nearest labelled or leased item or earlier place of the head."""
    rank: Ints
    """(n,) int64, 0 is next; -1 for what is labelled, skipped or leased."""
    cover: Floats
    """(n,) float32 squared distance to the nearest labelled or leased item: -1 for these themselves, 4 for none."""
    weights: Floats
    """(r, d) float32, one row a class or label; one for numbers."""
    bias: Floats
    """(r,) float32."""
    temperature: float
    l2: float
    trained: bool
    """Whether there is something to tell apart: two classes, a label and its absence, or two numbers."""
    labelled: int
    """Number of labelled items."""
    classes: tuple[Label, ...]
    share: float = 0.0
    """Power of the neighbours in the probabilities; 0: the weights speak alone."""
    fused: float = 1.0
    """Temperature of weights and neighbours together."""
    noise: float = 0.0
    """Standard deviation of labels around a number that is known."""
    extra: Floats = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    """What the kind of label needs beside the weights."""

    found: Floats = field(default_factory=lambda: NO_SPANS)
    """(s, 5) float32 predicted spans, where labels are spans: place in `ids`, start, end, class, probability."""

    def said(self, place: int) -> Floats:
        """(k,) what is predicted of an item; with four numbers more for each span that is."""
        if not len(self.found):
            row: Floats = self.probabilities[place]
            return row
        low, high = np.searchsorted(self.found[:, 0], [place, place + 1])
        return np.concatenate([self.probabilities[place], self.found[low:high, 1:].ravel()])

    @cached_property
    def order(self) -> Ints:
        """(q,) places in `ids` of the queued items, the next one first."""
        order = np.empty(len(self.rank) + 1, dtype=np.int64)
        order[self.rank] = np.arange(len(self.rank))  # whatever is not queued goes to the last place
        return order[: int(self.rank.max(initial=-1)) + 1]
