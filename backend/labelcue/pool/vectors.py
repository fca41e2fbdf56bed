"""The pool's vectors on disk: append-only, memory-mapped, one writer and any number of readers.

A folder holds four files, all little-endian:

    meta.json     format version, embedder, dim, dtype: written whole before the first row
    vectors.f32   rows of dim float32 (vectors.f16: float16)
    rows.i64      the task id of each row
    digests.b16   16 bytes a row: what the vector was made from

A row counts once it is complete in all three. Digests are written last and after the others are on the disk, so that
whatever a crash leaves behind is a tail that does not count: too short, or zeros where a digest should be (no SHA-256
begins with 16 zero bytes). The next append cuts it off. Opening and reading change nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelcue.errors import ConfigError, Corrupt, StoreError
from labelcue.pool.appending import cut, size, write
from labelcue.types import Floats, Ints

FORMAT = 1
DIGEST_BYTES = 16
_AGAIN = "Delete the folder: all tasks are embedded anew."


class _Digests(NamedTuple):
    """Digest → row in 16 bytes a row: the digests' sorted first halves, and a small dict of what came since."""

    whole: NDArray[np.uint64]
    """(rows, 2): each row's 16 bytes as two numbers."""
    keys: NDArray[np.uint64]
    order: Ints
    recent: dict[int, int]
    """Shared with later states, so it may name rows that are not there yet."""

    def grown(self, whole: NDArray[np.uint64]) -> _Digests:
        """The state that knows all of `whole`, whose first rows are known already."""
        if len(whole) > 1.25 * len(self.keys) + 4096:
            order = np.argsort(whole[:, 0], kind="stable")
            return _Digests(whole, whole[order, 0], order, {})
        for row in range(len(self.whole), len(whole)):
            self.recent.setdefault(int(whole[row, 0]), row)
        return self._replace(whole=whole)

    def find(self, digest: bytes) -> int | None:
        """The first row of this digest."""
        wanted = np.frombuffer(digest, dtype=np.uint64)
        place = int(np.searchsorted(self.keys, wanted[0]))
        there = place < len(self.keys) and self.keys[place] == wanted[0]
        row = int(self.order[place]) if there else self.recent.get(int(wanted[0]), len(self.whole))
        # Two contents that share 8 bytes of a SHA-256: the second is embedded again, which is all that it costs.
        return row if row < len(self.whole) and bool((self.whole[row] == wanted).all()) else None


class _View(NamedTuple):
    """One consistent state; swapped whole, so that threads never see rows without their ids."""

    rows: int
    vectors: NDArray[np.floating]
    ids: Ints
    digests: _Digests


class VectorFile:
    """Rows of (vector, task id, digest). A row never changes and never goes; a task's later row is its newer one.

    Several threads may read while one appends. Another process sees new rows after `refresh`.
    """

    def __init__(
        self, path: Path, dim: int, embedder: str = "", dtype: Literal["float32", "float16"] = "float32"
    ) -> None:
        """`embedder`: the resolved name of what makes the vectors. `float16` halves the file for 3 digits of precision.

        Raises ConfigError where the folder holds vectors of another kind, Corrupt where it cannot be read.
        """
        self.path, self.dim = path, dim
        self._kind = {"format": FORMAT, "embedder": embedder, "dim": dim, "dtype": dtype}
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._files = (path / f"vectors.f{8 * self._dtype.itemsize}", path / "rows.i64", path / "digests.b16")
        self._widths = (dim * self._dtype.itemsize, 8, DIGEST_BYTES)
        self._view = self._empty()
        self._growing = threading.Lock()
        self.refresh()

    @property
    def rows(self) -> int:
        """Complete rows that this object knows of."""
        return self._view.rows

    @property
    def vectors(self) -> NDArray[np.floating]:
        """(rows, dim), read-only and memory-mapped, in the file's dtype: float16 files give float16."""
        return self._view.vectors

    @property
    def ids(self) -> Ints:
        """(rows,) int64 task ids, read-only and memory-mapped."""
        return self._view.ids

    def row_of_digest(self, digest: bytes) -> int | None:
        """A row whose vector was made from the content of this digest, None where there is none."""
        return self._view.digests.find(digest)

    def vector_of_digest(self, digest: bytes) -> Floats | None:
        """That row's vector, (dim,) float32."""
        view = self._view
        row = view.digests.find(digest)
        return None if row is None else np.array(view.vectors[row], dtype=np.float32)

    def digest_of_row(self, row: int) -> bytes:
        """The digest of the content that a row was made from."""
        return bytes(self._view.digests.whole[row].tobytes())

    def append(self, ids: Sequence[int], vectors: ArrayLike, digests: Sequence[bytes]) -> None:
        """Add (m,) ids, (m, dim) finite vectors and m digests; on disk when it returns, all or a first part of them.

        Raises ValueError where they do not fit each other, StoreError where the disk does not take them: what it took
        by then does not count. Writers in several processes take turns.
        """
        block = np.ascontiguousarray(vectors, dtype=self._dtype).reshape(-1, self.dim)
        numbers = np.ascontiguousarray(ids, dtype="<i8")
        if not len(block) == len(numbers) == len(digests):
            raise ValueError(f"{len(numbers)} ids, {len(block)} vectors and {len(digests)} digests do not fit.")
        if not np.isfinite(block).all() or any(len(d) != DIGEST_BYTES or not any(d) for d in digests):
            raise ValueError("A vector is not finite or a digest is not 16 bytes with a bit set.")
        if not len(block):
            return
        try:
            with self._writing():
                self.refresh()
                # Old tails first, digests before the others: none may come to stand beside a new row.
                for file, width in reversed(list(zip(self._files, self._widths, strict=True))):
                    cut(file, self.rows * width)
                for file, data in zip(self._files, (block, numbers, b"".join(digests)), strict=True):
                    write(file, data)
                self.refresh()
        except OSError as error:
            raise StoreError(f"Vectors cannot be written to {self.path}: {error}.", "Free or mend the disk.") from error

    def refresh(self) -> int:
        """Take up rows that this or another process added; the number of rows. Cheap where nothing changed."""
        with self._growing:
            rows = self._complete()
            if rows < self.rows:
                raise Corrupt(f"{self.path} had {self.rows} rows and has {rows} now.", _AGAIN)
            if not self.rows:
                self._check_kind(rows)
            if rows > self.rows:
                self._view = self._map(rows)
            return rows

    def _complete(self) -> int:
        rows = min(size(file) // width for file, width in zip(self._files, self._widths, strict=True))
        if rows <= self.rows:
            return rows
        with self._files[2].open("rb") as file:
            file.seek(self.rows * DIGEST_BYTES)
            fresh = np.frombuffer(file.read((rows - self.rows) * DIGEST_BYTES), dtype=np.uint64).reshape(-1, 2)
        missing = np.flatnonzero(~fresh.any(axis=1))
        return self.rows + (int(missing[0]) if len(missing) else len(fresh))

    def _map(self, rows: int) -> _View:
        vectors, ids, digests = self._files
        return _View(
            rows,
            np.memmap(vectors, dtype=self._dtype, mode="r", shape=(rows, self.dim)),
            np.memmap(ids, dtype="<i8", mode="r", shape=(rows,)),
            self._view.digests.grown(np.memmap(digests, dtype=np.uint64, mode="r", shape=(rows, 2))),
        )

    def _empty(self) -> _View:
        ids = np.empty(0, dtype=np.int64)
        digests = np.empty((0, 2), dtype=np.uint64)
        return _View(0, np.empty((0, self.dim), dtype=self._dtype), ids, _Digests(digests, digests[:, 0], ids, {}))

    def _check_kind(self, rows: int) -> None:
        """The folder's meta.json against what was asked for; a folder without one may have no rows."""
        path = self.path / "meta.json"
        try:
            kept = json.loads(path.read_text())
        except FileNotFoundError:
            if rows:
                raise Corrupt(f"{self.path} has vectors and no meta.json.", _AGAIN) from None
            return
        except (OSError, ValueError) as error:
            raise Corrupt(f"{path} cannot be read: {error}.", _AGAIN) from error
        if kept != self._kind:
            raise ConfigError(
                f"{self.path} holds {_words(kept)}, and {_words(self._kind)} was asked for.",
                "Use what it holds, or another folder, or delete it: then all tasks are embedded anew.",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            meta = self.path / "meta.json"
            if not meta.exists():
                part = self.path / ".meta.json.part"
                part.unlink(missing_ok=True)
                write(part, json.dumps(self._kind).encode())
                os.replace(part, meta)
            yield


def _words(kind: Any) -> str:
    if not isinstance(kind, dict):
        return "something else"
    return f"{kind.get('dtype')} vectors of {kind.get('embedder')!r} with {kind.get('dim')} dimensions"
