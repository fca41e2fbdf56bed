"""The tokens of the pool's texts on disk: append-only, memory-mapped, one writer. A row for each of the vector file.

    meta.json     format version, reader, width: written whole before the first row
    states.f16    tokens of `width` float16
    places.i32    where each token begins in its text, and the first place behind it
    rows.i64      of each row the number of tokens up to its end, and its task

All little-endian. The ends are written last and after the others are on the disk: a tail that a crash leaves does not
count, and the next append cuts it off. What does not fit the vector file, as after that was made anew, is thrown away.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import Corrupt, StoreError
from labelcue.labels.tokens import Tokens
from labelcue.pool.appending import cut, size, write
from labelcue.types import Ints

FORMAT = 1
ROW = 16
"""Bytes of a row of `rows.i64`."""
_AGAIN = "Delete the folder: all texts are read anew."


class TokenFile:
    """Rows of any number of tokens. A row never changes and never goes. Several threads may read while one appends."""

    def __init__(self, path: Path, reader: str, width: int, *, looking: bool = False) -> None:
        """`reader`: the name of what makes the tokens. What another one made is thrown away: it is read anew. For
        who is `looking`, while another process writes, it stays, and there are no rows.

        Raises Corrupt where the folder cannot be read.
        """
        self.path = path
        self._kind = {"format": FORMAT, "reader": reader, "width": width}
        self._files = (path / "states.f16", path / "places.i32", path / "rows.i64")
        self._width, self._lock = width, threading.Lock()
        self._tokens = self._empty()
        self._ids: NDArray[np.integer] = np.empty(0, dtype=np.int64)
        """(rows,) the task of each row."""
        if self._made_by() == self._kind:
            self._map()
        elif not looking:
            self._clear()

    @property
    def rows(self) -> int:
        """Complete rows."""
        return len(self._tokens)

    @property
    def tokens(self) -> Tokens:
        """Of all rows, memory-mapped."""
        return self._tokens

    def fit(self, ids: Ints) -> None:
        """Throw everything away unless the rows are of these tasks, or of the first of them."""
        if self.rows > len(ids) or not np.array_equal(self._ids, ids[: self.rows]):
            self._clear()

    def append(self, ids: Sequence[int], texts: Sequence[tuple[NDArray[np.floating], NDArray[np.integer]]]) -> None:
        """Add the (states, offsets) of the texts of some tasks as rows; on disk when it returns. Raises StoreError."""
        counts = [len(states) for states, _ in texts]
        if not counts:
            return
        with self._lock:
            before = int(self._tokens.ends[-1]) if self.rows else 0
            data = (
                b"".join(np.ascontiguousarray(states, dtype="<f2").tobytes() for states, _ in texts),
                b"".join(np.ascontiguousarray(offsets, dtype="<i4").tobytes() for _, offsets in texts),
                np.column_stack([before + np.cumsum(counts), ids]).astype("<i8").tobytes(),
            )
            try:
                self._begin()
                for file, length in zip(self._files, self._lengths(), strict=True):
                    cut(file, length)
                for file, part in zip(self._files, data, strict=True):
                    write(file, part)
                self._map()
            except OSError as error:
                raise StoreError(
                    f"Tokens cannot be written to {self.path}: {error}.", "Free or mend the disk."
                ) from error

    def _lengths(self) -> tuple[int, int, int]:
        """Bytes of each file that count."""
        tokens = int(self._tokens.ends[-1]) if self.rows else 0
        return tokens * self._width * 2, tokens * 8, self.rows * ROW

    def _map(self) -> None:
        rows = size(self._files[2]) // ROW
        if not rows:
            return
        kept: NDArray[Any] = np.memmap(self._files[2], dtype="<i8", mode="r", shape=(rows, 2))
        ends = kept[:, 0]
        there = min(size(self._files[0]) // (2 * self._width), size(self._files[1]) // 8)
        rows = int(np.searchsorted(ends, there, side="right"))
        total = int(ends[rows - 1]) if rows else 0
        self._ids = kept[:rows, 1]
        if not total:  # an empty file cannot be mapped
            none = self._empty()
            self._tokens = Tokens(none.states, none.offsets, ends[:rows])
            return
        states = np.memmap(self._files[0], dtype="<f2", mode="r", shape=(total, self._width))
        places = np.memmap(self._files[1], dtype="<i4", mode="r", shape=(total, 2))
        self._tokens = Tokens(states, places, ends[:rows])

    def _empty(self) -> Tokens:
        return Tokens(
            np.empty((0, self._width), dtype=np.float16), np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.int64)
        )

    def _begin(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        meta = self.path / "meta.json"
        if not meta.exists():
            part = self.path / ".meta.json.part"
            part.unlink(missing_ok=True)
            write(part, json.dumps(self._kind).encode())
            os.replace(part, meta)

    def _made_by(self) -> Any:
        path = self.path / "meta.json"
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Corrupt(f"{path} cannot be read: {error}.", _AGAIN) from error

    def _clear(self) -> None:
        for file in (*reversed(self._files), self.path / "meta.json"):
            file.unlink(missing_ok=True)
        self._tokens, self._ids = self._empty(), np.empty(0, dtype=np.int64)
