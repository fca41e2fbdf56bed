"""Tasks that somebody has labelled and that wait for another annotator, by the ledger: the second queue.

First those of which an admin asked for another opinion; then, where several annotations complete a task, those that
lack the fewest, and last those that were only skipped. Among equals pinned ones come first, then the one of which the
model is least sure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from labelcue.store.fold import Fold
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Floats, Ints, Kind, TaskId, UserId

LEVERS = (Kind.PIN, Kind.HOLD, Kind.REQUEUE)
FOLLOWED = (Kind.ANNOTATION, Kind.ANNOTATION_DELETED, Kind.TASK_DELETED, Kind.SECOND_OPINION, *LEVERS)
"""Beside these only a task whose id lives again counts."""
ASKED = "a second opinion was asked for"
Holders = Mapping[TaskId, Collection[UserId | None]]
"""Task → who holds it now."""


class Opinions:
    """One project's. Not thread-safe: whoever follows the ledger has a lock."""

    def __init__(self) -> None:
        self._fold = Fold()
        self._count: dict[TaskId, int] = {}
        """Task that somebody has labelled or skipped → how many annotators have labelled it."""
        self._begun: dict[int, set[TaskId]] = {}
        """The same the other way round."""
        self._waiting: dict[TaskId, int] = {}
        """Task of which another opinion was asked for and has not come → by how many it is to be labelled."""
        self._levers: dict[TaskId, Kind] | None = {}
        """None: they have changed."""

    def take(self, event: Event) -> None:
        """Follow the ledger."""
        if event.kind is Kind.ANNOTATION:
            # What was labelled is not looked at here, and would be most of what is kept.
            event = replace(event, body={**event.body, "result": []})
        elif event.kind not in FOLLOWED and not (event.kind is Kind.TASK and event.body.get("again")):
            return
        touched = self._fold.apply(event)
        if event.kind in LEVERS:
            self._levers = None
        for task in touched:
            self._place(task)

    def wanted(self, task: TaskId) -> int:
        """By how many annotators a task is labelled after one more opinion; 0 where nobody has even skipped it."""
        return self._count[task] + 1 if task in self._count else 0

    def is_deleted(self, task: TaskId) -> bool:
        """Whether the ledger says so."""
        return self._fold.is_deleted(task)

    def queue(self, snapshot: Snapshot, user: UserId, overlap: int, holders: Holders) -> Iterator[tuple[TaskId, str]]:
        """The tasks that the user may get, the next one first, each with the reason.

        `overlap`: how many annotations complete a task of the project.
        """
        for task in self._ordered(snapshot, self._waiting):
            if self._may(task, user, self._waiting[task], holders):
                yield task, ASKED
        for count in range(overlap - 1, -1, -1) if overlap > 1 else ():
            why = f"{count} of {overlap} annotators have labelled it" if count else "somebody has skipped it"
            for task in self._ordered(snapshot, self._begun.get(count, set[TaskId]())):
                if task not in self._waiting and self._may(task, user, overlap, holders):
                    yield task, why

    def _place(self, task: TaskId) -> None:
        self._begun.get(self._count.pop(task, 0), set[TaskId]()).discard(task)
        count = self._fold.annotators(task)
        if self._fold.of_task(task):
            self._count[task] = count
            self._begun.setdefault(count, set()).add(task)
        wanted = self._fold.opinions(task)
        if wanted > count:
            self._waiting[task] = wanted
        else:
            self._waiting.pop(task, None)

    def _may(self, task: TaskId, user: UserId, wanted: int, holders: Holders) -> bool:
        """Whether the user has neither labelled nor skipped it, and there is room beside those who have it now."""
        if any(one.user == user for one in self._fold.of_task(task)):
            return False
        others = sum(holder != user for holder in holders.get(task, ()))
        return self._count.get(task, 0) + others < wanted

    def _ordered(self, snapshot: Snapshot, tasks: Collection[TaskId]) -> Iterator[TaskId]:
        """Without those that are held back. Of a dict equals stay in their order, of a set they come by their ids."""
        if self._levers is None:
            self._levers = self._fold.levers
        for task, kind in self._levers.items():
            if kind is Kind.PIN and task in tasks:
                yield task
        ids = np.fromiter(tasks, dtype=np.int64, count=len(tasks))
        ids = np.sort(ids) if isinstance(tasks, set) else ids
        for place in np.argsort(-_uncertainty(snapshot, ids), kind="stable"):
            task = TaskId(int(ids[place]))
            if task not in self._levers:
                yield task


def _uncertainty(snapshot: Snapshot, tasks: Ints) -> Floats:
    """(m,) uncertainty; 0 of tasks that the round does not know, 1 while nothing is trained."""
    places = np.searchsorted(snapshot.ids, tasks)
    known = places < len(snapshot.ids)
    known[known] = snapshot.ids[places[known]] == tasks[known]
    doubt = known.astype(np.float32)
    doubt[known] = snapshot.doubt(places[known])
    return doubt
