"""The neighbour graph of a pool that grows: small steps within a round, large ones on a thread, kept on disk after."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from labelcue.errors import Corrupt
from labelcue.pool import cells, graph
from labelcue.pool.archive import read_archive, write_archive
from labelcue.pool.cells import Cells
from labelcue.pool.graph import Graph, Halted
from labelcue.pool.lists import recall
from labelcue.pool.matrix import BLOCK, Matrix
from labelcue.types import Json

log = structlog.get_logger(__name__)
AT_ONCE = 2 * 10**8
"""Pairs of rows that a round may compare by itself: 20,000 rows from nothing, or 2,000 that join 100,000."""
FORMAT = "labelcue-graph-2"
SAMPLE = 500
"""Rows whose lists are checked against all others, where not all rows are compared with all."""


class Growing:
    """One graph for all engines over the same growing array."""

    def __init__(self, path: Path) -> None:
        """`path`: where a large graph is kept; a damaged file, or one of other vectors, is made anew."""
        self.graph = Graph()
        self.recall = 1.0
        """Share of the nearest neighbours that the lists know, as measured when last a thread had made them grow."""
        self._path = path
        self._wanted = 0
        self._thread: threading.Thread | None = None

    @property
    def words(self) -> dict[str, Json]:
        """For status pages: rows that have joined, of how many, and the recall."""
        return {"rows": self.graph.rows, "of": self._wanted, "recall": round(self.recall, 4)}

    def ready(self, vectors: NDArray[np.floating]) -> bool:
        """Whether a round may use the graph now; else it starts to grow beside the rounds, if it does not already."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._wanted = len(vectors)
        if self.graph.pairs(len(vectors)) <= AT_ONCE:
            return True
        self._thread = threading.Thread(target=self._grow, args=(vectors,), name="neighbour graph", daemon=True)
        self._thread.start()
        return False

    def resume(self, vectors: NDArray[np.floating]) -> None:
        """Take up the graph that was kept of the first of these rows, if one was."""
        if not self.graph.rows:
            self._read(vectors)

    def stop(self) -> None:
        """Let a thread that makes the graph grow end soon; the graph is not to be used any more."""
        self.graph.halt()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _grow(self, vectors: NDArray[np.floating]) -> None:
        self.resume(vectors)
        before, matrix = self.graph.rows, Matrix(vectors)
        try:
            self.graph.grow(matrix)
        except Halted:
            return
        if self.graph.rows > before:
            if self.graph.cells is not None:
                self.recall = recall(matrix, self.graph.keys, SAMPLE, np.random.default_rng(len(vectors)))
            log.info("neighbour graph has grown", rows=self.graph.rows, recall=round(self.recall, 4))
            self._write(vectors)
        self.graph.edges()

    def _write(self, vectors: NDArray[np.floating]) -> None:
        meta = {"format": FORMAT, "vectors": _digest(vectors), "made": _made(), "recall": self.recall, "trained": 0}
        arrays: dict[str, NDArray[Any]] = {"keys": self.graph.keys}
        if self.graph.cells is not None:
            meta["trained"] = self.graph.cells.trained
            arrays |= {"centres": self.graph.cells.centres, "home": self.graph.cells.home}
        write_archive(self._path, meta, arrays)

    def _read(self, vectors: NDArray[np.floating]) -> None:
        """Take the lists of the first rows, as far as they are known from the file."""
        if not self._path.exists():
            return
        try:
            meta, arrays = read_archive(self._path)
            keys = arrays["keys"]
            if (meta["format"], meta["made"]) != (FORMAT, _made()) or len(keys) > len(vectors):
                return
            if meta["vectors"] != _digest(vectors[: len(keys)]):
                return
            kept = Cells(arrays["centres"], meta["trained"], arrays["home"]) if meta["trained"] else None
            share = float(meta["recall"])
        except (Corrupt, KeyError, TypeError, ValueError) as error:
            log.warning("neighbour graph refused, it is made anew", file=str(self._path), error=str(error))
            return
        self.graph.take(keys, kept)
        self.recall = share


def _made() -> list[float]:
    """What the lists depend on beside the vectors: a graph that was made in another way is made anew."""
    return [graph.WHOLE, graph.DEGREE, cells.VISITS, cells.DENSITY, cells.SAMPLE, cells.STEPS]


def _digest(vectors: NDArray[np.floating]) -> str:
    digest = hashlib.blake2b(str((vectors.shape, vectors.dtype)).encode())
    for start in range(0, len(vectors), BLOCK):
        digest.update(np.ascontiguousarray(vectors[start : start + BLOCK]).data)
    return digest.hexdigest()
