"""One connected project in the learner's process: its rounds, and the threads that feed, follow and deliver them.

ledger ──► Rounds (the learner's thread) ──► snapshot ──► Delivery (thread) ──► Label Studio
 ▲    └──► Instant (thread) ──► head         ▲ vectors
 │                                           └── Ingest (thread)
 └──────── Reconciler (thread) ◄── Label Studio
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import structlog

from labelcue.asking import Asker
from labelcue.consulting import Consultant
from labelcue.cropping import Cropper, CropVectors
from labelcue.delivery import Delivery
from labelcue.embedders import embedders
from labelcue.embedders.images import ImageEmbedder
from labelcue.embedders.marked import reader_of
from labelcue.embedders.words import WIDTH
from labelcue.errors import StoreError
from labelcue.ingest import Ingest
from labelcue.instant import Instant
from labelcue.labels import SPANS
from labelcue.labelstudio.boxes import has_boxes
from labelcue.labelstudio.client import LabelStudio
from labelcue.media import open_media
from labelcue.pool.token_file import TokenFile
from labelcue.pool.vectors import VectorFile
from labelcue.previewing import compare
from labelcue.queueing.comparing import Comparison, questions, reply
from labelcue.queueing.history import base_of
from labelcue.reading import Reading, newest_reader
from labelcue.reconcile import Reconciler
from labelcue.rounds import Rounds
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.facets import write_facets
from labelcue.store.head import write_head
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from labelcue.types import Json, TaskId, TaskSpec

log = structlog.get_logger(__name__)
GROWTH_SHARE = 0.2
"""While tasks are being embedded, rounds on new rows alone take at most this share of the time."""
STATUS_S = 0.5
FACETS_S = 5.0
"""Seconds between two looks at the fields of the tasks, while these change."""
UNTOLD_S = 5.0
"""Seconds until it tells again what a full disk did not take."""


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
        self._reader = newest_reader(ledger, self.number)
        self._tokens = TokenFile(self._folder / "words", self._reader, WIDTH)
        self._tokens.fit(self._vectors.ids)
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
            tokens=self._tokens,
        )
        self._ls = LabelStudio(connection.url, connection.token.get_secret_value())
        self._media = open_media(settings, home.media, self._ls)
        self.reconciler = Reconciler(self._ls, ledger, self.number, settings)
        self.consultant = Consultant(self._ls, ledger, self.number, connection.model, again_s=settings.reconcile_s)
        self.cropper = self._cropper(name)
        self.delivery = Delivery(self._ls, home, self.number, settings, connection, heard=self.rounds.heard_of)
        self.asker = Asker(self._ls, ledger, self.number, base_of(settings, connection), home.insights(self.number))
        self.instant = Instant(
            ledger,
            self.number,
            partial(write_head, home.head(self.number)),
            poll_s=settings.poll_ms / 1000,
        )
        self.reading = Reading(ledger, self._vectors, self._tokens, self._position, self._marked)
        self._ingest: Ingest | None = None
        self._threads: list[threading.Thread] = []
        self._error = ""
        self._told: dict[str, Json] = {}
        self._next_growth = 0.0
        self._told_at = self._facets_at = 0.0
        self._facets = -1

    def start(self) -> None:
        """Come back to the last round, then start the threads."""
        self.rounds.resume()
        self._spawn("reconcile", self.reconciler.run)
        self._spawn("delivery", self.delivery.run)
        self._spawn("asking", self.asker.run)
        if self.connection.model:
            self._spawn("consulting", self.consultant.run)
        if self.cropper is not None:
            self._spawn("cropping", self.cropper.run)
        self._spawn("instant", self.instant.run)
        self._spawn("reading", self.reading.run)
        if self.rounds.snapshot is not None:
            self.delivery.publish(self.rounds.snapshot)

    def step(self, now: float) -> bool:
        """One round if one is due; True if it ran."""
        rounds = self.rounds
        due = rounds.due()
        if self.outdated:
            return False
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

    @property
    def outdated(self) -> bool:
        """Texts are to be read another way now: take the project up anew, so that what was read of them goes."""
        return self.rounds.spec is not None and reader_of(self.rounds.spec) != self._reader

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
        """Write status.json when something changed, and as a sign of life; and the facets of the tasks.

        Where the disk does not take them, the project goes on in silence.
        """
        now = time.monotonic()  # A clock that is set back would silence it for as long.
        if not force and now - self._told_at < STATUS_S:
            return
        try:
            self._tell(now, force)
        except StoreError as error:
            self._told_at = now + UNTOLD_S
            log.warning("status not written", project=self.number, error=str(error), again_in_s=UNTOLD_S)

    def _tell(self, now: float, force: bool) -> None:
        words = self._words()
        if force or words != self._told or now - self._told_at > 5:
            write_status(self._home.status(self.number), {**words, "at": time.time()})
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

    def _cropper(self, name: str) -> Cropper | None:
        """Where another model boxes what an embedder of images reads."""
        if not (self.connection.model and self._settings.crops and isinstance(self._make_embedder(), ImageEmbedder)):
            return None

        def crops() -> CropVectors:
            file = VectorFile(self._folder / "crops", self._vectors.dim, embedder=name)
            return CropVectors(file, lambda: cast("ImageEmbedder", self._make_embedder()), self._media)

        return Cropper(
            self._ledger,
            self.number,
            self._vectors,
            crops,
            most=self._settings.crops,
            busy=lambda: not self._boxes_wait,
        )

    @property
    def _boxes_wait(self) -> bool:
        """Annotators draw boxes, and the images themselves are embedded."""
        spec = self.rounds.spec
        return spec is not None and has_boxes(spec) and self._ingest is not None and self._ingest.idle

    def _position(self, task: TaskId) -> int | None:
        """Where the ledger has the newest data of a task."""
        state = self.rounds.fold.tasks.get(task)
        return None if state is None else state.position

    def _marked(self) -> TaskSpec | None:
        """What the project asks, where that is spans of texts, whose words the rounds need then."""
        spec = self.rounds.spec
        return spec if spec is not None and spec.kind == SPANS and not self.outdated else None

    def _only_growth(self) -> bool:
        growing = self.rounds.heard_waits or (
            self._ingest is not None and not (self._ingest.idle and self.reading.idle)
        )
        return growing and not self.rounds.labels_wait

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
            "reading": self.reading.status() if self._marked() else {},
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
            "crops": self.cropper.status() if self.cropper else {},
            "model": {**self.consultant.status(), "listens": rounds.listens} if self.connection.model else {},
        }

    def _spawn(self, name: str, run: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=run, args=(self.stop,), name=f"{name}-{self.number}", daemon=True)
        thread.start()
        self._threads.append(thread)
