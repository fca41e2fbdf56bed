"""/openapi.json: every route in OpenAPI 3.1, made of the shapes that the routes answer with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic.json_schema import models_json_schema

from labelcue.service import asked, shapes
from labelcue.service.auth import HEADER
from labelcue.service.described import ROUTES, Route

_REFERENCE = "#/components/schemas/"
_OBJECT = {"type": "object"}


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The whole document."""
    answers = [(route.answer, "serialization") for route in ROUTES if route.answer is not None]
    _, schemas = models_json_schema([*answers, (shapes.Failure, "serialization")], ref_template=_REFERENCE + "{model}")  # type: ignore[list-item]
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LabelCue",
            "version": _version(),
            "description": "Tells annotators what to label next: an active-learning backend for Label Studio.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "webhookSecret": {"type": "apiKey", "in": "header", "name": HEADER},
            },
        },
    }


def _version() -> str:
    # Not `labelcue.__version__`: that package's face reaches the engine, which the service does without.
    try:
        return version("labelcue")
    except PackageNotFoundError:
        return "0"


def routes() -> Blueprint:
    """The route, which anybody may call: it holds no secret."""
    blueprint = Blueprint("openapi", __name__)
    blueprint.add_url_rule("/openapi.json", view_func=_answer)
    return blueprint


def _answer() -> ResponseReturnValue:
    return description()


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method}{route.path.translate(str.maketrans('/.', '__', '{}'))}",
        "security": route.security,
        "responses": {str(route.status): _response(route)}
        | {str(code): _failure(said) for code, said in _errors(route)},
    }
    if route.later:
        operation["responses"]["202"] = _response(route)
    parameters = [_parameter(name) for name in ("project", "task", "comparison") if f"{{{name}}}" in route.path]
    if route.path.endswith("/queue"):
        counts = asked.paging("limit", 50, 1, 1000), asked.paging("offset", 0, 0, 10**12)
        parameters += [*counts, asked.SINCE, asked.HEAD]
    if route.method == "delete":
        parameters.append({"name": "user", "in": "query", "required": True, "schema": asked.ID})
    parameters += route.queries
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    return operation


def _errors(route: Route) -> Iterator[tuple[int, str]]:
    if route.security:
        yield 401, "The secret is missing or wrong."
    if route.body is not None:
        yield 400, "The body or a parameter cannot be read."
        yield 413, "The body is over the limit."
        yield 415, "The body is compressed."
    elif route.path.endswith("/queue") or route.method == "delete":
        yield 400, "A parameter cannot be read."
    yield from route.errors.items()


def _response(route: Route) -> dict[str, Any]:
    schema: dict[str, Any] = _OBJECT if route.media == "application/json" else {"type": "string"}
    if route.answer is not None:
        schema = {"$ref": _REFERENCE + route.answer.__name__}
    return {"description": route.summary, "content": {route.media: {"schema": schema}}}


def _failure(said: str) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": {"schema": {"$ref": _REFERENCE + "Failure"}}}}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
