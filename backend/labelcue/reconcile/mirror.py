"""The ledger's side of a reconcile: what it holds of one project, compared with what Label Studio shows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from labelcue.labelstudio.values import timestamp
from labelcue.store.base import Ledger
from labelcue.store.fold import AnnotationState, Fold, TaskState, stamp
from labelcue.types import Event, Json, Kind, TaskId

BATCH = 200
"""Events in one transaction, at most."""
BATCH_CHARACTERS = 500_000
"""Text in one transaction, about: the append stays in the low milliseconds, and a webhook's append never waits long."""
INSISTENCE = 3
"""How often, in one process, the ledger is told once more of what it has buried."""

_FIRST_DAY = "1970-01-01T00:00:00.000000Z"
Counters: TypeAlias = tuple[int, int, int]
"""Tasks, annotations, skips."""


class Mirror:
    """A fold that follows the ledger, and appends to it. One thread at a time.

    `on_append` is called with every event that was stored; it may raise to stop.
    """

    def __init__(self, ledger: Ledger, project: int, on_append: Callable[[Event], None]) -> None:
        self._ledger = ledger
        self._project = project
        self._on_append = on_append
        self.fold = Fold()
        self._config_moment = ""
        """The latest time that a label config was stamped with."""
        self._seen: dict[TaskId, str] = {}
        """When a task had last changed when it was read whole, where the fold says something else."""
        self._doubted: dict[TaskId, str] = {}
        """Tasks with annotations that are older than they: when each had last changed when it was read whole."""
        self._said: Counter[str] = Counter()
        """How often each key of something buried was insisted on."""

    def catch_up(self) -> None:
        """Fold what is new in the ledger."""
        for event in self._ledger.read(self._project, after=self.fold.position):
            self.fold.apply(event)
            if event.kind is Kind.TASK_DELETED:  # It may be late news of another task that had this id.
                self.forget([TaskId(event.body["task"])])
            if event.kind is Kind.LABEL_CONFIG:
                self._config_moment = max(self._config_moment, str(event.body["updated_at"]))

    def config_moment(self, now: datetime) -> str:
        """A time for a label config that is newer than all we know, whosever clock stamped those."""
        known = datetime.fromisoformat(f"{(self._config_moment or _FIRST_DAY).removesuffix('Z')}+00:00")
        return max(now, known + timedelta(microseconds=1)).isoformat()

    def counters(self) -> Counters:
        """What Label Studio's counters should say."""
        skips = sum(state.cancelled for state in self.fold.annotations.values())
        return len(self.fold.tasks), len(self.fold.annotations) - skips, skips

    def differs(self, outline: Json) -> bool:
        """Whether a task's outline says anything else than the fold, or than the task did when it was read last."""
        task = TaskId(outline["id"])
        state = self.fold.tasks.get(task)
        known = self._seen.get(task, state.updated_at if state else None)
        mine = self.fold.of_task(task)
        skips = sum(one.cancelled for one in mine)
        counts = (outline.get("total_annotations") or 0, outline.get("cancelled_annotations") or 0)
        return known != moment(outline) or counts != (len(mine) - skips, skips) or self._is_doubtful(outline, mine)

    def _is_doubtful(self, outline: Json, mine: Sequence[AnnotationState]) -> bool:
        """Whether an annotation is older than its task, until that was read whole: it may be of one that had the id
        before, where the news of its end were lost, and hide in the counts one that an import brought."""
        task, began = TaskId(outline["id"]), stamp(outline.get("created_at"), "").instant
        if not any(0 <= stamp(one.updated_at, "").instant < began for one in mine):
            return False
        return self._doubted.setdefault(task, "") != moment(outline)

    def note_read(self, task: TaskId, when: str) -> None:
        """The task was read whole, and had last changed at `when`."""
        if task in self._doubted:
            self._doubted[task] = when
        state = self.fold.tasks.get(task)
        if state is not None and state.updated_at == when:
            self._seen.pop(task, None)  # saves memory: the fold says the same
        else:
            self._seen[task] = when

    def forget(self, tasks: Sequence[TaskId]) -> None:
        """These are gone."""
        for task in tasks:
            self._seen.pop(task, None)
            self._doubted.pop(task, None)

    def holds(self, event: Event) -> bool:
        """Whether the fold stands where this event says, under the event's own key or one that `insist` made."""
        state = self._state(event)
        if isinstance(state, AnnotationState) and state.task != event.body["task"]:
            return False
        return state is not None and f"{state.key}:".startswith(f"{event.key}:")

    def append(self, events: Sequence[Event]) -> None:
        """Store in short transactions, with a breath between them for others who write. Raises StoreError."""
        for batch in _batches(events):
            self._ledger.append(batch)
            for event in batch:
                self._on_append(event)
            if len(events) > len(batch):
                time.sleep(0.001)

    def bury(self, deletions: Sequence[Event]) -> None:
        """Append deletions, also of an id that was deleted, lived again and was deleted once more."""
        self.append(deletions)
        self.catch_up()
        alive = [(event, self._state(event)) for event in deletions]
        self.append(
            [replace(event, key=f"{event.key}:{state.position}") for event, state in alive if state is not None]
        )
        self.catch_up()

    def _state(self, event: Event) -> TaskState | AnnotationState | None:
        """What the fold has of the task or annotation that the event is about."""
        if "annotation" in event.body:
            return self.fold.annotations.get(int(event.body["annotation"]))
        return self.fold.tasks.get(TaskId(event.body["task"]))

    def insist(self, events: Sequence[Event]) -> list[Event]:
        """Append what the ledger took for a repetition; those that it does not hold afterwards.

        A task whose data went from A to B and back to A has a key that is stored already; so has an annotation that
        'Remove duplicated tasks' moved. On SQLite, Label Studio gives the ids of deleted tasks to the next import:
        `again` says that the id lives once more.
        """
        self._say_again(events)
        # Said so before, and buried since by news that came late: that key is stored, and the id lives all the same.
        for kind in (Kind.TASK, Kind.ANNOTATION):  # An annotation lives on a task.
            lost = [event for event in events if event.kind is kind and self._is_buried(event)]
            self._said.update(event.key for event in lost)
            self._say_again(lost, f":{self.fold.position}")
        return [event for event in events if not self.holds(event)]

    def _say_again(self, events: Sequence[Event], mark: str = "") -> None:
        self.append(
            [
                replace(
                    event,
                    key=f"{event.key}:{event.body['updated_at']}:{event.body['task']}{mark}",
                    body={**event.body, "again": True},
                )
                for event in events
            ]
        )
        self.catch_up()

    def _is_buried(self, event: Event) -> bool:
        """Whether the fold has none of what the event is about, but could; a few times for each, and not for ever."""
        on_dead_task = event.kind is Kind.ANNOTATION and self.fold.is_dead(TaskId(event.body["task"]))
        return self._state(event) is None and not on_dead_task and self._said[event.key] < INSISTENCE


def moment(row: Json) -> str:
    """When a task last changed, canonical, so that text order is time order. Raises BadRequest."""
    return timestamp(str(row["updated_at"]))


def _batches(events: Sequence[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    characters = 0
    for event in events:
        size = len(str(event.body))
        if batch and (len(batch) >= BATCH or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(event)
        characters += size
    if batch:
        yield batch
