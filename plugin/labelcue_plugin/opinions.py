"""Opens labelled tasks for one more annotator.

Label Studio keeps a labelled task labelled when its overlap is changed, and never serves it: its own function for
settings that changed is what counts anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from organizations.models import OrganizationMember
from tasks.models import Annotation, Task, bulk_update_stats_project_tasks

BATCH = 400
"""Tasks of one transaction, so that annotators wait for none of them for long."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who has spoken of one task."""

    opinions: int
    """Annotators who have labelled it; an annotation without a user (an import) counts as one of its own."""
    counted: int
    """Annotations as Label Studio counts them against the overlap, where it counts most."""
    is_left: bool
    """Somebody of the organization has neither labelled nor skipped it."""


def spoken_of(project: Any, tasks: Iterable[int]) -> dict[int, Spoken]:
    """Of those of these tasks that somebody has labelled or skipped."""
    members = OrganizationMember.objects.filter(organization=project.organization_id, deleted_at=None)
    everybody = set(members.values_list("user_id", flat=True))
    skips_count = project.skip_queue != project.SkipQueue.REQUEUE_FOR_OTHERS
    found: dict[int, Spoken] = {}
    for batch in _batches(tasks):
        said: dict[int, list[tuple[int | None, int, bool]]] = defaultdict(list)
        annotations = Annotation.objects.filter(task__in=batch, task__project=project)
        for task, user, number, skipped in annotations.values_list("task_id", "completed_by_id", "id", "was_cancelled"):
            said[task].append((user, number, bool(skipped)))
        for task, given in said.items():
            labels = {user if user is not None else -number for user, number, skipped in given if not skipped}
            counted = sum(skips_count or not skipped for _, _, skipped in given)
            found[task] = Spoken(len(labels), counted, bool(everybody - {user for user, _, _ in given}))
    return found


def labelled(tasks: Iterable[int]) -> set[int]:
    """Those that Label Studio serves to nobody."""
    found: set[int] = set()
    for batch in _batches(tasks):
        found.update(Task.objects.filter(pk__in=batch, is_labeled=True).values_list("pk", flat=True))
    return found


def reopen(project: Any, spoken: dict[int, Spoken]) -> set[int]:
    """Raise the overlap of these tasks so that one more annotator fits in, and count anew; those that are open now."""
    for batch in _batches(sorted(spoken)):
        with transaction.atomic():
            rows = Task.objects.select_for_update().filter(project=project, pk__in=batch).order_by("pk")
            raised: dict[int, list[int]] = defaultdict(list)
            for task, overlap in rows.values_list("pk", "overlap"):
                raised[max(overlap, spoken[task].counted + 1)].append(task)
            for overlap, tasks in raised.items():
                Task.objects.filter(pk__in=tasks).update(overlap=overlap)
            bulk_update_stats_project_tasks(Task.objects.filter(project=project, pk__in=batch), project)
    return spoken.keys() - labelled(spoken)


def _batches(items: Iterable[int]) -> Iterator[list[int]]:
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        yield batch
