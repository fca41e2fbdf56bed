"""Ledger → vector file: embeds what is new, in the order of the ledger, in a thread of its own.

The place reached is kept beside the vectors, so that a restart goes on where the last run stopped; each batch is on
disk before the place moves, and identical text takes the vector that is there already.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from labelcue.embedders import Embedder, MediaSource
from labelcue.embedders.fitting import require_fit
from labelcue.embedders.joining import embed_all, texts_of
from labelcue.errors import LabelCueError, StoreError
from labelcue.labelstudio.backoff import Backoff, repeat
from labelcue.pool.vectors import VectorFile
from labelcue.store.base import Ledger
from labelcue.store.status import write_status
from labelcue.types import Json, TaskId, TaskSpec

log = structlog.get_logger(__name__)
BATCH = 128
POLL_S = 0.2
"""Seconds between two looks, while nothing is offered."""
REST_S = 60.0
"""Seconds without a task after which the embedder's memory is given back."""
MOST_PROBLEMS = 1000
"""Reasons that are kept by task; beyond them tasks are only counted."""


@dataclass
class Progress:
    """How far the embedding is."""

    done: int = 0
    total: int = 0
    unreadable: int = 0
    problems: dict[TaskId, str] = field(default_factory=dict)
    error: str = ""

    def as_dict(self) -> dict[str, Json]:
        """For status pages; the first hundred reasons."""
        first = dict(list(self.problems.items())[:100])
        return {
            "done": self.done,
            "total": self.total,
            "unreadable": self.unreadable,
            "problems": {str(task): reason for task, reason in first.items()},
            "error": self.error,
        }


class Ingest:
    """One project's tasks → rows of its vector file. `offer` may be called from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        vectors: VectorFile,
        embedder: Callable[[], Embedder],
        spec: TaskSpec,
        folder: Path,
        media: MediaSource | None = None,
    ) -> None:
        """`embedder` makes one, which costs nothing until it is used; it is let go when there is nothing to embed.

        `media` fetches what stands behind addresses, for embedders of images.
        """
        self._ledger = ledger
        self._vectors = vectors
        self._make = embedder
        self._embedder = embedder()
        self._spec = spec
        self._folder = folder
        self._media = media
        self._prepared = False
        self._pending: dict[TaskId, int] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._used = time.monotonic()
        self.progress = Progress()
        self.reached = self._load()

    def offer(self, positions: Mapping[TaskId, int]) -> None:
        """Tasks with the ledger position of their newest data; those that were embedded already are left out."""
        with self._lock:
            for task, position in positions.items():
                if position > self.reached:
                    self._pending[task] = position
            self.progress.total = self.progress.done + len(self._pending)
        self._wake.set()

    def withdraw(self, task: TaskId) -> None:
        """The task is gone: do not embed it."""
        with self._lock:
            self._pending.pop(task, None)

    @property
    def idle(self) -> bool:
        """Nothing waits to be embedded."""
        with self._lock:
            return not self._pending

    def run(self, stop: threading.Event) -> None:
        """Embed until `stop`; the rows of the vector file grow."""

        def turn() -> float:
            try:
                busy = self.step()
            except OSError as error:
                raise StoreError(str(error)) from error
            self.progress.error = ""
            if busy:
                self._used = time.monotonic()
            elif self._prepared and time.monotonic() - self._used > REST_S:
                self._embedder, self._prepared = self._make(), False  # frees the weights
            return 0.0 if busy else POLL_S

        repeat(turn, stop, Backoff(np.random.default_rng()), self._failing, self._wake)

    def step(self) -> bool:
        """Embed one batch; False when nothing waits."""
        batch = self._take()
        if not batch:
            return False
        self._prepare()
        tasks = [(task, self._data(position)) for task, position in batch]
        known = self._vectors.vector_of_digest
        embedded = embed_all(self._embedder, tasks, self._spec, known=known, media=self._media)
        self._vectors.append([tasks[place][0] for place in embedded.ok], embedded.vectors, embedded.digests)
        with self._lock:
            self.reached = batch[-1][1]
            for task, position in batch:
                if self._pending.get(task) == position:
                    del self._pending[task]
            self.progress.done += len(batch)
            self.progress.total = self.progress.done + len(self._pending)
            self._note(embedded.problems)
        self._save()
        return True

    def _failing(self, error: LabelCueError, seconds: float) -> None:
        self.progress.error = str(error)
        log.warning("embedding failed", error=str(error), again_in_s=round(seconds, 1))

    def _prepare(self) -> None:
        """Some embedders learn from the pool's texts before the first one is embedded."""
        if self._prepared:
            return
        require_fit(self._embedder, self._spec.object)
        with self._lock:
            positions = sorted(self._pending.values())
        every = (self._data(position) for position in positions)
        self._embedder.prepare(self._folder, lambda: texts_of(self._spec, every))
        self._prepared = True

    def _data(self, position: int) -> dict[str, Json]:
        return dict(self._ledger.event(position).body["data"])

    def _take(self) -> list[tuple[TaskId, int]]:
        # Ascending positions, so that one number says what is done.
        with self._lock:
            return sorted(self._pending.items(), key=lambda item: item[1])[:BATCH]

    def _note(self, problems: Mapping[TaskId, str]) -> None:
        self.progress.unreadable += len(problems)
        for task, reason in problems.items():
            if len(self.progress.problems) < MOST_PROBLEMS:
                self.progress.problems[task] = reason

    def _load(self) -> int:
        try:
            kept = json.loads((self._folder / "reached.json").read_text())
            self.progress.unreadable = int(kept["unreadable"])
            self.progress.done = int(kept["done"])
            self.progress.problems = {TaskId(int(task)): str(why) for task, why in kept["problems"].items()}
            return int(kept["position"]) if self._vectors.rows or self.progress.unreadable else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0  # Embedding again is harmless: the digests find what is there.

    def _save(self) -> None:
        kept = {
            "position": self.reached,
            "done": self.progress.done,
            "unreadable": self.progress.unreadable,
            "problems": {str(task): why for task, why in self.progress.problems.items()},
        }
        write_status(self._folder / "reached.json", kept)
