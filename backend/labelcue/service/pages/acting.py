"""What admins do to tasks from any page: put first, hold back, take either back. Each is an event in the ledger."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.queueing.acting import ACTIONS, bodies, require_plugin, tasks_of
from labelcue.service.pages.reading import Reader
from labelcue.service.pages.session import Door
from labelcue.service.pages.words import plural
from labelcue.types import Event, Kind

FOLLOWS = "The queue follows within a second."
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
        if kind is Kind.SECOND_OPINION:
            require_plugin(seen.by_plugin)
        with seen.history as history:
            said = bodies(history.fold, kind, tasks, self._door.name())
        self._reader.service.append([Event(project, kind, f"{kind.value}:{uuid.uuid4().hex}", body) for body in said])
        left = f" {plural(len(tasks) - len(said), 'task')} left out." if len(said) < len(tasks) else ""
        flash(f"{plural(len(said), 'task')} {done}.{left} {FOLLOWS}")
        back = request.form.get("back", "")
        return redirect(f"/projects/{project}{f'/{back}' if back in _BACK else ''}", 303)
