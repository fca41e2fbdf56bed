"""Label Studio's side of a reconcile: finds what differs from the ledger and records it.

A deletion is never concluded from one look: what a listing no longer shows is asked for by id. And what is compared
was known before the look began, so that news that arrives meanwhile is never taken for a loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from labelcue.errors import BadRequest
from labelcue.labelstudio import events
from labelcue.labelstudio.client import LabelStudio
from labelcue.reconcile.mirror import Counters, Mirror, moment
from labelcue.types import Event, Json, Kind, TaskId

log = structlog.get_logger(__name__)

OUTLINE = ("id", "created_at", "updated_at", "total_annotations", "cancelled_annotations")
WHOLE = (
    *("id", "data", "annotations", "created_at", "updated_at", "project"),
    *("task", "completed_by", "was_cancelled", "result"),  # of the annotations: Label Studio filters their keys, too
)
OUTLINE_PAGE = 2500
CHANGED_PAGE = 1000
"""More changes than this since the last look are found by comparing everything, in an order that cannot shift."""
CHUNK = 200
"""Tasks that are read whole in one request."""
OVERLAP = timedelta(seconds=30)
"""How far a look goes back behind the last change: a transaction shows its times only when it ends, this much later."""
LOOKS = 3
"""How often counters are read before a difference counts: they and the ledger are not read at one moment."""
LOGGED = 20
"""Problems that get a line in the log each; the report and the status have more."""
SAME: Counters = (0, 0, 0)


@dataclass(slots=True)
class Report:
    """What one poll found. Updates count as new."""

    events: int = 0
    """Events appended."""
    tasks_new: int = 0
    tasks_gone: int = 0
    annotations_new: int = 0
    annotations_gone: int = 0
    config_changed: bool = False
    full: bool = False
    """Everything was compared."""
    project_gone: bool = False
    problems: tuple[str, ...] = ()
    """What could not be taken over, each with its reason; a hundred at most."""
    seconds: float = 0.0

    def count(self, event: Event) -> None:
        """One more event was appended."""
        self.events += 1
        self.tasks_new += event.kind is Kind.TASK
        self.tasks_gone += event.kind is Kind.TASK_DELETED
        self.annotations_new += event.kind is Kind.ANNOTATION
        self.annotations_gone += event.kind is Kind.ANNOTATION_DELETED
        self.config_changed |= event.kind is Kind.LABEL_CONFIG


@dataclass
class Comparison:
    """Compares one project with its mirror, and mends the mirror's ledger.

    `progress` is called between any two requests with what is being done, how many are done, and of how many; it may
    raise to end the work there.
    """

    ls: LabelStudio
    mirror: Mirror
    project: int
    progress: Callable[[str, int, int], None]
    clock: Callable[[], float] = time.time
    problems: dict[str, str] = field(default_factory=dict)
    """What could not be taken over, by name."""
    _cursor: str = ""
    """Label Studio's time of the last change that was seen."""
    _seen_at: float = 0.0
    """Our time when that was."""
    _settled: bool = False
    """A look since then was late enough to have seen whatever lay before the cursor."""

    def difference(self, accepted: Counters) -> Counters:
        """Label Studio's counters less ours; other than 0 or `accepted` only where several looks in a row say so."""
        difference = SAME
        for _ in range(LOOKS):
            theirs = counters_of(self.ls.project(self.project))
            self.mirror.catch_up()
            ours = self.mirror.counters()
            difference = (theirs[0] - ours[0], theirs[1] - ours[1], theirs[2] - ours[2])
            if difference in (SAME, accepted):
                break
        return difference

    def look_at_changes(self) -> bool:
        """Take over what changed since the last look; False where that is too much for one page."""
        now = self.clock()
        since = self._cursor if self._settled else _overlapping(self._cursor)
        rows = self.ls.last_changed(self.project, since or None, CHANGED_PAGE, OUTLINE)
        if len(rows) >= CHANGED_PAGE:
            return False
        self._read([TaskId(row["id"]) for row in rows if self.mirror.differs(row)], "reading changed tasks")
        self._move_cursor(max([self._cursor, *map(moment, rows)]), now)
        return True

    def compare_everything(self, total: int) -> None:
        """Take over whatever differs, deletions too; `total` tasks are expected, for the progress alone."""
        known = list(self.mirror.fold.tasks)  # before the listing: what comes later cannot be missing from it
        listed: set[TaskId] = set()
        differing: list[TaskId] = []
        newest, now = self._cursor, self.clock()
        for page in self.ls.tasks(self.project, include=OUTLINE, page_size=OUTLINE_PAGE):
            listed.update(TaskId(row["id"]) for row in page)
            differing += [TaskId(row["id"]) for row in page if self.mirror.differs(row)]
            newest = max([newest, *map(moment, page)])
            self.progress("listing tasks", len(listed), max(total, len(listed)))
        self._read(differing, "reading tasks")
        self._bury([task for task in known if task not in listed])
        self._move_cursor(newest, now)

    def read_annotated(self) -> None:
        """Read every task that has an annotation, here or there: outlines are wrong where Label Studio crashed."""
        there = {TaskId(int(row["id"])) for row in self.ls.annotated_tasks(self.project)}
        here = {state.task for state in self.mirror.fold.annotations.values()}
        self._read(sorted(here | there), "reading annotated tasks")

    def _read(self, tasks: Sequence[TaskId], what: str) -> None:
        for done in range(0, len(tasks), CHUNK):
            self._read_chunk(tasks[done : done + CHUNK])
            self.progress(what, min(done + CHUNK, len(tasks)), len(tasks))

    def _read_chunk(self, tasks: Sequence[TaskId]) -> None:
        mirror = self.mirror
        mirror.catch_up()
        rows = self.ls.tasks_of(self.project, tasks, WHOLE)
        wanted = [event for row in rows for event in self._events_of(row)]
        gone = self._annotations_gone(rows)
        mirror.append([event for event in wanted if not mirror.holds(event)])
        mirror.bury(gone)
        for event in mirror.insist([event for event in wanted if not mirror.holds(event)]):
            self._problem(":".join(event.key.split(":")[:2]), "the ledger holds something newer, or its deletion")
        for row in rows:
            mirror.note_read(TaskId(row["id"]), moment(row))

    def _events_of(self, row: Json) -> Iterator[Event]:
        """The task and its annotations as events; what cannot be read is noted and does not hurt the others."""
        makers: list[tuple[Callable[[int, Json], Event], str, Json]] = [(events.task_event, "task", row)]
        makers += [(events.annotation_event, "annotation", one) for one in row.get("annotations") or []]
        for make, what, item in makers:
            name = f"{what}:{item.get('id')}"
            try:
                event = make(self.project, item)
            except BadRequest as error:
                self._problem(name, error.message)
            else:
                self.problems.pop(name, None)
                yield event

    def _annotations_gone(self, rows: Sequence[Json]) -> list[Event]:
        """Annotations that the fold has on these tasks and Label Studio has nowhere: one may have moved elsewhere."""
        there = {int(one["id"]) for row in rows for one in row.get("annotations") or []}
        ours = [one.annotation for row in rows for one in self.mirror.fold.of_task(TaskId(row["id"]))]
        missing = [number for number in ours if number not in there]
        gone: list[Event] = []
        for done, number in enumerate(missing):
            self.progress("looking for annotations", done, len(missing))
            if self.ls.annotation(number) is None:
                gone.append(events.annotation_deleted_event(self.project, {"id": number}))
        return gone

    def _bury(self, missing: Sequence[TaskId]) -> None:
        """Record the deletion of those that Label Studio does not show when asked for them, either."""
        for done in range(0, len(missing), CHUNK):
            chunk = missing[done : done + CHUNK]
            alive = {int(row["id"]) for row in self.ls.tasks_of(self.project, chunk, ("id",))}
            gone = [task for task in chunk if task not in alive]
            self.mirror.bury([events.task_deleted_event(self.project, {"id": task}) for task in gone])
            self.mirror.forget(gone)
            self.progress("recording deleted tasks", min(done + CHUNK, len(missing)), len(missing))

    def _move_cursor(self, newest: str, now: float) -> None:
        """A look that began at `now` has seen changes up to `newest`."""
        if newest != self._cursor:
            self._cursor, self._seen_at, self._settled = newest, now, False
        elif now - self._seen_at >= OVERLAP.total_seconds():
            # Without this, a large import would fill the page of changes until something else changes.
            self._settled = True

    def _problem(self, name: str, reason: str) -> None:
        if name not in self.problems and len(self.problems) < LOGGED:
            log.warning("not taken over", project=self.project, what=name, reason=reason)
        self.problems[name] = f"{name}: {reason}"


def counters_of(project: Json) -> Counters:
    """A project's counters, which Label Studio counts anew at each request."""
    names = ("task_number", "total_annotations_number", "skipped_annotations_number")
    tasks, annotations, skips = (int(project.get(name) or 0) for name in names)
    return tasks, annotations, skips


def _overlapping(cursor: str) -> str:
    """`cursor` less OVERLAP, as Label Studio reads times; empty where there is none."""
    if not cursor:
        return ""
    moved = datetime.fromisoformat(cursor.removesuffix("Z")) - OVERLAP
    return moved.isoformat(timespec="microseconds") + "Z"
