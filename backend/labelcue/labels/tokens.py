"""The tokens of each row's text: a vector and a place in the text for each. Kept apart from the rows' own vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.types import Floats, Ints

BLOCK = 32_768
"""Tokens of one step: about 12 MB at 96 dimensions."""


class Piece(NamedTuple):
    """The tokens of some rows, one row's behind the other's."""

    states: Floats
    """(t, r) float32."""
    offsets: Ints
    """(t, 2) int64: where each token begins, and the first place behind it."""
    counts: Ints
    """(m,) tokens of each row."""

    @property
    def items(self) -> Ints:
        """(t,) which of the rows each token is of."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


class Tokens:
    """Of n rows: any number of tokens each, none included. Arrays are adopted without a copy, memory-mapped or not."""

    def __init__(self, states: NDArray[np.floating], offsets: NDArray[np.integer], ends: NDArray[np.integer]) -> None:
        """`states` (t, r), `offsets` (t, 2), `ends` (n,) the number of tokens up to the end of each row."""
        self.states, self.offsets, self.ends = states, offsets, ends

    @classmethod
    def of(cls, pairs: Sequence[Any]) -> Tokens:
        """From one (states (t, r), offsets (t, 2)) a row. Raises BadRequest that names the row."""
        made = [_pair(place, pair) for place, pair in enumerate(pairs)]
        width = max((states.shape[1] for states, _ in made if len(states)), default=1)
        wrong = [place for place, (states, _) in enumerate(made) if len(states) and states.shape[1] != width]
        if wrong:
            raise BadRequest(
                f"The tokens of row {wrong[0]} have {made[wrong[0]][0].shape[1]} dimensions, others have {width}.",
                "Make all of them by one model.",
            )
        states = [states.reshape(-1, width) for states, _ in made]
        none = np.empty((0, width), dtype=next((one.dtype for one in states if len(one)), np.float32))
        return cls(
            np.concatenate([none, *states]) if states else none,
            np.concatenate([np.empty((0, 2), dtype=np.int64), *(offsets for _, offsets in made)]),
            np.cumsum([len(one) for one in states], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def width(self) -> int:
        """Dimensions r of a token's vector."""
        return int(self.states.shape[1])

    def first(self, rows: int) -> Tokens:
        """Those of the first rows, without a copy."""
        return Tokens(self.states, self.offsets, self.ends[:rows])

    def and_more(self, more: Tokens) -> Tokens:
        """With further rows behind these; copies. Raises BadRequest where they have other dimensions."""
        if more.width != self.width and len(more.states):
            raise BadRequest(
                f"The new tokens have {more.width} dimensions, those of the pool {self.width}.",
                "Make all of them by one model.",
            )
        mine, last = slice(0, self._end), np.int64(self._end)
        states = np.concatenate([self.states[mine], more.states.reshape(-1, self.width)])
        return Tokens(
            states, np.concatenate([self.offsets[mine], more.offsets]), np.concatenate([self.ends, more.ends + last])
        )

    def of_rows(self, rows: Ints) -> Piece:
        """Copies of the tokens of some rows, in their order."""
        starts, ends = self._starts()[rows], np.asarray(self.ends)[rows].astype(np.int64)
        counts = ends - starts
        total = int(counts.sum())
        places = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
        return Piece(
            np.asarray(self.states[places], dtype=np.float32), np.asarray(self.offsets[places], np.int64), counts
        )

    def pieces(self) -> Iterator[tuple[Ints, Piece]]:
        """All rows in blocks that stay in memory: (m,) rows and their tokens."""
        starts, first = self._starts(), 0
        while first < len(self):
            last = int(np.searchsorted(self.ends, starts[first] + BLOCK, side="right"))
            last = min(max(last, first + 1), len(self))
            part = slice(int(starts[first]), int(self.ends[last - 1]))
            counts = np.asarray(self.ends[first:last], dtype=np.int64) - starts[first:last]
            states = np.asarray(self.states[part], dtype=np.float32)
            yield np.arange(first, last), Piece(states, np.asarray(self.offsets[part], dtype=np.int64), counts)
            first = last

    @property
    def _end(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def _starts(self) -> Ints:
        return np.concatenate([[0], np.asarray(self.ends[:-1], dtype=np.int64)]) if len(self) else np.empty(0, np.int64)


def check_tokens(tokens: Tokens | None, wanted: bool, rows: int, taker: str) -> None:
    """Raises BadRequest where there are none for whoever reads them, some for others, or not those of each row."""
    if wanted and tokens is None:
        raise BadRequest(
            f"{taker.capitalize()} reads the tokens of each text, and there are none.",
            "Pass tokens=[(states, offsets), ...], one pair for each item.",
        )
    if not wanted and tokens is not None:
        raise BadRequest(
            f"{taker.capitalize()} reads no tokens, and some were given.", "Leave them out, or choose 'tagger'."
        )
    if tokens is not None and len(tokens) != rows:
        raise BadRequest(
            f"There are {rows} vectors and the tokens of {len(tokens)} texts.", "Pass one pair for each item."
        )


def _pair(place: int, pair: Any) -> tuple[Floats, Ints]:
    """One row's tokens, checked."""
    try:
        states, offsets = (np.asarray(one) for one in pair)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"The tokens of row {place} are no pair of arrays.", _FORM) from error
    if not states.size and not offsets.size:
        return np.empty((0, 1), dtype=np.float32), np.empty((0, 2), dtype=np.int64)
    fits = states.ndim == 2 and states.dtype.kind == "f" and offsets.dtype.kind in "iu"
    if not fits or offsets.shape != (len(states), 2):
        raise BadRequest(f"The tokens of row {place} are {states.shape} and {offsets.shape}.", _FORM)
    if not np.isfinite(states).all():
        raise BadRequest(f"The tokens of row {place} hold NaN or infinity.", "Embed that text anew.")
    offsets = offsets.astype(np.int64)
    if (offsets[:, 0] < 0).any() or (offsets[:, 0] >= offsets[:, 1]).any() or (np.diff(offsets, axis=0) < 0).any():
        raise BadRequest(f"The offsets of row {place} do not ascend.", "Pass (start, end) of each token, in order.")
    return states, offsets


_FORM = "Pass (states, offsets) for each row: (t, r) floats, and (t, 2) whole numbers, where tokens start and end."
