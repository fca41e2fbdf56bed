"""The learner's process: every connected project's rounds in one thread, its helpers in threads of their own.

    ledger ──► Rounds (this thread, projects take turns) ──► snapshot ──► Delivery (thread) ──► Label Studio
       ▲          ▲ vectors
       │          └── Ingest (thread)
       └───────────── Reconciler (thread) ◄── Label Studio

One learner a project: it holds a lease in the ledger, which a thread renews; whoever loses it stops at once.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from labelcue.errors import LabelCueError, LeaseLost, StoreBusy, StoreError
from labelcue.offering import catalogue_of
from labelcue.project import Project
from labelcue.queueing.catalogue import write_catalogue
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.status import read_status, write_status
from labelcue.studies import Studies

log = structlog.get_logger(__name__)
SCAN_S = 1.0
"""How often connections are looked at."""


@dataclass
class Backoff:
    """Seconds to wait after the n-th failure in a row."""

    failures: int = 0
    until: float = 0.0

    def failed(self, now: float) -> float:
        """Count a failure; the seconds until the next try."""
        self.failures += 1
        pause = min(60.0, 0.5 * 2.0**self.failures)
        self.until = now + pause
        return pause


@dataclass
class Learner:
    """All connected projects. `run` returns when `stop` is set."""

    settings: Settings
    home: Home
    ledger: Ledger
    holder: str = field(default_factory=lambda: f"{os.uname().nodename}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
    projects: dict[int, Project] = field(default_factory=dict)
    _backoff: dict[int, Backoff] = field(default_factory=dict)
    _lost: set[int] = field(default_factory=set)
    _wakes: dict[Path, float] = field(default_factory=dict)
    studies: Studies = field(init=False)

    def __post_init__(self) -> None:
        self.studies = Studies(self.settings)

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop`, then give every project back."""
        write_catalogue(self.home.catalogue, catalogue_of(self.settings.strategy, self.settings.surrogate))
        renewer = threading.Thread(target=self._renew, args=(stop,), name="leases", daemon=True)
        renewer.start()
        scanned = 0.0
        try:
            while not stop.is_set():
                now = time.monotonic()
                if now - scanned >= SCAN_S:
                    self._scan(now)
                    scanned = now
                worked = [self._step(number) for number in list(self.projects)]
                self.studies.step(self._rounds())
                if not any(worked):
                    stop.wait(self.settings.poll_ms / 1000)
        finally:
            stop.set()
            self.studies.stop()
            for number in list(self.projects):
                self._drop(number)
            renewer.join(timeout=5)

    def _rounds(self) -> dict[int, int]:
        """The latest round of each project that has one."""
        return {number: one.rounds.last.number for number, one in self.projects.items() if one.rounds.last is not None}

    def _scan(self, now: float) -> None:
        """Take up new connections, let go of those that changed or are gone, pass on requests to reconcile."""
        connected = {number: self.home.connection(number) for number in self.home.projects()}
        for number in self._lost | (self.projects.keys() - connected.keys()):
            self._drop(number)
        self._lost.clear()
        for number, path in connected.items():
            if now < self._backoff.setdefault(number, Backoff()).until:
                continue
            try:
                connection = Connection.load(path)
                running = self.projects.get(number)
                if running is not None and running.connection != connection:
                    self._drop(number)
                if number not in self.projects and self.ledger.acquire(number, self.holder, self.settings.lease_s):
                    self._take(connection)
            except (LabelCueError, OSError) as error:
                self._failed(number, error)
                self._note(number, error)
        self._pass_on_wakes()

    def _note(self, number: int, error: Exception) -> None:
        """For status pages, of a project that could not be taken up."""
        path = self.home.status(number)
        try:
            write_status(path, {**read_status(path), "error": str(error), "at": time.time()})
        except LabelCueError as unsaid:
            log.warning("status not written", project=number, error=str(unsaid))

    def _take(self, connection: Connection) -> None:
        project = Project(self.settings, self.home, self.ledger, connection, self.holder)
        self.projects[connection.project] = project
        log.info("project taken", project=connection.project, holder=self.holder)
        try:
            project.start()
        except Exception:
            self._drop(connection.project)
            raise
        project.tell(force=True)

    def _drop(self, number: int) -> None:
        project = self.projects.pop(number, None)
        if project is None:
            return
        project.close()
        try:
            self.ledger.relinquish(number, self.holder)
        except StoreError as error:  # It ends by itself.
            log.warning("lease not given back", project=number, error=str(error))
        log.info("project let go", project=number)

    def _step(self, number: int) -> bool:
        project = self.projects[number]
        backoff = self._backoff.setdefault(number, Backoff())
        if number in self._lost or time.monotonic() < backoff.until:
            return False
        try:
            worked = project.step(time.monotonic())
            if project.outdated:
                self._lost.add(number)
                return False
            project.answer()
            backoff.failures = 0 if worked else backoff.failures
        except LeaseLost as error:
            log.warning("project lost to another learner", project=number, error=str(error))
            self._lost.add(number)
            return False
        except StoreBusy as error:
            self._failed(number, error)
            return False
        except Exception as error:  # one project's fault never stops the others
            self._failed(number, error)
            project.fail(error)
            self._lost.add(number)  # the round may be recorded and not run: taking the project up again replays it
            worked = False
        project.tell()
        return worked

    def _failed(self, number: int, error: Exception) -> None:
        pause = self._backoff.setdefault(number, Backoff()).failed(time.monotonic())
        known = isinstance(error, LabelCueError)
        log.error("round failed", project=number, error=str(error), again_in_s=pause, exc_info=not known)

    def _renew(self, stop: threading.Event) -> None:
        while not stop.wait(self.settings.lease_s / 4):
            for number in list(self.projects):
                try:
                    if not self.ledger.acquire(number, self.holder, self.settings.lease_s):
                        self._lost.add(number)
                except LabelCueError as error:
                    log.warning("lease not renewed", project=number, error=str(error))

    def _pass_on_wakes(self) -> None:
        for number, project in self.projects.items():
            path = self.home.project(number) / "wake"
            try:
                asked = path.stat().st_mtime
            except FileNotFoundError:
                continue
            if asked > self._wakes.get(path, 0.0):
                self._wakes[path] = asked
                project.reconciler.wake.set()
