"""What admins do to tasks from any page: put first, hold back, take either back. Each is an event in the ledger."""

from __future__ import annotations

import re
import uuid

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.service.pages.reading import Reader
from labelcue.service.pages.session import Door
from labelcue.service.pages.words import plural
from labelcue.types import Event, Kind, TaskId

MOST = 10_000
"""Tasks of one action."""
ACTIONS = {
    "pin": (Kind.PIN, "put first"),
    "hold": (Kind.HOLD, "held back"),
    "requeue": (Kind.REQUEUE, "back in the order of the queue"),
}
_NUMBERS = re.compile(r"[\s,;]+")
_BACK = frozenset({"overview", "strategy", "quality", "coverage", "stopping", "data"})


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
        kind, done = ACTIONS.get(request.form.get("action", ""), (None, ""))
        if kind is None:
            raise BadRequest("There is no such action.", f"The actions are: {', '.join(ACTIONS)}.")
        tasks = tasks_of(",".join(request.form.getlist("tasks")))
        with seen.history as history:
            known = [task for task in tasks if task in history.fold.tasks]
        if not known:
            raise BadRequest("None of these tasks is in the project.", "Look at the numbers; they are Label Studio's.")
        by = self._door.name()
        self._reader.service.ledger.append(
            [Event(project, kind, f"{kind.value}:{uuid.uuid4().hex}", {"task": task, "by": by}) for task in known]
        )
        left = (
            f" {plural(len(tasks) - len(known), 'number')} left out: no such task." if len(known) < len(tasks) else ""
        )
        flash(f"{plural(len(known), 'task')} {done}.{left} The queue follows within a second.")
        back = request.form.get("back", "")
        return redirect(f"/projects/{project}{f'/{back}' if back in _BACK - {'overview'} else ''}", 303)


def tasks_of(text: str) -> list[TaskId]:
    """Task numbers as people type them, each once. Raises BadRequest that names what is none."""
    found = [part.lstrip("#") for part in _NUMBERS.split(text) if part]
    wrong = next((part for part in found if not (part.isascii() and part.isdigit() and 0 < int(part) < ID_LIMIT)), None)
    if not found or wrong is not None or len(found) > MOST:
        what = f"{wrong[:40]!r} is no task's number." if wrong is not None else "No task is named, or too many are."
        raise BadRequest(what, f"Name 1 to {MOST:,} numbers, as in Label Studio, with commas or spaces between.")
    return list(dict.fromkeys(TaskId(int(part)) for part in found))
