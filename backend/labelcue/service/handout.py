"""What the plugin inside Label Studio asks: the next tasks for an annotator, and leases on them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest, LabelCueError
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.service.bodies import json_object, named_project, number
from labelcue.service.context import NO_VERSION, Service
from labelcue.service.live import Live
from labelcue.service.shapes import Freed, Lease, Next, Taken
from labelcue.service.suggestions import Suggestions
from labelcue.store.head import Head
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Json, Kind, TaskId

PROTOCOL = "1"
PROTOCOL_HEADER = "LabelCue-Protocol"
PROJECT = "/api/projects/<int:project>"
MOST = 1000
"""Candidates in one answer."""
WAIT_S = 0.2
"""How long an answer waits for the order that contains the annotator's latest annotation."""
LOOK_S = 0.005
ACTIONS = {
    "pin": Kind.PIN,
    "hold": Kind.HOLD,
    "requeue": Kind.REQUEUE,
    "second_opinion": Kind.SECOND_OPINION,
    "rerank": Kind.TRAIN,
}
MOST_AT_ONCE = 10_000
"""Tasks in one action."""
MOST_OPINIONS = 1000
SECOND_SHARE = 0.5
"""At most this share of an answer is of the second queue, so that new tasks follow whatever became of those."""
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

    def warm(self) -> Iterator[None]:
        """Read the connected projects' history before an annotator asks; what fails here, a request will tell."""
        for project in self._service.home.projects():
            with suppress(LabelCueError):
                self._followed(project)
            yield

    def next(self, project: int) -> ResponseReturnValue:
        """What waits for another annotator, then the head of the queue; without what was handed out to others, solved
        or deleted since the round."""
        self._service.require(project)
        body = json_object()
        user, limit = _integer(body, "user"), _integer(body, "limit", most=MOST, default=50)
        after = _integer(body, "after_annotation") if body.get("after_annotation") is not None else None
        overlap = _integer(body, "overlap", most=MOST_OPINIONS, default=1)
        live = self._service.lives.of(project)
        published = self._current(project, live, after)
        if published is None:
            return Next(queue_version=NO_VERSION, as_of=None, tasks=[]).model_dump()
        snapshot, head = published
        if body.get("task") is not None:
            chosen = _known(snapshot, live, _integer(body, "task"))
        else:
            now, most = self._service.clock(), max(1, int(SECOND_SHARE * limit))
            chosen = live.second(snapshot, user, overlap, now, most)
            order = _order(snapshot, head)
            chosen |= self._open(order, live, user, limit, chosen)
        tasks = self._suggestions.candidates(snapshot, live, chosen)
        as_of = head.at if head is not None else snapshot.round.at
        return Next(queue_version=snapshot.version, as_of=as_of, tasks=tasks).model_dump()

    def lease(self, project: int) -> ResponseReturnValue:
        """Remember that a task was handed out; on disk when it is answered."""
        self._service.require(project)
        body = json_object()
        task, user = _integer(body, "task"), _integer(body, "user")
        seconds = _integer(body, "seconds", most=LONGEST_LEASE_S, default=LEASE_S)
        expires = self._service.clock() + seconds
        self._append(project, Kind.LEASE, {"task": task, "user": user, "expires": expires, "seconds": seconds})
        snapshot = self._service.snapshot(project)
        self._service.metrics.served(project, snapshot.round.strategy if snapshot is not None else "none")
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
            return Taken(asked=True, left_out=[]).model_dump(), 202
        tasks, by = body.get("tasks"), _integer(body, "user") if body.get("user") is not None else None
        if not isinstance(tasks, list) or not 0 < len(tasks) <= MOST_AT_ONCE:
            raise BadRequest(f"'tasks' is no list of 1 to {MOST_AT_ONCE} tasks.", "Send the tasks' ids.")
        tasks = list(dict.fromkeys(TaskId(_whole(task, "a task")) for task in tasks))
        if kind is Kind.SECOND_OPINION:
            return self._ask_again(project, tasks, by, body)
        self._append(project, kind, *({"task": task, "by": by} for task in tasks))
        return Taken(asked=True, left_out=[]).model_dump(), 202

    def _ask_again(
        self, project: int, tasks: list[TaskId], by: int | None, body: dict[str, Any]
    ) -> ResponseReturnValue:
        """Only the plugin can open a labelled task again: Label Studio keeps it labelled whatever its overlap."""
        if PROTOCOL_HEADER not in request.headers:
            raise BadRequest(
                "A second opinion can be asked for only where the plugin serves the project: Label Studio itself never "
                "serves a labelled task again.",
                "Install labelcue-plugin (plugin/docs/README.md) and take 'LabelCue: ask for a second opinion' in the "
                "Data Manager.",
            )
        live = self._followed(project)
        said = _integer(body, "opinions", most=MOST_OPINIONS) if body.get("opinions") is not None else None
        wanted = {task: live.wanted(task) if said is None else said for task in tasks if not live.is_deleted(task)}
        asked = {task: opinions for task, opinions in wanted.items() if opinions}
        events = ({"task": task, "opinions": opinions, "by": by} for task, opinions in asked.items())
        self._append(project, Kind.SECOND_OPINION, *events)
        return Taken(asked=True, left_out=[task for task in tasks if task not in asked]).model_dump(), 202

    def _admit(self) -> None:
        self._service.guard.api(request.headers, named_project())
        spoken = request.headers.get(PROTOCOL_HEADER, PROTOCOL)
        if spoken != PROTOCOL:
            raise BadRequest(
                f"The plugin speaks version {spoken[:20]!r} of the protocol, this service version {PROTOCOL}.",
                "Install the labelcue-plugin that belongs to this LabelCue.",
            )

    def _append(self, project: int, kind: Kind, *bodies: dict[str, Any]) -> None:
        self._service.append([Event(project, kind, f"{kind.value}:{uuid.uuid4().hex}", body) for body in bodies])

    def _current(self, project: int, live: Live, after: int | None) -> tuple[Snapshot, Head | None] | None:
        """The published order, the one that contains annotation `after` if it comes in time."""
        deadline = time.monotonic() + WAIT_S
        while True:
            published = self._service.published(project)
            if published is None:
                return None
            snapshot, head = published
            live.follow(self._service.ledger, snapshot.round.position)
            contained = head.position if head is not None else snapshot.round.position
            if after is None or live.knows(after, contained) or time.monotonic() >= deadline:
                return published
            time.sleep(LOOK_S)

    def _followed(self, project: int) -> Live:
        live, snapshot = self._service.lives.of(project), self._service.snapshot(project)
        live.follow(self._service.ledger, snapshot.round.position if snapshot is not None else 0)
        return live

    def _open(
        self, order: Iterable[int], live: Live, user: int, limit: int, second: Mapping[TaskId, str]
    ) -> dict[TaskId, str]:
        """Open tasks of the queue beside those of the second one, `limit` in all."""
        now = self._service.clock()
        found: dict[TaskId, str] = {}
        for place in order:
            if len(second) + len(found) == limit:
                break
            task = TaskId(int(place))
            if task not in second and task not in found and live.is_open(task, user, now):
                found[task] = ""
        return found


def _order(snapshot: Snapshot, head: Head | None) -> Iterable[int]:
    """The queue, the next task first; those of the head stand there twice."""
    return chain(head.ids if head is not None else (), snapshot.order)


def _known(snapshot: Snapshot, live: Live, number: int) -> dict[TaskId, str]:
    task = TaskId(number)
    return {task: ""} if live.is_begun(task) or snapshot.of(task) is not None else {}


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
