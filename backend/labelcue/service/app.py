"""The Flask app: one error envelope, one log line a request, the same headers on every answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from labelcue.errors import LabelCueError
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.service.auth import require_secrets
from labelcue.service.choosing import Choosing
from labelcue.service.context import Service
from labelcue.service.exporting import Exporting
from labelcue.service.failing import failed
from labelcue.service.handout import Handout
from labelcue.service.ml_backend import MlBackend
from labelcue.service.openapi import routes as openapi_routes
from labelcue.service.pages import Pages
from labelcue.service.queue import Api
from labelcue.service.webhook import Webhook
from labelcue.settings import Settings

log = structlog.get_logger(__name__)
EXTENSION = "labelcue"
"""Where `app.extensions` keeps the `Service`."""


def create_app(settings: Settings, *, clock: Callable[[], float] = time.time) -> Flask:
    """The service as a WSGI app; opens nothing before the first request. Raises ConfigError without secrets."""
    require_secrets(settings)
    app = Flask("labelcue.service", static_folder=None, template_folder=None)
    app.json = StrictJson(app)
    app.config.update(MAX_CONTENT_LENGTH=math.ceil(settings.max_body_mb * 1e6), PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = _Id
    service = Service(settings, clock)
    app.extensions[EXTENSION] = service
    app.before_request(_start)
    app.after_request(lambda response: _finish(service, response))
    app.register_error_handler(Exception, failed)
    backend, choosing, handout = MlBackend(service), Choosing(service), Handout(service)
    exporting = Exporting(service)
    pages = Pages(service, choosing, exporting)
    app.extensions["labelcue.warm"] = (handout.warm, pages.warm, backend.predictor.warm)
    for blueprint in (
        backend.open_blueprint(),
        backend.blueprint(),
        Webhook(service).blueprint(),
        Api(service).blueprint(),
        handout.blueprint(),
        choosing.blueprint(),
        exporting.blueprint(),
        openapi_routes(),
        pages.blueprint(app),
    ):
        app.register_blueprint(blueprint)
    return app


class _Id(IntegerConverter):
    """A number in an address: one with hundreds of digits is no id, and would be a name that no disk takes."""

    def __init__(self, map: Map, max: int = ID_LIMIT - 1, **given: Any) -> None:
        super().__init__(map, max=max, **given)


class StrictJson(DefaultJSONProvider):
    """JSON as the standard has it: no NaN, no infinity; keys in the order in which they were set."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Raises ValueError for numbers that JSON does not have."""
        return super().dumps(obj, **{"allow_nan": False, **kwargs})


def _start() -> None:
    g.started = time.perf_counter()


def _finish(service: Service, response: Response) -> Response:
    # Only the pages' own style and scripts, which carry a version in their address, say anything else.
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    seconds = time.perf_counter() - g.started
    # The template, not the path: what a stranger types does not belong into a log.
    route = request.url_rule.rule if request.url_rule is not None else "-"
    method = request.method if request.url_rule is not None else "-"
    service.metrics.request(method, route, response.status_code, seconds)
    _say(method, route, response.status_code, seconds)
    return response


def _say(method: str, route: str, status: int, seconds: float) -> None:
    """The one line of this request; errors are told in it and nowhere else."""
    fields: dict[str, Any] = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 2)}
    error = g.get("error")
    if isinstance(error, LabelCueError):
        fields |= {"error": error.code, "reason": error.message}
    elif isinstance(error, HTTPException):
        fields["error"] = error.name
    elif error is not None:
        fields |= {"error": "internal", "id": g.failure, "exc_info": error}
    if status >= 500:
        log.error("request", **fields)
    elif status >= 400:
        log.warning("request", **fields)
    elif route == "/health":  # Label Studio asks all the time.
        log.debug("request", **fields)
    else:
        log.info("request", **fields)
