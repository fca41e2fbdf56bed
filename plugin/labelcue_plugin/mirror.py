"""Keeps the mirror equal to LabelCue's order: the head at once, the whole once a minute, by one process at a time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote

from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils.timezone import now
from tasks.models import Task

from labelcue_plugin.changes import Standing, changed, standing_of
from labelcue_plugin.models import Copy, Place
from labelcue_plugin.service import LabelCue

log = logging.getLogger(__name__)
LOOK_S = 2.0
HEAD = 200
PAGE = 1000
BATCH = 400
"""Rows of one transaction."""
WHOLE = timedelta(seconds=60)
CLAIM = timedelta(seconds=120)
"""A process that died while at work is replaced after this."""


class Mirror:
    """One thread a process, started by the first request that needs LabelCue: a server forks before that."""

    def __init__(self, cue: LabelCue) -> None:
        self._cue = cue
        self._lock = threading.Lock()
        self._process = 0

    def start(self) -> None:
        """Start the thread, once in each process."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name="labelcue-mirror", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_S):
            try:
                for project in self._projects():
                    self._cue.recover(project)
                    self._refresh(project)
            except Exception as error:  # the mirror is a convenience: whatever is wrong with it, annotators get tasks
                log.warning("The mirror of LabelCue's order is not up to date: %s: %s", type(error).__name__, error)
                pause.wait(10 * LOOK_S)
            finally:
                close_old_connections()

    def _projects(self) -> list[int]:
        return sorted({*self._cue.served(), *Copy.objects.values_list("project", flat=True)})

    def _refresh(self, project: int) -> None:
        copy, _ = Copy.objects.get_or_create(project=project)
        began = now()
        due = copy.whole_at is None or began - copy.whole_at >= WHOLE
        query = f"/api/projects/{project}/queue?since={quote(copy.mark)}&head={0 if due else HEAD}&limit={PAGE}"
        answer = self._cue.read(query)
        if answer is None:
            return
        status, said = answer
        if status == 404:
            _forget(project)
        elif said["mark"] != copy.mark and _claim(copy, began):
            try:
                if self._write(project, query, said):
                    fields = {"whole_at": began} if due or said["since"] is None else {}
                    Copy.objects.filter(project=project).update(mark=str(said["mark"])[:64], **fields)
            finally:
                Copy.objects.filter(project=project).update(claimed_until=None)

    def _write(self, project: int, query: str, said: Any) -> bool:
        """Put an answer into the mirror, page by page; False where another round came out meanwhile.

        Then the next look begins anew from the same mark: what is written already is written once more.
        """
        whole = said["since"] is None
        ranks = dict(Place.objects.filter(project=project).values_list("task_id", "rank")) if whole else {}
        seen: set[int] = set()
        for offset in range(0, max(1, int(said["total"])), PAGE):
            answer = (200, said) if offset == 0 else self._cue.read(f"{query}&offset={offset}")
            if answer is None or answer[0] != 200 or answer[1]["mark"] != said["mark"]:
                return False
            page = [standing_of(one) for one in answer[1]["tasks"]]
            seen.update(one.task for one in page)
            _store(project, changed(page, ranks) if whole else page)
        gone = ranks.keys() - seen if whole else {int(task) for task in said["removed"]}
        for batch in _batches(iter(sorted(gone))):
            Place.objects.filter(project=project, task__in=batch).delete()
        return True


def _claim(copy: Copy, began: datetime) -> bool:
    """Whether this process writes now: no other one does, or has done since `copy` was read."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=began)
    mine = Copy.objects.filter(free, project=copy.project, mark=copy.mark)
    return bool(mine.update(claimed_until=began + CLAIM))


def _forget(project: int) -> None:
    """The project is no longer LabelCue's."""
    Place.objects.filter(project=project).delete()
    Copy.objects.filter(project=project).delete()


def _store(project: int, standings: list[Standing]) -> None:
    """Write these, each batch in a transaction of its own, so that annotators wait for none of them for long."""
    fields = ["project", "rank", "priority", "uncertainty", "reason"]
    for batch in _batches(iter(standings)):
        # LabelCue may know tasks that this Label Studio does not have: other ones under the same number, or deleted.
        known = set(
            Task.objects.filter(project=project, pk__in=[one.task for one in batch]).values_list("pk", flat=True)
        )
        rows = [
            Place(one.task, project, one.rank, one.priority, one.uncertainty, one.reason)
            for one in batch
            if one.task in known
        ]
        with transaction.atomic():
            Place.objects.bulk_create(rows, update_conflicts=True, update_fields=fields, unique_fields=["task"])


def _batches(items: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(items, BATCH)):
        yield batch
