"""Label Studio's ML backend contract: /health, /setup, /versions, /predict.

Label Studio calls /health (1 s limit, its credentials are not checked) and /setup (3 s) before almost everything it
does, so both are cheap. /setup carries the access token of the project's creator: it is never looked at.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.service.bodies import json_object, project_of
from labelcue.service.context import Service
from labelcue.service.predict import Predictor


class MlBackend:
    """The routes and what they need."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.predictor = Predictor(service)

    def blueprint(self) -> Blueprint:
        """The routes behind HTTP Basic."""
        routes = Blueprint("backend", __name__)
        routes.before_request(lambda: self._service.guard.backend(request.headers))
        routes.add_url_rule("/setup", view_func=self.setup, methods=["POST"])
        routes.add_url_rule("/versions", view_func=self.versions)
        routes.add_url_rule("/predict", view_func=self.predict, methods=["POST"])
        return routes

    def open_blueprint(self) -> Blueprint:
        """The route that anybody may call."""
        routes = Blueprint("health", __name__)
        routes.add_url_rule("/health", view_func=self.health)
        return routes

    def health(self) -> ResponseReturnValue:
        """Constant time: no disk, no lock."""
        return {"status": "UP", "model_class": "LabelCue"}

    def setup(self) -> ResponseReturnValue:
        """The version of the project's model; UnsupportedConfig where we could never learn anything there."""
        body = json_object()
        project = project_of(body.get("project"))
        if project is None:
            raise BadRequest("The body names no project.", 'Send "project" as Label Studio does: "10.1795225247".')
        schema = body.get("schema")
        if schema is not None:
            if not isinstance(schema, str):
                raise BadRequest("The schema is no text.", 'Send the label config\'s XML as "schema".')
            self.predictor.check(schema)
        return {"model_version": self._service.version(project)}

    def versions(self) -> ResponseReturnValue:
        """The present version of each connected project; Label Studio does not say which project it means."""
        numbers = {self._service.version(project) for project in self._service.home.projects()}
        return {"versions": sorted(numbers, key=lambda version: (len(version), version), reverse=True)}

    def predict(self) -> ResponseReturnValue:
        """One prediction a task, in order."""
        body = json_object()
        tasks = body.get("tasks")
        if not isinstance(tasks, list):
            raise BadRequest("The body has no list of tasks.", 'Send "tasks" as Label Studio does.')
        results, version = self.predictor.predict(project_of(body.get("project")), tasks, body.get("label_config"))
        return {"results": results, "model_version": version}
