"""Errors as answers: every one in the one envelope, and noted for the one line of its request."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import g
from werkzeug.exceptions import HTTPException

from labelcue.errors import ConfigError, LabelCueError

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


def failed(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]]:
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
