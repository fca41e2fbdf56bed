"""Keeps the mirror equal to LabelCue's order: the head at once, the whole once a minute, by one process at a time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

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
        since = copy.whole_version if due else copy.version
        answer = self._cue.read(f"/api/projects/{project}/queue?limit={HEAD}&since={since}")
        if answer is None:
            return
        status, said = answer
        if status == 404:
            _forget(project)
        elif said["version"] != since and _claim(project, began):
            try:
                self._write(copy, said, began, whole=due)
            finally:
                Copy.objects.filter(project=project).update(claimed_until=None)

    def _write(self, copy: Copy, said: Any, began: datetime, *, whole: bool) -> None:
        version = str(said["version"])[:64]
        head = [standing_of(one) for one in said["tasks"]]
        _store(copy.project, head)
        left = Place.objects.filter(project=copy.project, rank__lt=len(head)).exclude(
            task__in=[one.task for one in head]
        )
        left.delete()
        fields: dict[str, Any] = {"version": version}
        if whole and self._write_whole(copy.project, version, int(said["total"])):
            fields |= {"whole_version": version, "whole_at": began}
        Copy.objects.filter(project=copy.project).update(**fields)

    def _write_whole(self, project: int, version: str, total: int) -> bool:
        """False where another version came out meanwhile: the next look begins anew."""
        ranks = dict(Place.objects.filter(project=project).values_list("task_id", "rank"))
        seen: set[int] = set()
        for offset in range(0, total, PAGE):
            answer = self._cue.read(f"/api/projects/{project}/queue?limit={PAGE}&offset={offset}")
            if answer is None or answer[0] != 200 or answer[1]["version"] != version:
                return False
            page = [standing_of(one) for one in answer[1]["tasks"]]
            seen.update(one.task for one in page)
            _store(project, changed(page, ranks))
        for gone in _batches(iter(sorted(ranks.keys() - seen))):
            Place.objects.filter(project=project, task__in=gone).delete()
        return True


def _claim(project: int, began: datetime) -> bool:
    free = Q(claimed_until=None) | Q(claimed_until__lt=began)
    return bool(Copy.objects.filter(free, project=project).update(claimed_until=began + CLAIM))


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
