"""The choice of the next task, in LabelCue's order.

Label Studio's own `get_next_task` stays in charge of everything else: an annotator's own lock, ground truth, postponed
and skipped tasks. Only where it would choose by the project's sampling, or at random among tasks that somebody has
begun, this chooses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from tasks.models import Annotation, Task, TaskLock

from labelcue_plugin.exclusive import exclusive
from labelcue_plugin.locks import watch_locks
from labelcue_plugin.membership import is_inside
from labelcue_plugin.mirror import Mirror
from labelcue_plugin.models import Copy
from labelcue_plugin.service import Candidates, LabelCue
from labelcue_plugin.serving import mark
from labelcue_plugin.showing import Shown

log = logging.getLogger(__name__)
RECENT = timedelta(seconds=10)
"""An annotation that is older than this needs no waiting for."""
LOOK_BACK = 64
"""Annotations of a project, the newest first, among which an annotator's latest one is looked for."""
MOST_OVERLAP = 1000
"""As much as LabelCue takes."""
LAST = "LabelCue's last queue"
BREADTH_FIRST = "Breadth first queue"
"""What Label Studio says where a task was chosen among those that somebody has begun."""
MIRRORED = 50
"""Tasks of the mirror that are looked at where no candidate is free."""
CALLERS = ("projects.functions.next_task", "projects.api", "data_manager.actions.next_task")
"""Modules that hold a name `get_next_task` of their own."""


@dataclass
class Visit:
    """One request for a next task."""

    project: Any
    as_displayed: bool
    """The annotator came by 'Label Tasks As Displayed', or by a direct link."""
    left: float
    """Seconds that may still be spent on waiting for LabelCue."""
    candidates: Candidates | None = None
    asked: bool = False
    begun: bool = False
    """The task was chosen here among those that somebody has begun."""
    locked: tuple[int, datetime] | None = None
    """The task that was locked for the annotator in this visit, and until when."""


_visit: ContextVar[Visit | None] = ContextVar("labelcue_visit", default=None)


class Stream:
    """Takes the place of Label Studio's functions; `install` once a process."""

    def __init__(self, cue: LabelCue) -> None:
        self._cue = cue
        self._mirror = Mirror(cue)
        module: Any = import_module(CALLERS[0])
        self._next_task = module.get_next_task
        self._by_sampling = module.get_task_from_qs_with_sampling
        self._first_unlocked = module._get_first_unlocked
        self._breadth_first = module._try_breadth_first

    def install(self) -> None:
        """From now on everybody who asks Label Studio for a next task asks this."""
        watch_locks(self._cue, _locked)
        for name in CALLERS:
            module: Any = import_module(name)
            module.get_next_task = self.next_task
        sampling: Any = import_module(CALLERS[0])
        sampling.get_task_from_qs_with_sampling = self.by_sampling
        sampling._try_breadth_first = self.breadth_first

    def next_task(
        self, user: Any, prepared_tasks: Any, project: Any, dm_queue: Any, assigned_flag: Any = None
    ) -> tuple[Any, str]:
        """In the place of `get_next_task`: the same arguments, the same answer."""
        visit = Visit(project, as_displayed=bool(dm_queue), left=self._cue.wait_s)
        if assigned_flag or not self._is_ours(visit, user, project):
            # Not connected, or nothing is known of it and LabelCue does not answer.
            return self._next_task(user, prepared_tasks, project, dm_queue, assigned_flag)  # type: ignore[no-any-return]
        self._mirror.start()
        if not TaskLock.objects.filter(user=user, task__project=project, expire_at__gt=now()).exists():
            self._ask(visit, user, project)  # here, where nobody waits for us
        token = _visit.set(visit)
        try:
            with exclusive():
                # Not as a Data Manager's queue, which looks at no locks; the filter is in prepared_tasks.
                task, told = self._next_task(user, prepared_tasks, project, False, assigned_flag)
        finally:
            _visit.reset(token)
        if visit.locked is not None:
            # After the transaction: nothing is locked in the database while LabelCue is told.
            number, until = visit.locked
            seconds, began = max(1, round((until - now()).total_seconds())), time.monotonic()
            self._cue.lease(project.id, number, user.id, seconds, visit.left)
            visit.left -= time.monotonic() - began
        if visit.begun:
            told = told.replace(BREADTH_FIRST, self._words(visit))
        if task is not None:
            mark(task, self._shown(visit, user, project, task.id))
        return task, told

    def breadth_first(self, not_solved_tasks: Any, user: Any, *more: Any) -> Any:
        """In the place of `_try_breadth_first`: the first free candidate that somebody has begun, else Label Studio's.

        Else: LabelCue may not have heard of all of them.
        """
        visit = _visit.get()
        if visit is not None and visit.candidates is not None:
            begun = visit.candidates.begun
            task = _tried(lambda: _first_free(begun, not_solved_tasks, user, visit.project))
            if task is not None:
                visit.begun = True
                return task
        return self._breadth_first(not_solved_tasks, user, *more)

    def by_sampling(
        self,
        not_solved_tasks: Any,
        user_solved_tasks_array: Any,
        prepared_tasks: Any,
        user: Any,
        project: Any,
        told: str,
    ) -> tuple[Any, str]:
        """In the place of `get_task_from_qs_with_sampling`: the first free candidate, else what would be chosen."""
        stock = (not_solved_tasks, user_solved_tasks_array, prepared_tasks, user, project, told)
        visit = _visit.get()
        if visit is None:
            return self._by_sampling(*stock)  # type: ignore[no-any-return]
        candidates = self._ask(visit, user, project)
        words = self._words(visit)
        task = _tried(lambda: _first_free(candidates.order if candidates else (), not_solved_tasks, user, project))
        if task is None:
            words = LAST
            task = _tried(lambda: _first_free(_mirrored(not_solved_tasks), not_solved_tasks, user, project))
        if task is not None:
            told = _joined(told, words)
        elif visit.as_displayed:
            task, told = self._first_unlocked(not_solved_tasks, user), _joined(told, "Data manager queue")
        else:
            task, told = self._by_sampling(*stock)
        return task, told

    def _words(self, visit: Visit) -> str:
        return "LabelCue queue" if visit.candidates is not None and visit.candidates.fresh else LAST

    def _shown(self, visit: Visit, user: Any, project: Any, task: int) -> Shown | None:
        """What goes with the task; of one that is no candidate, such as the annotator's own, LabelCue is asked."""
        known = visit.candidates.shown.get(task) if visit.candidates is not None else None
        if known is not None or visit.left <= 0:
            return known
        return self._cue.about(project.id, user.id, task, min(self._cue.ask_s, visit.left))

    def _is_ours(self, visit: Visit, user: Any, project: Any) -> bool:
        if not is_inside(user, project):
            return False
        served = self._cue.serves(project.id)
        if served is not None:
            return served
        if self._ask(visit, user, project) is not None:
            return True
        # This process has never heard of it, but another one may have.
        return self._cue.serves(project.id) is None and Copy.objects.filter(project=project.id).exists()

    def _ask(self, visit: Visit, user: Any, project: Any) -> Candidates | None:
        """The candidates, asked for once a visit."""
        if not visit.asked:
            visit.asked = True
            after, began = _latest_annotation(user, project), time.monotonic()
            overlap = min(max(1, project.maximum_annotations), MOST_OVERLAP)
            visit.candidates = self._cue.candidates(project.id, user.id, after, self._cue.ask_s, overlap)
            visit.left -= time.monotonic() - began
        return visit.candidates


def _latest_annotation(user: Any, project: Any) -> int | None:
    """The annotation that the user has just made: LabelCue's answer is to know of it."""
    newest = Annotation.objects.filter(project=project).order_by("-id").values_list("id", "completed_by", "updated_at")
    since = now() - RECENT
    return next((made for made, by, at in newest[:LOOK_BACK] if by == user.id and at > since), None)


def _mirrored(not_solved_tasks: Any) -> tuple[int, ...]:
    """The head of the mirror inside the annotator's filter, which may be too rare for the candidates."""
    inside = not_solved_tasks.filter(labelcue_place__isnull=False).order_by("labelcue_place__rank")
    return tuple(inside.values_list("pk", flat=True)[:MIRRORED])


def _first_free(order: tuple[int, ...], not_solved_tasks: Any, user: Any, project: Any) -> Any:
    """The first of these that the annotator may solve and nobody holds, its row locked; None where there is none."""
    if not order:
        return None
    overlaps = dict(not_solved_tasks.filter(pk__in=order).values_list("pk", "overlap"))
    held = TaskLock.objects.filter(task__in=list(overlaps), expire_at__gt=now()).exclude(user=user)
    taken = set(held.values_list("task", flat=True))
    for number in order:
        # Two queries spare a look at each task that somebody holds; where several may, has_lock counts.
        if number not in overlaps or (number in taken and overlaps[number] == 1):
            continue
        task = Task.objects.select_for_update(skip_locked=True).filter(pk=number).first()
        if task is None:
            continue
        task.project = project  # or each look at it would read the project anew
        if not task.has_lock(user):
            return task
    return None


def _tried(choose: Callable[[], Any]) -> Any:
    """What is chosen, in a savepoint; None where that failed, since an annotator must get a task whatever is wrong."""
    try:
        with transaction.atomic():
            return choose()
    except Exception as error:
        log.error("The LabelCue plugin failed to choose, Label Studio chooses: %s: %s", type(error).__name__, error)
        return None


def _locked(lock: Any) -> None:
    """Label Studio has locked a task, whatever chose it."""
    visit = _visit.get()
    if visit is not None:
        visit.locked = (lock.task_id, lock.expire_at)


def _joined(told: str, more: str) -> str:
    return f"{told} & {more}" if told else more
