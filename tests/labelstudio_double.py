"""An honest in-memory double of Label Studio, as far as reconcile and delivery use it.

It keeps the traits that hurt: counters of projects are true counts while a task's own are stored; `updated_at` moves
with saves and not with bulk writes; webhooks are emitted once, as real bodies, for the test to lose or shuffle; an
import gives out the ids of deleted tasks again, as on SQLite; `faults` fail the next requests.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from labelcue.errors import LabelStudioDown, LabelStudioError, ProjectGone

XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    '<Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
PROJECT = 7


def choice(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]


@dataclass
class LabelStudioDouble:
    """One project, `PROJECT`. Requests tick the clock by a millisecond, so that no two times are equal."""

    start: datetime = datetime(2026, 11, 21, 1, 0, 0, tzinfo=timezone.utc)
    reuse_ids: bool = True
    faults: list[Exception | None] = field(default_factory=list)
    """What the next requests raise, in order; None lets one pass."""
    sent: list[bytes] = field(default_factory=list)
    """Bodies of webhooks that were emitted."""
    requests: list[str] = field(default_factory=list)
    on_request: Any = None
    """Called before each request with its name, to let something happen meanwhile."""

    def __post_init__(self) -> None:
        self.gone = False
        self.fields: dict[str, Any] = {
            "id": PROJECT,
            "title": "mails",
            "label_config": XML,
            "sampling": "Uncertainty sampling",
            "model_version": "",
        }
        self.project_updated = self._stamp()
        self.task_rows: dict[int, dict[str, Any]] = {}
        self.annotation_rows: dict[int, dict[str, Any]] = {}
        self.predictions: list[dict[str, Any]] = []
        self.locks: dict[int, str] = {}
        self.plugged: dict[str, Any] | None = None
        """What the plugin says of itself; None: there is none."""
        self._last_annotation = 0
        self._last_task = 0
        self.random = random.Random(0)

    # What people do

    def import_tasks(self, data: Sequence[dict[str, Any]], labels: Sequence[str | None] = ()) -> list[int]:
        """Bulk: webhooks tell the tasks, never the annotations that came with them."""
        first = (max(self.task_rows, default=0) if self.reuse_ids else self._last_task) + 1
        ids = list(range(first, first + len(data)))
        for number, one in zip(ids, data, strict=True):
            now = self._stamp()
            self.task_rows[number] = {"id": number, "data": one, "created_at": now, "updated_at": now, "counts": (0, 0)}
        self._last_task = max(self._last_task, *ids)
        for number, label in zip(ids, labels, strict=False):
            if label is not None:
                first_free = (max(self.annotation_rows, default=0) if self.reuse_ids else self._last_annotation) + 1
                self._store(first_free, number, choice(label), False, 1)
                self._count(number)
        self._emit("TASKS_CREATED", tasks=[self._task(number) for number in ids])
        return ids

    def annotate(self, task: int, result: Any, user: int = 1, was_cancelled: bool = False) -> int:
        self.locks.pop(task, None)
        self._last_annotation += 1
        number = self._last_annotation
        self._store(number, task, result, was_cancelled, user)
        self._touch(task)
        self._count(task)
        self._emit("ANNOTATION_CREATED", annotation=self._annotation(number), task=self._task(task))
        return number

    def update_annotation(self, number: int, result: Any, was_cancelled: bool = False) -> None:
        row = self.annotation_rows[number]
        row.update(result=result, was_cancelled=was_cancelled, updated_at=self._stamp())
        self._touch(row["task"])
        self._count(row["task"])
        self._emit("ANNOTATION_UPDATED", annotation=self._annotation(number), task=self._task(row["task"]))

    def delete_annotation(self, number: int, bump: bool = True) -> None:
        """`bump=False`: a process that died, or a bulk path, before it touched the task and its counters."""
        row = self.annotation_rows.pop(number)
        if bump:
            self._touch(row["task"])
            self._count(row["task"])
        self._emit("ANNOTATIONS_DELETED", annotations=[{"id": number}])

    def edit_task(self, number: int, data: dict[str, Any]) -> None:
        """No webhook, as in Label Studio."""
        self.task_rows[number]["data"] = data
        self._touch(number)

    def delete_tasks(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self.task_rows[number]
            for one in [key for key, row in self.annotation_rows.items() if row["task"] == number]:
                del self.annotation_rows[one]
        self.predictions = [one for one in self.predictions if one["task"] in self.task_rows]
        self._emit("TASKS_DELETED", tasks=[{"id": number} for number in numbers])

    def move_annotations(self, source: int, target: int) -> None:
        """'Remove duplicated tasks': annotations move without a new time, then the duplicate goes."""
        for row in self.annotation_rows.values():
            if row["task"] == source:
                row["task"] = target
        self.delete_tasks([source])
        self._count(target)

    # What the client calls

    def project(self, project: int) -> dict[str, Any]:
        self._request("project")
        skips = sum(row["was_cancelled"] for row in self.annotation_rows.values())
        counters = {
            "task_number": len(self.task_rows),
            "total_annotations_number": len(self.annotation_rows) - skips,
            "skipped_annotations_number": skips,
        }
        return {**self.fields, **counters}

    def update_project(self, project: int, **fields: Any) -> dict[str, Any]:
        self._request("update_project")
        self.fields.update(fields)
        self.project_updated = self._stamp()
        self._emit("PROJECT_UPDATED")
        return dict(self.fields)

    def tasks(
        self, project: int, *, after: int = 0, page_size: int = 500, include: Sequence[str] = ()
    ) -> Iterator[list[dict[str, Any]]]:
        while True:
            self._request("tasks")
            numbers = sorted(number for number in self.task_rows if number > after)[:page_size]
            page = [_only(self._task(number), include) for number in numbers]
            if page:
                yield page
            if len(page) < page_size:
                return
            after = numbers[-1]

    def last_changed(self, project: int, since: str | None, limit: int, include: Sequence[str]) -> list[dict[str, Any]]:
        self._request("last_changed")
        rows = [row for row in self.task_rows.values() if since is None or row["updated_at"] >= since]
        rows.sort(key=lambda row: str(row["updated_at"]), reverse=True)
        return [_only(self._task(row["id"]), include) for row in rows[:limit]]

    def tasks_of(self, project: int, tasks: Sequence[int], include: Sequence[str]) -> list[dict[str, Any]]:
        self._request("tasks_of")
        return [_only(self._task(number), include) for number in sorted(set(tasks) & self.task_rows.keys())]

    def annotated_tasks(self, project: int) -> Iterator[dict[str, Any]]:
        self._request("annotated_tasks")
        yield from [self._task(number) for number, row in sorted(self.task_rows.items()) if row["counts"] != (0, 0)]

    def annotation(self, number: int) -> dict[str, Any] | None:
        self._request("annotation")
        return self._annotation(number) if number in self.annotation_rows else None

    def import_predictions(self, project: int, predictions: Sequence[dict[str, Any]]) -> int:
        self._request("import_predictions")
        for one in predictions:
            if one["task"] not in self.task_rows:
                raise LabelStudioError(f"Label Studio answered 400: task ID {one['task']} not found.")
            self.predictions.append(dict(one))
        return len(predictions)

    def model_versions(self, project: int) -> dict[str, int]:
        self._request("model_versions")
        versions: dict[str, int] = {self.fields["model_version"]: 0} if self.fields["model_version"] else {}
        for one in self.predictions:
            versions[one["model_version"]] = versions.get(one["model_version"], 0) + 1
        return versions

    def delete_predictions(self, project: int, version: str) -> None:
        self._request("delete_predictions")
        self.predictions = [one for one in self.predictions if one["model_version"] != version]

    def plugin(self, project: int) -> dict[str, Any] | None:
        return self.plugged

    def backends(self, project: int) -> list[dict[str, Any]]:
        self._request("backends")
        return []

    def next_task(self, user: str = "admin") -> tuple[int, str] | None:
        """The task that 'Uncertainty sampling' would open and why: its own lock, by score, or by chance."""
        solved = {row["task"] for row in self.annotation_rows.values()}
        free = [number for number in sorted(self.task_rows) if number not in solved]
        mine = [number for number in free if self.locks.get(number) == user]
        if mine:
            return mine[0], "Task lock"
        free = [number for number in free if number not in self.locks]
        if not free:
            return None
        version = self.fields["model_version"]
        scores = {one["task"]: one["score"] for one in self.predictions if one["model_version"] == version}
        ranked = sorted((number for number in free if number in scores), key=lambda number: float(scores[number]))
        number, why = (ranked[0], "Uncertainty sampling") if ranked else (self.random.choice(free), "random")
        self.locks[number] = user
        return number, why

    # Inside

    def _request(self, name: str) -> None:
        self.requests.append(name)
        if self.on_request is not None:
            self.on_request(name)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        if self.gone:
            raise ProjectGone("Label Studio has no such project.")

    def _stamp(self) -> str:
        self.start += timedelta(milliseconds=1)
        return self.start.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _store(self, number: int, task: int, result: Any, cancelled: bool, user: int) -> None:
        now = self._stamp()
        self._last_annotation = max(self._last_annotation, number)
        self.annotation_rows[number] = {
            "id": number,
            "task": task,
            "project": PROJECT,
            "completed_by": user,
            "result": result,
            "was_cancelled": cancelled,
            "created_at": now,
            "updated_at": now,
        }

    def _touch(self, task: int) -> None:
        self.task_rows[task]["updated_at"] = self._stamp()

    def _count(self, task: int) -> None:
        mine = [row["was_cancelled"] for row in self.annotation_rows.values() if row["task"] == task]
        self.task_rows[task]["counts"] = (len(mine) - sum(mine), sum(mine))

    def _task(self, number: int) -> dict[str, Any]:
        row = {name: value for name, value in self.task_rows[number].items() if name != "counts"}
        total, cancelled = self.task_rows[number]["counts"]
        mine = [self._annotation(key) for key, one in self.annotation_rows.items() if one["task"] == number]
        return {
            **row,
            "project": PROJECT,
            "total_annotations": total,
            "cancelled_annotations": cancelled,
            "annotations": mine,
        }

    def _annotation(self, number: int) -> dict[str, Any]:
        return dict(self.annotation_rows[number])

    def _emit(self, action: str, **items: Any) -> None:
        for rows in items.values():
            for row in rows if isinstance(rows, list) else [rows]:
                row.pop("annotations", None)  # webhooks never carry them inside a task
        project = {**self.fields, "updated_at": self.project_updated}
        self.sent.append(json.dumps({"action": action, "project": project, **items}).encode())


def _only(row: dict[str, Any], include: Sequence[str]) -> dict[str, Any]:
    """`include` filters the keys of a task and of its annotations alike."""
    if not include:
        return row
    kept = {name: value for name, value in row.items() if name in include}
    if "annotations" in kept:
        kept["annotations"] = [_only(one, include) for one in kept["annotations"]]
    return kept


def down(retry_after: float | None = None) -> LabelStudioDown:
    return LabelStudioDown("Label Studio did not answer in time.", "", retry_after)
