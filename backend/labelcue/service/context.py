"""What the requests of one app share. Everything is opened at first use, and nothing is global."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import structlog

from labelcue.errors import NotFound
from labelcue.service.auth import Guard
from labelcue.service.findings import Findings
from labelcue.service.live import Lives
from labelcue.service.marked import Marked
from labelcue.service.metrics import Metrics
from labelcue.service.writing import Writer
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.head import Head, HeadReader
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import SnapshotReader
from labelcue.types import Event

log = structlog.get_logger(__name__)
NO_VERSION = "cue-0"
"""The version of a project that has had no round yet."""
CUT_OFF_S = 8.0
"""So long work in the background has to end its step when the service closes."""


class Service:
    """Settings, ledger, snapshots and counters. Thread-safe."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.clock = clock
        self.home = Home(settings.home)
        self.guard = Guard(settings, self._renewals)
        self.metrics = Metrics()
        self.heard: dict[int, float] = {}
        """Unix seconds of the last authenticated webhook of each project, since this process started."""
        self.lives = Lives()
        self.marked = Marked()
        self.findings = Findings()
        self._snapshots = SnapshotReader()
        self._heads = HeadReader()
        self._lock = threading.Lock()
        self._ledger: Ledger | None = None
        self._writer = Writer(lambda: self.ledger, settings.busy_ms / 1000)
        self._closing = threading.Event()
        self._behind: list[threading.Thread] = []

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened by the first request that needs it."""
        if self._ledger is None:
            with self._lock:
                if self._ledger is None:
                    self._ledger = open_ledger(self.settings.store_url, self.settings.busy_ms)
        return self._ledger

    def append(self, events: Sequence[Event]) -> None:
        """Store the events; they are on disk when this returns. Raises StoreError, BadRequest, and StoreBusy after
        `busy_ms` at most, whatever the disk does."""
        self._writer.append(events)

    def is_connected(self, project: int) -> bool:
        """Whether `labelcue connect` made this project known."""
        return self.home.connection(project).is_file()

    def require(self, project: int) -> None:
        """Raises NotFound unless the project is connected."""
        if not self.is_connected(project):
            raise NotFound(
                f"Project {project} is not connected.", f"Run `labelcue connect URL --project {project}` first."
            )

    def _renewals(self, project: int) -> int:
        """How often the project's webhook got a new secret; 0 also where the project is not connected."""
        try:
            return Connection.load(self.home.connection(project)).renewals
        except NotFound:
            return 0

    def snapshot(self, project: int) -> Snapshot | None:
        """The project's published round, None before the first. Raises StoreError, Corrupt."""
        return self._snapshots.latest(self.home.snapshot(project))

    def published(self, project: int) -> tuple[Snapshot, Head | None] | None:
        """The published round, and what stands before its order since; None before the first. Raises StoreError,
        Corrupt.

        The head is read first: should a round come between, the head is none of that round's, and left out.
        """
        head, snapshot = self._heads.latest(self.home.head(project)), self.snapshot(project)
        if snapshot is None:
            return None
        return snapshot, head if head is not None and head.belongs(snapshot.round) else None

    def version(self, project: int) -> str:
        """The version of the project's model; `NO_VERSION` also where the project is not connected."""
        snapshot = self.snapshot(project) if self.is_connected(project) else None
        return snapshot.version if snapshot is not None else NO_VERSION

    def wake(self, project: int) -> None:
        """Ask the learner to look for what the webhooks missed: it watches this file."""
        (self.home.project(project) / "wake").touch()

    def behind(self, name: str, steps: Iterator[None]) -> None:
        """Take these steps on a thread of their own, which ends between two of them when the service closes."""
        thread = threading.Thread(target=self._walk, args=(steps,), name=name, daemon=True)
        with self._lock:
            self._behind = [one for one in self._behind if one.is_alive()]
            self._behind.append(thread)
            thread.start()

    def _walk(self, steps: Iterator[None]) -> None:
        for _ in steps:
            if self._closing.is_set():
                return

    def close(self) -> bool:
        """Let go of the ledger, once nobody uses it in the background; whether all of that has ended."""
        self._closing.set()
        deadline = time.monotonic() + CUT_OFF_S
        for thread in self._behind:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [thread.name for thread in self._behind if thread.is_alive()]
        if not self._writer.close(deadline - time.monotonic()):
            late.append("writer")
        if late:  # A ledger may not be closed under whoever uses it.
            log.warning("work in the background is cut off", names=late)
            return False
        with self._lock:
            ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.close()
        return True
