"""What admins do to tasks from any page: put first, hold back, take either back. Each is an event in the ledger."""

from __future__ import annotations

import re
import uuid

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.service.pages.reading import Reader, Seen
from labelcue.service.pages.session import Door
from labelcue.service.pages.words import plural
from labelcue.types import Event, Json, Kind, TaskId

FOLLOWS = "The queue follows within a second."
MOST = 10_000
"""Tasks of one action."""
ACTIONS = {
    "second": (Kind.SECOND_OPINION, "to be labelled by one more annotator"),
    "pin": (Kind.PIN, "put first"),
    "hold": (Kind.HOLD, "held back"),
    "requeue": (Kind.REQUEUE, "back in the order of the queue"),
}
_NUMBERS = re.compile(r"[\s,;]+")
_BACK = frozenset({"strategy", "quality", "coverage", "stopping", "data"})


class Acting:
    """One route."""

    def __init__(self, reader: Reader, door: Door) -> None:
        self._reader = reader
        self._door = door

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its route."""
        routes.add_url_rule("/projects/<int:project>/act", "act", self.act, methods=["POST"])

    def act(self, project: int) -> ResponseReturnValue:
        """Do it, say so, and go back to the page that asked."""
        seen = self._reader.project(project)
        action = request.form.get("action", "")
        if action not in ACTIONS:
            raise BadRequest("There is no such action.", f"The actions are: {', '.join(ACTIONS)}.")
        kind, done = ACTIONS[action]
        tasks = tasks_of(",".join(request.form.getlist("tasks")))
        bodies = _bodies(seen, kind, tasks)
        if not bodies:
            raise BadRequest(
                "That can be done to none of these tasks.", "Look at the numbers; they are Label Studio's."
            )
        by = self._door.name()
        self._reader.service.ledger.append(
            [Event(project, kind, f"{kind.value}:{uuid.uuid4().hex}", {**body, "by": by}) for body in bodies]
        )
        left = f" {plural(len(tasks) - len(bodies), 'task')} left out." if len(bodies) < len(tasks) else ""
        flash(f"{plural(len(bodies), 'task')} {done}.{left} {FOLLOWS}")
        back = request.form.get("back", "")
        return redirect(f"/projects/{project}{f'/{back}' if back in _BACK else ''}", 303)


def _bodies(seen: Seen, kind: Kind, tasks: list[TaskId]) -> list[dict[str, Json]]:
    """The events' bodies for those of the tasks to which it can be done. Raises BadRequest where it never can."""
    with seen.history as history:
        fold = history.fold
        known = [task for task in tasks if task in fold.tasks]
        if kind is not Kind.SECOND_OPINION:
            return [{"task": task} for task in known]
        _require_plugin(seen)
        return [{"task": task, "opinions": fold.annotators(task) + 1} for task in known if fold.of_task(task)]


def _require_plugin(seen: Seen) -> None:
    way = seen.reader.way(seen.connection) if seen.connection is not None else None
    if way is not None and way.by_plugin is False:
        raise BadRequest(
            "Label Studio itself never serves a labelled task again; only the plugin can ask another annotator.",
            "Install labelcue-plugin (plugin/docs/README.md), or open the task in Label Studio and mend its label.",
        )


def tasks_of(text: str) -> list[TaskId]:
    """Task numbers as people type them, each once. Raises BadRequest that names what is none."""
    found = [part.lstrip("#") for part in _NUMBERS.split(text) if part]
    wrong = next((part for part in found if not (part.isascii() and part.isdigit() and 0 < int(part) < ID_LIMIT)), None)
    if not found or wrong is not None or len(found) > MOST:
        what = f"{wrong[:40]!r} is no task's number." if wrong is not None else "No task is named, or too many are."
        raise BadRequest(what, f"Name 1 to {MOST:,} numbers, as in Label Studio, with commas or spaces between.")
    return list(dict.fromkeys(TaskId(int(part)) for part in found))
