"""What the plugin inside Label Studio asks: the next tasks for an annotator, and leases on them."""

from __future__ import annotations

import time
import uuid
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.service.bodies import json_object, named_project, number
from labelcue.service.context import NO_VERSION, Service
from labelcue.service.live import Live
from labelcue.service.shapes import Asked, Freed, Lease, Next
from labelcue.service.suggestions import Suggestions
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Json, Kind, TaskId

PROTOCOL = "1"
PROTOCOL_HEADER = "LabelCue-Protocol"
PROJECT = "/api/projects/<int:project>"
MOST = 1000
"""Candidates in one answer."""
WAIT_S = 0.2
"""How long an answer waits for the round that contains the annotator's latest annotation."""
LOOK_S = 0.005
ACTIONS = {"pin": Kind.PIN, "hold": Kind.HOLD, "requeue": Kind.REQUEUE, "rerank": Kind.TRAIN}
MOST_AT_ONCE = 10_000
"""Tasks in one action."""
LEASE_S = 3600
LONGEST_LEASE_S = 30 * 86400


class Handout:
    """The routes and what they need."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._suggestions = Suggestions(service)

    def blueprint(self) -> Blueprint:
        """The routes behind HTTP Basic or Bearer."""
        routes = Blueprint("handout", __name__)
        routes.before_request(self._admit)
        routes.after_request(_signed)
        routes.add_url_rule(f"{PROJECT}/next", view_func=self.next, methods=["POST"])
        routes.add_url_rule(f"{PROJECT}/leases", view_func=self.lease, methods=["POST"])
        routes.add_url_rule(f"{PROJECT}/leases/<int:task>", view_func=self.free, methods=["DELETE"])
        routes.add_url_rule(f"{PROJECT}/actions", view_func=self.action, methods=["POST"])
        return routes

    def next(self, project: int) -> ResponseReturnValue:
        """The head of the queue without what was handed out to others, solved or deleted since its round."""
        self._service.require(project)
        body = json_object()
        user, limit = _integer(body, "user"), _integer(body, "limit", most=MOST, default=50)
        after = _integer(body, "after_annotation") if body.get("after_annotation") is not None else None
        live = self._service.lives.of(project)
        snapshot = self._current(project, live, after)
        if snapshot is None:
            return Next(queue_version=NO_VERSION, as_of=None, tasks=[]).model_dump()
        held = _integer(body, "task") if body.get("task") is not None else None
        chosen = self._open(snapshot, live, user, limit) if held is None else _known(snapshot, held)
        tasks = self._suggestions.candidates(snapshot, live, chosen)
        return Next(queue_version=snapshot.version, as_of=snapshot.round.at, tasks=tasks).model_dump()

    def lease(self, project: int) -> ResponseReturnValue:
        """Remember that a task was handed out; on disk when it is answered."""
        self._service.require(project)
        body = json_object()
        task, user = _integer(body, "task"), _integer(body, "user")
        seconds = _integer(body, "seconds", most=LONGEST_LEASE_S, default=LEASE_S)
        expires = self._service.clock() + seconds
        self._append(project, Kind.LEASE, {"task": task, "user": user, "expires": expires})
        return Lease(expires=expires).model_dump()

    def free(self, project: int, task: int) -> ResponseReturnValue:
        """End a lease without an annotation."""
        self._service.require(project)
        user = number("user", 0, 1, ID_LIMIT - 1)
        if not user or not 0 < task < ID_LIMIT:
            raise BadRequest("It is not said whose lease of which task ends.", "Send DELETE …/leases/TASK?user=USER.")
        self._append(project, Kind.RELEASE, {"task": task, "user": user})
        return Freed(freed=True).model_dump()

    def action(self, project: int) -> ResponseReturnValue:
        """Something that an admin asks for."""
        self._service.require(project)
        body = json_object()
        kind = ACTIONS.get(str(body.get("action")))
        if kind is None:
            raise BadRequest("There is no such action.", f"The actions are: {', '.join(ACTIONS)}.")
        if kind is Kind.TRAIN:
            self._append(project, kind, {})
            return Asked(asked=True).model_dump(), 202
        tasks, by = body.get("tasks"), _integer(body, "user") if body.get("user") is not None else None
        if not isinstance(tasks, list) or not 0 < len(tasks) <= MOST_AT_ONCE:
            raise BadRequest(f"'tasks' is no list of 1 to {MOST_AT_ONCE} tasks.", "Send the tasks' ids.")
        self._append(project, kind, *({"task": _whole(task, "a task"), "by": by} for task in tasks))
        return Asked(asked=True).model_dump(), 202

    def _admit(self) -> None:
        self._service.guard.api(request.headers, named_project())
        spoken = request.headers.get(PROTOCOL_HEADER, PROTOCOL)
        if spoken != PROTOCOL:
            raise BadRequest(
                f"The plugin speaks version {spoken[:20]!r} of the protocol, this service version {PROTOCOL}.",
                "Install the labelcue-plugin that belongs to this LabelCue.",
            )

    def _append(self, project: int, kind: Kind, *bodies: dict[str, Any]) -> None:
        self._service.ledger.append([Event(project, kind, f"{kind.value}:{uuid.uuid4().hex}", body) for body in bodies])

    def _current(self, project: int, live: Live, after: int | None) -> Snapshot | None:
        """The published round, the one that contains annotation `after` if it comes in time."""
        deadline = time.monotonic() + WAIT_S
        while True:
            snapshot = self._service.snapshot(project)
            if snapshot is None:
                return None
            live.follow(self._service.ledger, snapshot.round.position)
            known = after is None or live.knows(after, snapshot.round.position)
            if known or time.monotonic() >= deadline:
                return snapshot
            time.sleep(LOOK_S)

    def _open(self, snapshot: Snapshot, live: Live, user: int, limit: int) -> list[TaskId]:
        now = self._service.clock()
        found: list[TaskId] = []
        for place in snapshot.order:
            if len(found) == limit:
                break
            task = TaskId(int(place))
            if live.is_open(task, user, now):
                found.append(task)
        return found


def _known(snapshot: Snapshot, task: int) -> list[TaskId]:
    return [TaskId(task)] if snapshot.of(TaskId(task)) is not None else []


def _integer(body: dict[str, Any], name: str, *, most: int = ID_LIMIT - 1, default: int | None = None) -> int:
    """A whole number from 1 of the body; raises BadRequest."""
    return _whole(body.get(name, default), repr(name), most)


def _whole(value: Json, name: str, most: int = ID_LIMIT - 1) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise BadRequest(f"{name} is no whole number from 1 to {most}.", "Send it as backend/docs/api.md says.")
    return value


def _signed(response: Response) -> Response:
    response.headers[PROTOCOL_HEADER] = PROTOCOL
    return response
