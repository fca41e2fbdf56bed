"""The Flask app: one error envelope, one log line a request, the same headers on every answer."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from labelcue.errors import ConfigError, LabelCueError
from labelcue.service.auth import require_secrets
from labelcue.service.choosing import Choosing
from labelcue.service.context import Service
from labelcue.service.handout import Handout
from labelcue.service.ml_backend import MlBackend
from labelcue.service.openapi import routes as openapi_routes
from labelcue.service.queue import Api
from labelcue.service.webhook import Webhook
from labelcue.settings import Settings

log = structlog.get_logger(__name__)
EXTENSION = "labelcue"
"""Where `app.extensions` keeps the `Service`."""
RETRY_S = "1"
_HTTP: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("bad_request", "Send a request as backend/docs/api.md describes."),
        404: ("not_found", "GET /openapi.json lists every route."),
        405: ("method_not_allowed", "The Allow header names the methods."),
        413: ("too_large", "Send less at a time, or raise max_body_mb."),
        415: ("unsupported_media_type", "Send plain JSON without a content encoding."),
    }
)


def create_app(settings: Settings, *, clock: Callable[[], float] = time.time) -> Flask:
    """The service as a WSGI app; opens nothing before the first request. Raises ConfigError without secrets."""
    require_secrets(settings)
    app = Flask("labelcue.service", static_folder=None, template_folder=None)
    app.json = StrictJson(app)
    app.config.update(MAX_CONTENT_LENGTH=math.ceil(settings.max_body_mb * 1e6), PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False
    service = Service(settings, clock)
    app.extensions[EXTENSION] = service
    app.before_request(_start)
    app.after_request(lambda response: _finish(service, response))
    app.register_error_handler(Exception, _failed)
    backend = MlBackend(service)
    app.extensions["labelcue.predictor"] = backend.predictor
    for blueprint in (
        backend.open_blueprint(),
        backend.blueprint(),
        Webhook(service).blueprint(),
        Api(service).blueprint(),
        Handout(service).blueprint(),
        Choosing(service).blueprint(),
        openapi_routes(),
    ):
        app.register_blueprint(blueprint)
    return app


class StrictJson(DefaultJSONProvider):
    """JSON as the standard has it: no NaN, no infinity; keys in the order in which they were set."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Raises ValueError for numbers that JSON does not have."""
        return super().dumps(obj, **{"allow_nan": False, **kwargs})


def _start() -> None:
    g.started = time.perf_counter()


def _failed(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Every error in the one envelope. What we did not foresee is named by an id, under which the log has more."""
    g.error = error
    if isinstance(error, LabelCueError):
        # A setting that is wrong is the operator's fault, whatever the client sent.
        status = 500 if type(error) is ConfigError else error.status
        headers = {"Retry-After": RETRY_S} if status == 503 else {}
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="LabelCue", charset="UTF-8"'
        return error.envelope(), status, headers
    if isinstance(error, HTTPException):
        status = error.code or 500
        code, remedy = _HTTP.get(status, ("http", "GET /openapi.json lists every route."))
        allowed = {name: value for name, value in error.get_headers() if name == "Allow"}
        return envelope(code, f"{error.name}.", remedy), status, allowed
    g.failure = uuid.uuid4().hex[:12]
    message = f"Something failed that should not have (id {g.failure})."
    return envelope("internal", message, "Look for this id in the service's log."), 500, {}


def envelope(code: str, message: str, remedy: str) -> dict[str, Any]:
    """The one envelope."""
    return {"error": {"code": code, "message": message, "remedy": remedy}}


def _finish(service: Service, response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
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
