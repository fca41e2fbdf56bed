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
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from labelcue.asking import Asker
from labelcue.delivery import Delivery
from labelcue.embedders import embedders
from labelcue.errors import LabelCueError, LeaseLost, StoreBusy
from labelcue.ingest import Ingest
from labelcue.instant import Instant
from labelcue.labelstudio.client import LabelStudio
from labelcue.media import open_media
from labelcue.offering import catalogue_of
from labelcue.pool.vectors import VectorFile
from labelcue.previewing import compare
from labelcue.queueing.catalogue import write_catalogue
from labelcue.queueing.comparing import Comparison, questions, reply
from labelcue.queueing.history import base_of
from labelcue.reconcile import Reconciler
from labelcue.rounds import Rounds
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.facets import write_facets
from labelcue.store.head import write_head
from labelcue.store.layout import Home
from labelcue.store.status import read_status, write_status
from labelcue.studies import Studies
from labelcue.types import Json

log = structlog.get_logger(__name__)
SCAN_S = 1.0
"""How often connections are looked at."""
GROWTH_SHARE = 0.2
"""While tasks are being embedded, rounds on new rows alone take at most this share of the time."""
STATUS_S = 0.5
FACETS_S = 5.0
"""Seconds between two looks at the fields of the tasks, while these change."""


class Project:
    """One connected project: its rounds and the threads that feed and deliver them."""

    def __init__(self, settings: Settings, home: Home, ledger: Ledger, connection: Connection, holder: str) -> None:
        self.number = connection.project
        self.connection = connection
        self.stop = threading.Event()
        self._settings = settings
        self._home = home
        self._ledger = ledger
        name = embedders.resolve(connection.embedder)
        self._make_embedder = partial(embedders.create, name)
        self._folder = home.vectors(self.number, name)
        self._vectors = VectorFile(self._folder, self._make_embedder().dim, embedder=name)
        self.rounds = Rounds(
            ledger,
            self.number,
            self._vectors,
            home.snapshot(self.number),
            holder=holder,
            embedder=name,
            base=base_of(settings, connection),
            seed=settings.seed,
            head=settings.queue_length,
        )
        self._ls = LabelStudio(connection.url, connection.token.get_secret_value())
        self._media = open_media(settings, home.media, self._ls)
        self.reconciler = Reconciler(self._ls, ledger, self.number, settings)
        self.delivery = Delivery(self._ls, home, self.number, settings, connection)
        self.asker = Asker(self._ls, ledger, self.number, base_of(settings, connection), home.insights(self.number))
        self.instant = Instant(
            ledger,
            self.number,
            partial(write_head, home.head(self.number)),
            poll_s=settings.poll_ms / 1000,
        )
        self._ingest: Ingest | None = None
        self._threads: list[threading.Thread] = []
        self._error = ""
        self._next_growth = 0.0
        self._told: dict[str, Json] = {}
        self._told_at = 0.0
        self._facets = -1
        self._facets_at = 0.0

    def start(self) -> None:
        """Come back to the last round, then start the threads."""
        self.rounds.resume()
        self._spawn("reconcile", self.reconciler.run)
        self._spawn("delivery", self.delivery.run)
        self._spawn("asking", self.asker.run)
        self._spawn("instant", self.instant.run)
        if self.rounds.snapshot is not None:
            self.delivery.publish(self.rounds.snapshot)

    def step(self, now: float) -> bool:
        """One round if one is due; True if it ran."""
        rounds = self.rounds
        due = rounds.due()
        self._feed_ingest()
        if not due or (self._only_growth() and now < self._next_growth):
            return False
        self.stop.wait(self._settings.debounce_ms / 1000)
        snapshot = rounds.run()
        self.instant.begin(snapshot.round, rounds.standby(self._settings.queue_length), rounds.spec)
        self._next_growth = time.monotonic() + rounds.seconds / GROWTH_SHARE
        self.delivery.publish(snapshot)
        self._error = ""
        log.info(
            "round",
            project=self.number,
            round=snapshot.round.number,
            full=snapshot.round.full,
            labels=snapshot.labels,
            tasks=len(snapshot.ids),
            ms=round(1000 * rounds.seconds, 1),
        )
        return True

    def answer(self) -> None:
        """Say what other settings would do, where somebody asked."""
        folder = self._home.project(self.number)
        for number, question in questions(folder):
            nonsense = Comparison(a=None, b=None, overlap=0, error="The question could not be read.")
            reply(folder, number, compare(self.rounds, question) if question is not None else nonsense)

    def fail(self, error: Exception) -> None:
        """Keep the reason for status pages."""
        self._error = f"{type(error).__name__}: {error}"

    def tell(self, *, force: bool = False) -> None:
        """Write status.json when something changed, and as a sign of life; and the facets of the tasks."""
        now = time.time()
        if not force and now - self._told_at < STATUS_S:
            return
        words = self._words()
        if force or words != self._told or now - self._told_at > 5:
            write_status(self._home.status(self.number), {**words, "at": now})
            self._told, self._told_at = words, now
        if self.rounds.fold.facets.changes != self._facets and (force or now - self._facets_at > FACETS_S):
            self._facets, self._facets_at = self.rounds.fold.facets.changes, now
            write_facets(self._home.facets(self.number), self.rounds.fold.facets)

    def close(self) -> None:
        """Stop the threads and wait for them."""
        self.stop.set()
        self.reconciler.wake.set()
        self.delivery.wake.set()
        self.instant.wake.set()
        self.rounds.growing.stop()
        for thread in self._threads:
            thread.join(timeout=8)
        self.tell(force=True)
        self._media.close()
        self._ls.close()

    def _feed_ingest(self) -> None:
        spec = self.rounds.spec
        if spec is None:
            return
        if self._ingest is None:
            ingest = Ingest(self._ledger, self._vectors, self._make_embedder, spec, self._folder, self._media)
            self._ingest = ingest
            ingest.offer({task: state.position for task, state in self.rounds.fold.tasks.items()})
            self.rounds.take_touched()
            self._spawn("ingest", ingest.run)
            return
        touched = self.rounds.take_touched()
        tasks = self.rounds.fold.tasks
        self._ingest.offer({task: tasks[task].position for task in touched if task in tasks})
        for task in touched - tasks.keys():
            self._ingest.withdraw(task)

    def _only_growth(self) -> bool:
        return self._ingest is not None and not self._ingest.idle and not self.rounds.labels_wait

    def _words(self) -> dict[str, Json]:
        rounds = self.rounds
        snapshot = rounds.snapshot
        return {
            "pid": os.getpid(),
            "error": self._error,
            "config_error": rounds.config_error,
            "gone": rounds.fold.gone,
            "position": rounds.fold.position,
            "tasks": len(rounds.fold.tasks),
            "annotations": len(rounds.fold.annotations),
            "embedding": self._ingest.progress.as_dict() if self._ingest else {},
            "annotation_problems": {str(task): why for task, why in list(rounds.problems.items())[:100]},
            "round": {
                "number": snapshot.round.number,
                "seconds": round(rounds.seconds, 4),
                "labelled": snapshot.labels,
                "held_out": snapshot.held_out,
                "trained": snapshot.trained,
                "strategy": snapshot.round.strategy,
            }
            if snapshot
            else {},
            "graph": rounds.growing.words,
            "settings": rounds.version.number,
            "settled": not rounds.labels_wait,
            "reconcile": self.reconciler.status(),
            "delivery": self.delivery.status(),
            "opinions": self.asker.status(),
        }

    def _spawn(self, name: str, run: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=run, args=(self.stop,), name=f"{name}-{self.number}", daemon=True)
        thread.start()
        self._threads.append(thread)


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
                status = self.home.status(number)
                write_status(status, {**read_status(status), "error": str(error), "at": time.time()})
        self._pass_on_wakes()

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
        self.ledger.relinquish(number, self.holder)
        log.info("project let go", project=number)

    def _step(self, number: int) -> bool:
        project = self.projects[number]
        backoff = self._backoff.setdefault(number, Backoff())
        if number in self._lost or time.monotonic() < backoff.until:
            return False
        try:
            worked = project.step(time.monotonic())
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
