"""Label Studio's locks, followed so that LabelCue's leases begin and end with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.utils.timezone import now
from tasks.models import Annotation, Task, TaskLock

from labelcue_plugin.service import LabelCue

TELL_SHARE = 1 / 3
"""Of the time that an annotator may wait for LabelCue, for whoever gives a lock back."""


def watch_locks(cue: LabelCue, on_lock: Callable[[Any], None]) -> None:
    """From now on `on_lock` hears of every lock that is set or renewed, and LabelCue of every one that is given back.

    Postponing a task and leaving a draft keep the lock, and with it the lease; a label or a skip ends both, of which
    LabelCue hears by the annotation. What is left: a member who leaves the organization, a label in another's name.
    """
    post_save.connect(lambda instance, **_: on_lock(instance), sender=TaskLock, weak=False, dispatch_uid="labelcue")
    given_back = partial(_given_back, cue)
    post_delete.connect(given_back, sender=TaskLock, weak=False, dispatch_uid="labelcue")


def _given_back(cue: LabelCue, instance: Any, **_: Any) -> None:
    # A lock that is over is only swept up: its lease was over with it.
    if instance.expire_at > now():
        transaction.on_commit(partial(_tell, cue, instance.task_id, instance.user_id), robust=True)


def _tell(cue: LabelCue, task: int, user: int) -> None:
    project = Task.objects.filter(pk=task).values_list("project_id", flat=True).first()
    if project is None or not cue.serves(project):
        return
    if not Annotation.objects.filter(task=task, completed_by=user).exists():
        cue.release(project, task, user, TELL_SHARE * cue.wait_s)
