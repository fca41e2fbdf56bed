"""What happened to a project's tasks since its round, by the ledger: leases, solved and deleted tasks; and what stands
however old it is: levers, the label config, and who has labelled what."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from labelcue.service.opinions import FOLLOWED, LEVERS, Opinions
from labelcue.store.base import Ledger
from labelcue.store.fold import Stamp, stamp
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Kind, TaskId, UserId

REMEMBERED = 10_000
"""Annotations of which it is remembered where in the ledger they stand."""
SKEW_S = 60.0
"""A clock that is set right now and then may be so much ahead."""
LASTING = (Kind.LEASE, Kind.RELEASE, Kind.LABEL_CONFIG, *FOLLOWED)
"""What counts however long ago it was said."""


class _Held(NamedTuple):
    """A lease."""

    expires: float
    seconds: float
    """For so long it was given."""

    def stands(self, now: float) -> bool:
        """Not where it began in the future: the clock was set back since, and it would last as much longer."""
        return self.expires - self.seconds - SKEW_S <= now < self.expires


class Live:
    """Follows one project's ledger from its round on, its leases and opinions from the beginning. Thread-safe."""

    def __init__(self, project: int) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._position: int | None = None
        self._leases: dict[TaskId, dict[UserId | None, _Held]] = {}
        self._solved: dict[TaskId, int] = {}
        """Tasks that are annotated, skipped, held back or deleted, and the position of the event that says so."""
        self._levers: dict[TaskId, Kind] = {}
        self._config: tuple[Stamp, str] | None = None
        self._made: OrderedDict[int, tuple[int, TaskId]] = OrderedDict()
        """Annotation -> its position and task."""
        self._opinions = Opinions()

    def follow(self, ledger: Ledger, round_position: int) -> None:
        """Read what is new, and forget what the round at `round_position` knows. Raises StoreError."""
        with self._lock:
            if self._position is None:
                self._begin(ledger, round_position)
                self._position = round_position
            for event in ledger.read(self._project, after=self._position):
                self._take(event)
                self._position = event.position
            self._solved = {task: at for task, at in self._solved.items() if at > round_position}

    def knows(self, annotation: int, round_position: int) -> bool:
        """Whether the round at `round_position` contains the annotation, as far as is remembered."""
        made = self._made.get(annotation)
        return made is not None and made[0] <= round_position

    @property
    def label_config(self) -> str | None:
        """The label config's XML, None before the first was told."""
        return self._config[1] if self._config else None

    def lever(self, task: TaskId) -> Kind | None:
        """PIN or HOLD, where an admin put the task first or holds it back."""
        return self._levers.get(task)

    def is_open(self, task: TaskId, user: UserId, now: float) -> bool:
        """Whether nobody solved it since the round, and nobody else holds it at `now` (Unix seconds)."""
        held = self._leases.get(task, {})
        return task not in self._solved and not any(
            holder != user and lease.stands(now) for holder, lease in list(held.items())
        )

    def second(self, snapshot: Snapshot, user: UserId, overlap: int, now: float, limit: int) -> dict[TaskId, str]:
        """The first of the second queue for this user, with reasons, where `overlap` annotations complete a task."""
        with self._lock:
            holders = {
                task: [user for user, lease in held.items() if lease.stands(now)] for task, held in self._leases.items()
            }
            return dict(islice(self._opinions.queue(snapshot, user, overlap, holders), limit))

    def is_begun(self, task: TaskId) -> bool:
        """Whether somebody has labelled or skipped it."""
        return self.wanted(task) > 0

    def wanted(self, task: TaskId) -> int:
        """By how many annotators the task is labelled after one more opinion; 0 where nobody has even skipped it."""
        with self._lock:
            return 0 if self._opinions.is_deleted(task) else self._opinions.wanted(task)

    def is_deleted(self, task: TaskId) -> bool:
        """Whether the ledger says so."""
        with self._lock:
            return self._opinions.is_deleted(task)

    def _begin(self, ledger: Ledger, round_position: int) -> None:
        deleted = 0
        for event in ledger.read(self._project, upto=round_position, kinds=LASTING):
            if event.kind is Kind.TASK_DELETED:
                deleted = deleted or event.position
            self._take(event)
        if deleted:  # only after a deletion can an id have come to life again
            for event in ledger.read(self._project, after=deleted, upto=round_position, kinds=(Kind.TASK,)):
                self._opinions.take(event)

    def _take(self, event: Event) -> None:
        self._opinions.take(event)
        body, kind = event.body, event.kind
        self._note(event)
        if kind is Kind.LEASE:
            lease = _Held(float(body["expires"]), float(body.get("seconds", math.inf)))
            self._leases.setdefault(TaskId(body["task"]), {})[body["user"]] = lease
        elif kind is Kind.RELEASE:
            self._free(TaskId(body["task"]), body["user"])
        elif kind is Kind.ANNOTATION:
            task = TaskId(body["task"])
            self._solved[task] = event.position
            self._made[int(body["annotation"])] = (event.position, task)
            if len(self._made) > REMEMBERED:
                self._made.popitem(last=False)
            self._free(task, body["user"])
        elif kind is Kind.ANNOTATION_DELETED:
            _, deleted = self._made.get(int(body["annotation"]), (0, None))
            if deleted is not None:
                self._solved.pop(deleted, None)
        elif kind is Kind.HOLD:
            self._solved[TaskId(body["task"])] = event.position
        elif kind is Kind.TASK_DELETED:
            self._solved[TaskId(body["task"])] = event.position
            self._leases.pop(TaskId(body["task"]), None)

    def _note(self, event: Event) -> None:
        """What stands until something else is said."""
        if event.kind in LEVERS:
            self._levers[TaskId(event.body["task"])] = event.kind
        elif event.kind is Kind.LABEL_CONFIG:
            # The latest by what it says itself, as the fold has it, not by when it was told.
            told = stamp(event.body["updated_at"], event.key), str(event.body["label_config"])
            self._config = max(self._config, told) if self._config else told

    def _free(self, task: TaskId, user: UserId | None) -> None:
        held = self._leases.get(task)
        if held is not None and held.pop(user, None) is not None and not held:
            del self._leases[task]


class Lives:
    """One `Live` a project, made at first use. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, Live] = {}

    def of(self, project: int) -> Live:
        """The project's."""
        with self._lock:
            return self._known.setdefault(project, Live(project))
