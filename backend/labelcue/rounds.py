"""One project's rounds: fold of the ledger → engine → snapshot.

A round's inputs are a ledger record, written before the round runs. So a learner that dies at any moment leaves either
the record or nothing, and the next one replays: from the snapshot where it is whole, else from the last full round,
which depends on nothing before it. The same records give the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from labelcue.engine import Cue
from labelcue.errors import Corrupt, LabelCueError, NotFound
from labelcue.feeding import Feed
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.judging import with_verdicts
from labelcue.pool.growing import Growing
from labelcue.pool.standby import Standby
from labelcue.pool.token_file import TokenFile
from labelcue.pool.vectors import VectorFile
from labelcue.publishing import draws_of, outcome_of, published, sha, snapshot_of
from labelcue.queueing.history import Version, versions_of
from labelcue.queueing.settings import QueueSettings
from labelcue.store.base import Ledger
from labelcue.store.choices import CHOICES
from labelcue.store.fold import Fold
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import write_snapshot
from labelcue.surrogates import surrogates
from labelcue.types import Event, Json, Kind, Ranked, Round, TaskId, TaskSpec
from labelcue.understudies import able

log = structlog.get_logger(__name__)
HEARD = (Kind.PREDICTION, Kind.CROPS)
QUIET = (Kind.LEASE, Kind.RELEASE, Kind.SECOND_OPINION, Kind.DRAW, *HEARD)
"""No news that somebody waits for: the queue was made as if its head were taken, second opinions have a queue of their
own, draws are its own, and what another model says comes by the thousand."""


class Rounds:
    """Keeps the engine equal to the ledger and publishes a snapshot a round. Not thread-safe: one thread a project."""

    def __init__(
        self,
        ledger: Ledger,
        project: int,
        vectors: VectorFile,
        path: Path,
        *,
        holder: str,
        embedder: str,
        base: QueueSettings,
        seed: int = 0,
        head: int = 400,
        clock: Callable[[], float] = time.time,
        tokens: TokenFile | None = None,
    ) -> None:
        """`tokens` of the rows of `vectors`, for labels that are spans; a row counts for these when it is in both."""
        self._ledger = ledger
        self._project = project
        self._vectors = vectors
        self._path = path
        self._holder = holder
        self._embedder = embedder
        self._base = base
        self.version = Version(0, base)
        """The settings of the queue as the ledger has them."""
        self._seed, self._head = seed, head
        self._clock = clock
        self.fold = Fold()
        self.last: Round | None = None
        self.snapshot: Snapshot | None = None
        self.seconds = 0.0
        """Duration of the last round, from its first look at the ledger to the snapshot on disk."""
        self.growing = Growing(vectors.path / "graph.npz")
        self.config_error = ""
        self._feed = Feed(project, self.fold, vectors, self.growing.graph, ledger.event, tokens)
        self._cue: Cue | None = None
        self._spec: TaskSpec | None = None
        self._parsed = ""
        self._touched: set[TaskId] = set()
        self._full_labels = self._full_requests = 0

    @property
    def spec(self) -> TaskSpec | None:
        """The task's specification by the newest label config; None before there is one that we can learn."""
        return self._spec

    @property
    def problems(self) -> dict[TaskId, str]:
        """Tasks whose annotations cannot be used, and why."""
        return self._feed.teller.problems

    def catch_up(self, upto: int | None = None) -> set[TaskId]:
        """Fold the events that are new; the tasks that they touched."""
        touched: set[TaskId] = set()
        drawn: set[TaskId] = set()
        heard: set[TaskId] = set()
        for event in self._ledger.read(self._project, after=self.fold.position, upto=upto):
            changed = self.fold.apply(event)
            if event.kind not in QUIET:
                touched |= changed
            elif event.kind is Kind.DRAW:
                drawn |= changed
            elif event.kind in HEARD:
                heard |= changed
            if event.kind in CHOICES:
                self.version = versions_of(self.fold.choices, self._base)[-1]
        if self.fold.label_config and self.fold.label_config != self._parsed:
            self._parsed = self.fold.label_config
            self._spec = self._parse(self._parsed)
        self._feed.note(touched, drawn, heard)
        self._touched |= touched
        return touched

    def take_touched(self) -> set[TaskId]:
        """Every task that an event touched since the last call, for those that embed."""
        touched, self._touched = self._touched, set()
        return touched

    @property
    def heard_waits(self) -> bool:
        """Another model has said something since the last round, and the surrogate listens."""
        return bool(self._feed.heard) and self.listens

    @property
    def listens(self) -> bool:
        """Whether the surrogate takes what another model says."""
        return surrogates.create(self._chosen()[2]).listens

    def heard_of(self, task: TaskId) -> Event | None:
        """What another model said last of a task, and crops of that. May be called from any thread."""
        state, crops = self.fold.prediction_of(task), self.fold.crops_of(task)
        if state is None:
            return None
        return with_verdicts(self._ledger.event(state.position), self._ledger.event(crops.position) if crops else None)

    @property
    def labels_wait(self) -> bool:
        """Known tasks were touched since the last round: somebody waits for it."""
        return bool(self._feed.pending)

    def resume(self) -> None:
        """Come back to where the ledger's rounds stand, bit for bit."""
        if not (records := self._ledger.rounds(self._project)):
            return
        self._feed.first = records[0].position
        records = records[max(place for place, record in enumerate(records) if record.full) :]
        self.catch_up(records[0].position)
        relearned = self._spec is not None and surrogates.create(records[0].surrogate).kind != self._spec.kind
        if relearned or max(record.rows for record in records) > self._feed.kept(records):
            log.warning("other controls are learned" if relearned else "vectors are gone", project=self._project)
            self.last = records[-1]  # Nothing can be replayed; without a snapshot, the next round is a full one.
            return
        snapshot = published(self._path, records, self._vectors.rows)
        served = snapshot.round.rows if snapshot else records[0].rows
        self.growing.resume(self._vectors.vectors[:served])
        if snapshot is not None:
            self._restore(records[0], snapshot)
            records = [record for record in records if record.number > snapshot.round.number]
        for record in records:
            self.catch_up(record.position)
            self._execute(record)
            log.info("round replayed", project=self._project, round=record.number)

    def due(self) -> bool:
        """Something that a round would change has happened since the last one. Cheap; folds what is new."""
        if self._ledger.position(self._project) > self.fold.position:
            self.catch_up()
        if self._spec is None or self.fold.gone or not self._feed.ready(self._spec):
            return False
        return (
            bool(self._feed.pending)
            or self._feed.ready(self._spec) > self._feed.rows
            or self.heard_waits
            or self._needs_full(*self._chosen())
            or (self.last is not None and self.last.levers != self.version.settings.levers)
        )

    def run(self) -> Snapshot:
        """One round on everything that is known now: recorded, computed, published."""
        start = time.perf_counter()
        self.catch_up()
        name, params, surrogate = self._chosen()
        full = self.last is None or self._needs_full(name, params, surrogate)
        number = self.last.number + 1 if self.last else 1
        record = Round(
            project=self._project,
            number=number,
            position=self.fold.position,
            rows=self._feed.ready(self._spec),
            embedder=self._embedder,
            strategy=name,
            params=params,
            seed=self._seed + number,
            full=full,
            at=self._clock(),
            surrogate=surrogate,
            levers=self.version.settings.levers,
        )
        self._feed.first = self._feed.first or record.position
        self._ledger.add_round(record, self._holder)
        snapshot = self._execute(record)
        self.seconds = time.perf_counter() - start
        return snapshot

    def _execute(self, record: Round) -> Snapshot:
        if self._spec is None:
            raise Corrupt(
                f"Round {record.number} of project {record.project} was recorded without a label config.",
                "Connect the project again: `labelcue connect`.",
            )
        if record.full or self._cue is None:
            self._cue = self._feed.rebuild(record, self._spec)
        else:
            self._feed.feed(self._cue, record, self._spec)
        outcome = self._cue.round(record.seed, record.full, self._head)
        self._note_draws(record, self._cue)
        self.last = record
        if record.full:
            self._full_labels, self._full_requests = outcome.labelled, self.fold.train_requests
        self.snapshot = snapshot_of(record, self._cue, outcome, self._spec, self._head)
        write_snapshot(self._path, self.snapshot)
        return self.snapshot

    def _note_draws(self, record: Round, cue: Cue) -> None:
        """A draw is in the ledger before it is published, so that its label counts as what it is, whichever round
        serves it."""
        events = draws_of(record, cue, self.fold)
        if events:  # A replay finds them there.
            known = {one.key for one in self._ledger.read(self._project, after=record.position, kinds=(Kind.DRAW,))}
            self._ledger.append([event for event in events if event.key not in known])

    def _restore(self, full: Round, snapshot: Snapshot) -> None:
        """The state after the snapshot's round, as if this process had run it."""
        self.catch_up(full.position)
        if self._spec is None:
            return
        self._full_requests = self.fold.train_requests
        rows = set(self._feed.ids(0, full.rows))
        self._full_labels = sum(
            self._feed.teller.is_learned(task, self._spec) for task in self._feed.teller.annotated() & rows
        )
        self.catch_up(snapshot.round.position)
        self._cue = self._feed.rebuild(snapshot.round, self._spec)
        self._cue.restore(outcome_of(snapshot))
        self.last, self.snapshot = snapshot.round, snapshot

    def _needs_full(self, name: str, params: Mapping[str, Json], surrogate: str) -> bool:
        last, snapshot = self.last, self.snapshot
        if last is None or snapshot is None or self._spec is None:
            return True
        return (
            self.fold.train_requests > self._full_requests
            or (last.strategy, dict(last.params)) != (name, params)
            or last.surrogate != surrogate
            or last.embedder != self._embedder
            or self._spec.classes[: len(snapshot.classes)] != snapshot.classes
            or snapshot.config_sha != sha(self._spec.xml)
            or (snapshot.labelled >= 8 and snapshot.labelled >= 2 * self._full_labels)
        )

    def standby(self, places: int) -> Standby | None:
        """The head of the latest queue, ready to be placed anew in another thread; None where that cannot be."""
        return self._cue.standby(places) if self._cue is not None else None

    def preview(self, settings: QueueSettings, places: int) -> tuple[str, list[Ranked]]:
        """The strategy and the first places that these settings would give now; nothing of the project changes.

        Takes about two rounds. Raises NotFound before the first round, UnknownName, BadRequest.
        """
        if self.last is None or self.snapshot is None or self._cue is None or self._spec is None:
            raise NotFound(f"Project {self._project} has had no round yet.", "Wait for the learner; `labelcue status`.")
        name, params, surrogate = self._able(settings)
        cue = self._feed.copy(
            self._cue, settings.levers, strategy=name, seed=self.last.seed, params=params, surrogate=surrogate
        )
        cue.restore(outcome_of(self.snapshot))
        cue.round(self.last.seed, head=places)
        return name, cue.rank(places)

    def _chosen(self) -> tuple[str, dict[str, float], str]:
        return self._able(self.version.settings)

    def _able(self, settings: QueueSettings) -> tuple[str, dict[str, float], str]:
        return able(settings, self._spec, lambda: self.growing.ready(self._vectors.vectors))

    def _parse(self, xml: str) -> TaskSpec | None:
        try:
            return parse_config(xml)
        except LabelCueError as error:
            self.config_error = str(error)
            log.warning("label config not supported", project=self._project, error=str(error))
            return None
