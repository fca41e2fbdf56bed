"""Request bodies and parameters, read as strictly as needed and no more."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import ID_LIMIT, read_json
from labelcue.types import Json


def raw_body() -> bytes:
    """The body; the content type does not matter. Werkzeug raises 413 where it is over the limit."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Compressed bodies are not read.")
    return request.get_data(cache=False)


def json_object() -> dict[str, Json]:
    """The body as a JSON object; raises BadRequest."""
    body = read_json(raw_body())
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object.", "Send an object, as Label Studio does.")
    return body


def project_of(value: Json) -> int | None:
    """Label Studio names projects as `"10.1795225247"`, id and time of creation; a bare id is fine too."""
    if isinstance(value, str):
        head = value.partition(".")[0]
        value = int(head) if head.isascii() and head.isdigit() and len(head) < 20 else None
    return value if type(value) is int and 0 < value < ID_LIMIT else None


def named_project() -> int | None:
    """The project that the request's route names, if it names one."""
    value = (request.view_args or {}).get("project")
    return value if isinstance(value, int) else None


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query string; raises BadRequest where it is none, or out of bounds."""
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and least <= int(text) <= most):
        raise BadRequest(f"{name!r} is no whole number from {least} to {most}.", f"The default is {default}.")
    return int(text)
