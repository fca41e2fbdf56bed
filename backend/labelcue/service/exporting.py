"""Exports and named snapshots over REST: what leaves LabelCue as a file."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest, NotFound
from labelcue.exports import marks
from labelcue.exports.formats import FORMATS, written
from labelcue.exports.kinds import KINDS, rows_of
from labelcue.service.bodies import json_object, named_project
from labelcue.service.context import Service
from labelcue.service.export_shapes import Changelog, NamedSnapshots, TaskChange, told
from labelcue.store.snapshot import Snapshot

PROJECT = "/api/projects/<int:project>"


class Exporting:
    """The routes and what they need."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def blueprint(self) -> Blueprint:
        """The routes behind HTTP Basic or Bearer."""
        routes = Blueprint("exporting", __name__)
        routes.before_request(lambda: self._service.guard.api(request.headers, named_project()))
        routes.add_url_rule(f"{PROJECT}/export", view_func=self.export)
        routes.add_url_rule(f"{PROJECT}/snapshots", view_func=self.snapshots)
        routes.add_url_rule(f"{PROJECT}/snapshots", "make", self.make, methods=["POST"])
        routes.add_url_rule(f"{PROJECT}/snapshots/changes", view_func=self.changes)
        return routes

    def export(self, project: int) -> ResponseReturnValue:
        """A file, piece by piece; of a named snapshot where one is named."""
        self._service.require(project)
        given = request.args
        return self.file(project, given.get("what", "labelled"), given.get("format", "json"), given.get("snapshot", ""))

    def file(self, project: int, what: str, kind: str, snapshot: str) -> Response:
        """The same for whoever asks. Raises BadRequest, NotFound, ConfigError, StoreError."""
        if kind not in FORMATS or what not in KINDS:
            raise BadRequest(
                f"There is no export of {what[:20]!r} as {kind[:20]!r}.",
                f"What: {', '.join(KINDS)}; formats: {', '.join(FORMATS)}.",
            )
        mark = marks.find(self._service.ledger, project, snapshot) if snapshot else None
        rows, version = rows_of(self._service.ledger, project, what, mark, lambda: self._published(project))
        answer = Response(written(rows, kind), content_type=FORMATS[kind])
        name = f"labelcue-{project}-{what}-{version}.{kind}"
        answer.headers.set("Content-Disposition", "attachment", filename=name)
        if mark is not None and what == "labelled" and kind == "json":
            answer.headers["ETag"] = f'"{mark.sha256}"'
        return answer

    def snapshots(self, project: int) -> ResponseReturnValue:
        """All named snapshots."""
        self._service.require(project)
        known = marks.marks(self._service.ledger, project)
        return NamedSnapshots(snapshots=[told(mark) for mark in known]).model_dump()

    def make(self, project: int) -> ResponseReturnValue:
        """Name what stands now."""
        self._service.require(project)
        body = json_object()
        name, by = body.get("name"), body.get("by")
        if not isinstance(name, str) or not isinstance(by, str) or not by.strip():
            raise BadRequest("The snapshot has no name, or it is not said who makes it.", 'Send "name" and "by".')
        return told(marks.make(self._service.ledger, project, name, by.strip())).model_dump()

    def changes(self, project: int) -> ResponseReturnValue:
        """What became of labels between two snapshots; `after` left out: now."""
        self._service.require(project)
        before, after = request.args.get("before", ""), request.args.get("after", "")
        ledger = self._service.ledger
        start = marks.find(ledger, project, before)
        end = marks.find(ledger, project, after).upto if after else ledger.position(project)
        counts, found = marks.changes(ledger, project, start.upto, end)
        tasks = [TaskChange(task=one.task, was=one.was, now=one.now, change=one.change) for one in found]
        return Changelog(before=before, after=after, counts=dict(counts), tasks=tasks).model_dump()

    def _published(self, project: int) -> Snapshot:
        published = self._service.snapshot(project)
        if published is None:
            raise NotFound(f"Project {project} has had no round yet.", "Wait for the learner; `labelcue status`.")
        return published
