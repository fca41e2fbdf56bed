"""The REST API under /api: connected projects, their queues and tasks. Read from the published snapshots alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from labelcue.alarms import Standing
from labelcue.alarms.kept import read_kept
from labelcue.errors import LabelCueError, NotFound
from labelcue.service.bodies import named_project, number
from labelcue.service.context import NO_VERSION, Service
from labelcue.service.difference import NONE, Copies, Difference
from labelcue.service.gauges import gauges
from labelcue.service.metrics import CONTENT_TYPE
from labelcue.service.shapes import Alarms, AlarmShape, Asked, Place, Project, Projects, Queue, Shape, place_of
from labelcue.store.connection import Connection
from labelcue.store.snapshot import Snapshot
from labelcue.store.status import read_status
from labelcue.types import Json, TaskId

T = TypeVar("T")

MOST = 1000
"""Places of the queue in one answer."""
PROJECT = "/api/projects/<int:project>"


class Api:
    """The routes and what they need."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._copies: dict[int, Copies] = {}

    def blueprint(self) -> Blueprint:
        """The routes behind HTTP Basic or Bearer."""
        routes = Blueprint("api", __name__)
        routes.before_request(lambda: self._service.guard.api(request.headers, named_project()))
        routes.add_url_rule("/api/projects", view_func=self.projects)
        routes.add_url_rule(PROJECT, view_func=self.project)
        routes.add_url_rule(f"{PROJECT}/queue", view_func=self.queue)
        routes.add_url_rule(f"{PROJECT}/tasks/<int:task>", view_func=self.task)
        routes.add_url_rule(f"{PROJECT}/reconcile", view_func=self.reconcile, methods=["POST"])
        routes.add_url_rule(f"{PROJECT}/alarms", view_func=self.alarms)
        routes.add_url_rule("/metrics", view_func=self.metrics)
        return routes

    def projects(self) -> ResponseReturnValue:
        """Every connected project."""
        return _json(Projects(projects=[self._project(known) for known in self._service.home.projects()]))

    def project(self, project: int) -> ResponseReturnValue:
        """One project's state."""
        self._service.require(project)
        return _json(self._project(project))

    def queue(self, project: int) -> ResponseReturnValue:
        """A part of the queue as the latest round published it, or of what changed in it since a copy was made."""
        self._service.require(project)
        limit, offset, head = number("limit", 50, 1, MOST), number("offset", 0, 0, 10**12), number("head", 0, 0, MOST)
        since, snapshot = request.args.get("since"), self._service.snapshot(project)
        if snapshot is None:
            nothing: dict[str, Any] = {"tasks": [], "removed": [], "total": 0}
            return _json(Queue(version=NO_VERSION, as_of=None, mark=NO_VERSION, since=None, offset=offset, **nothing))
        self._service.lives.of(project).follow(self._service.ledger, snapshot.round.position)
        told = Difference(snapshot.version, None, snapshot.order, NONE)
        if since is not None:
            told = self._copies.setdefault(project, Copies()).difference(snapshot, since, head)
        return _json(
            Queue(
                version=snapshot.version,
                as_of=snapshot.round.at,
                mark=told.mark,
                since=told.since,
                total=len(told.changed),
                offset=offset,
                tasks=[self._place(snapshot, int(task)) for task in told.changed[offset : offset + limit]],
                removed=told.removed.tolist() if offset == 0 else [],
            )
        )

    def task(self, project: int, task: int) -> ResponseReturnValue:
        """Where one task stands."""
        self._service.require(project)
        snapshot = self._service.snapshot(project)
        if snapshot is None:
            raise NotFound(f"Project {project} has had no round yet.", "Wait for the learner; `labelcue status`.")
        self._service.lives.of(project).follow(self._service.ledger, snapshot.round.position)
        return _json(self._place(snapshot, task))

    def reconcile(self, project: int) -> ResponseReturnValue:
        """Ask the learner to look now for what the webhooks missed."""
        self._service.require(project)
        self._service.wake(project)
        return _json(Asked(asked=True)), 202

    def alarms(self, project: int) -> ResponseReturnValue:
        """What needs a person."""
        self._service.require(project)
        standing = read_kept(self._service.home.alarms).of(project)
        return _json(Alarms(alarms=[_alarm(one) for one in standing]))

    def metrics(self) -> ResponseReturnValue:
        """Counters for Prometheus."""
        known = [self._project(project) for project in self._service.home.projects()]
        return Response(self._service.metrics.text(gauges(self._service, known)), content_type=CONTENT_TYPE)

    def _place(self, snapshot: Snapshot, task: int) -> Place:
        standing = snapshot.of(TaskId(task)) if task < 2**63 else None
        if standing is None:
            raise NotFound(
                f"Task {task} is not in the pool of project {snapshot.round.project}.",
                "It is new, unreadable or deleted: look at `embedding` in the project's status.",
            )
        live = self._service.lives.of(snapshot.round.project)
        return place_of(snapshot, task, standing, live.lever(TaskId(task)))

    def _project(self, project: int) -> Project:
        """What is known of it; what cannot be read is named and hides nothing else."""
        problems: list[str] = []
        connection = _tried(problems, lambda: Connection.load(self._service.home.connection(project)))
        status = _tried(problems, lambda: read_status(self._service.home.status(project))) or {}
        snapshot = _tried(problems, lambda: self._service.snapshot(project))
        embedded = len(snapshot.ids) if snapshot is not None else 0
        tasks = status.get("tasks")
        return Project(
            id=project,
            title=connection.title if connection is not None else "",
            embedder=connection.embedder if connection is not None else "",
            labels=snapshot.labels if snapshot is not None else 0,
            tasks=tasks if isinstance(tasks, int) else embedded,
            embedded=embedded,
            round=snapshot.round.number if snapshot is not None else 0,
            version=snapshot.version if snapshot is not None else NO_VERSION,
            trained=snapshot.trained if snapshot is not None else False,
            strategy=snapshot.round.strategy if snapshot is not None else "",
            as_of=snapshot.round.at if snapshot is not None else None,
            last_webhook_at=self._service.heard.get(project),
            status=status,
            error=" ".join(problems),
        )


def _tried(problems: list[str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except LabelCueError as error:
        problems.append(str(error))
        return None


def _alarm(one: Standing) -> AlarmShape:
    alarm = one.alarm
    return AlarmShape(
        alarm=alarm.name,
        subject=alarm.subject,
        severity=alarm.severity,
        message=alarm.message,
        remedy=alarm.remedy,
        since=one.since,
    )


def _json(shape: Shape) -> dict[str, Json]:
    return shape.model_dump()
