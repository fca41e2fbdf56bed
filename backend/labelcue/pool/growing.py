"""The neighbour graph of a pool that grows: small steps within a round, large ones on a thread, kept on disk after."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import Corrupt
from labelcue.pool.archive import read_archive, write_archive
from labelcue.pool.graph import Graph, Keys
from labelcue.pool.matrix import BLOCK, Matrix

AT_ONCE = 2 * 10**8
"""Pairs of rows that a round may compare by itself: 20,000 rows from nothing, or 2,000 that join 100,000."""
FORMAT = "labelcue-graph-1"


class Growing:
    """One graph for all engines over the same growing array."""

    def __init__(self, path: Path) -> None:
        """`path`: where a large graph is kept; a damaged file, or one of other vectors, is made anew."""
        self.graph = Graph()
        self._path = path
        self._thread: threading.Thread | None = None

    def ready(self, vectors: NDArray[np.floating]) -> bool:
        """Whether a round may use the graph now; else it starts to grow beside the rounds, if it does not already."""
        if self._thread is not None and self._thread.is_alive():
            return False
        if self.graph.pairs(len(vectors)) <= AT_ONCE:
            return True
        self._thread = threading.Thread(target=self._grow, args=(vectors,), name="neighbour graph", daemon=True)
        self._thread.start()
        return False

    def _grow(self, vectors: NDArray[np.floating]) -> None:
        if not self.graph.rows:
            self.graph.take(self._read(vectors))
        before = self.graph.rows
        self.graph.grow(Matrix(vectors))
        self.graph.edges()
        if self.graph.rows > before:
            meta = {"format": FORMAT, "vectors": _digest(vectors)}
            write_archive(self._path, meta, {"keys": self.graph.keys})

    def _read(self, vectors: NDArray[np.floating]) -> Keys:
        """The lists of the first rows, as far as they are known from the file."""
        none = Graph().keys
        if not self._path.exists():
            return none
        try:
            meta, arrays = read_archive(self._path)
            keys = arrays["keys"]
            known = meta["format"] == FORMAT and meta["vectors"] == _digest(vectors[: len(keys)])
        except (Corrupt, KeyError):
            return none
        return keys if known and len(keys) <= len(vectors) else none


def _digest(vectors: NDArray[np.floating]) -> str:
    digest = hashlib.blake2b(str((vectors.shape, vectors.dtype)).encode())
    for start in range(0, len(vectors), BLOCK):
        digest.update(np.ascontiguousarray(vectors[start : start + BLOCK]).data)
    return digest.hexdigest()
