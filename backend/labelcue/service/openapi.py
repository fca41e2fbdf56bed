"""/openapi.json: every route in OpenAPI 3.1, made of the shapes that the routes answer with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from labelcue.service import export_shapes, settings_shapes, shapes
from labelcue.service.auth import HEADER

_REFERENCE = "#/components/schemas/"
_BACKEND = [{"basic": list[str]()}]
_WEBHOOK = [{"webhookSecret": list[str]()}, {"basic": list[str]()}]
_API = [{"basic": list[str]()}, {"bearer": list[str]()}]
_OPEN: list[dict[str, list[str]]] = []
_PROJECT_ID = {"description": 'Label Studio\'s "id.timeOfCreation", or the id.', "type": ["string", "integer"]}
_OBJECT = {"type": "object"}
_SETUP = {
    "type": "object",
    "required": ["project"],
    "properties": {"project": _PROJECT_ID, "schema": {"type": ["string", "null"], "description": "The label config."}},
}
_PREDICT = {
    "type": "object",
    "required": ["tasks"],
    "properties": {
        "project": _PROJECT_ID,
        "tasks": {"type": "array", "items": {"description": "A task; anything else gets an empty prediction."}},
        "label_config": {"type": "string"},
    },
}
_ID = {"type": "integer", "minimum": 1}
_OPINIONS = {"type": "integer", "minimum": 1, "maximum": 1000}
_NEXT = {
    "type": "object",
    "required": ["user"],
    "properties": {
        "user": _ID,
        "after_annotation": {**_ID, "description": "Wait up to 200 ms for the round that contains this annotation."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
        "task": {**_ID, "description": "A task that the user has already: the answer is about it alone."},
        "overlap": {**_OPINIONS, "default": 1, "description": "How many annotations complete a task of the project."},
    },
}
_LEASE = {
    "type": "object",
    "required": ["task", "user"],
    "properties": {
        "task": _ID,
        "user": _ID,
        "seconds": {"type": "integer", "minimum": 1, "maximum": 2592000, "default": 3600},
    },
}
_ACTION = {
    "type": "object",
    "required": ["action"],
    "properties": {
        "action": {"enum": ["pin", "hold", "requeue", "second_opinion", "rerank"]},
        "tasks": {"type": "array", "items": _ID, "minItems": 1, "maxItems": 10_000, "description": "All but rerank."},
        "user": {**_ID, "description": "Who asks for it."},
        "opinions": {
            **_OPINIONS,
            "description": "second_opinion: annotators in all; else one more than so far.",
        },
    },
}
_VERSION = {"type": "integer", "minimum": 0}
_BY = {"type": "string", "minLength": 1, "maxLength": 200, "description": "Who saves it."}
_SETTINGS = {
    "type": "object",
    "required": ["settings", "if_version", "by"],
    "properties": {
        "settings": {"type": "object", "description": "Fields of QueueSettings; those left out stay as they are."},
        "if_version": {**_VERSION, "description": "Saved only if this version still stands."},
        "by": _BY,
    },
}
_BACK = {
    "type": "object",
    "required": ["version", "if_version", "by"],
    "properties": {"version": _VERSION, "if_version": _VERSION, "by": _BY},
}
_COMPARE = {
    "type": "object",
    "properties": {
        "a": {"type": "object", "description": "Fields of QueueSettings; those left out are as they stand."},
        "b": {"type": "object", "description": "The same."},
        "places": {"type": "integer", "minimum": 1, "maximum": 400, "default": 50},
    },
}
_SINCE = {
    "name": "since",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `mark` of an earlier answer: only what changed since, or the whole where it is not remembered.",
}
_HEAD = {
    "name": "head",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "default": 0, "minimum": 0, "maximum": 1000},
    "description": "With `since`: only of tasks that are or were among the first so many; 0: of all.",
}
_NAMED = {
    "type": "object",
    "required": ["name", "by"],
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 80}, "by": _BY},
}
_WEBHOOK_BODY = {"type": "object", "required": ["action"], "properties": {"action": {"type": "string"}}}


def _choice(name: str, *values: str) -> dict[str, Any]:
    schema = {"enum": list(values), "default": values[0]}
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _text(name: str, says: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": says}


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    summary: str
    security: list[dict[str, list[str]]]
    answer: type[BaseModel] | None = None
    """None: not one of our shapes."""
    body: dict[str, Any] | None = None
    status: int = 200
    errors: dict[int, str] = field(default_factory=dict)
    media: str = "application/json"
    later: bool = False
    """Whether it may also answer 202, in the same shape."""
    queries: tuple[dict[str, Any], ...] = ()


_UNKNOWN = {404: "The project is not connected, or there is no such task."}
_BUSY = {503: "Nothing was stored; try again."}
_FASTER = {409: "Somebody else saved meanwhile; the message says who and what."}
_ROUTES = (
    _Route("get", "/health", "The service is up. Constant time.", _OPEN, shapes.Health),
    _Route(
        "post",
        "/setup",
        "The version of the project's model.",
        _BACKEND,
        shapes.Setup,
        _SETUP,
        errors={422: "The label config has nothing that LabelCue can learn."},
    ),
    _Route("get", "/versions", "The present versions.", _BACKEND, shapes.Versions),
    _Route("post", "/predict", "One prediction a task, in order.", _BACKEND, shapes.Predictions, _PREDICT),
    _Route(
        "post",
        "/webhook",
        "Store what Label Studio tells; answered when it is on disk.",
        _WEBHOOK,
        shapes.Stored,
        _WEBHOOK_BODY,
        errors={404: "The project is not connected.", 503: "Nothing was stored; try again."},
    ),
    _Route("get", "/api/projects", "All connected projects.", _API, shapes.Projects),
    _Route("get", "/api/projects/{project}", "One project's state.", _API, shapes.Project, errors=_UNKNOWN),
    _Route("get", "/api/projects/{project}/queue", "The queue, next task first.", _API, shapes.Queue, errors=_UNKNOWN),
    _Route("get", "/api/projects/{project}/tasks/{task}", "One task's standing.", _API, shapes.Place, errors=_UNKNOWN),
    _Route(
        "post",
        "/api/projects/{project}/reconcile",
        "Look now for what the webhooks missed.",
        _API,
        shapes.Asked,
        status=202,
        errors=_UNKNOWN,
    ),
    _Route(
        "post",
        "/api/projects/{project}/next",
        "The next tasks for an annotator, without those that others hold.",
        _API,
        shapes.Next,
        _NEXT,
        errors=_UNKNOWN,
    ),
    _Route(
        "post",
        "/api/projects/{project}/leases",
        "A task was handed out to an annotator.",
        _API,
        shapes.Lease,
        _LEASE,
        errors=_UNKNOWN | _BUSY,
    ),
    _Route(
        "delete",
        "/api/projects/{project}/leases/{task}",
        "A lease ends without an annotation.",
        _API,
        shapes.Freed,
        errors=_UNKNOWN | _BUSY,
    ),
    _Route(
        "post",
        "/api/projects/{project}/actions",
        "What an admin asks for: tasks first, held back, let go of, labelled once more; or everything ranked anew.",
        _API,
        shapes.Taken,
        _ACTION,
        status=202,
        errors=_UNKNOWN | _BUSY,
    ),
    _Route(
        "get",
        "/api/catalogue",
        "The strategies and surrogates that can be chosen.",
        _API,
        settings_shapes.Choices,
        errors={404: "The learner has never run."},
    ),
    _Route(
        "get",
        "/api/projects/{project}/settings",
        "The settings of the queue, and every version of them.",
        _API,
        settings_shapes.SettingsHistory,
        errors=_UNKNOWN,
    ),
    _Route(
        "put",
        "/api/projects/{project}/settings",
        "A new version of the settings; the queue follows within a second.",
        _API,
        settings_shapes.SavedSettings,
        _SETTINGS,
        errors=_UNKNOWN | _FASTER | _BUSY,
    ),
    _Route(
        "post",
        "/api/projects/{project}/settings/back",
        "A new version that is as an earlier one was.",
        _API,
        settings_shapes.SavedSettings,
        _BACK,
        errors=_UNKNOWN | _FASTER | _BUSY,
    ),
    _Route(
        "post",
        "/api/projects/{project}/comparisons",
        "The first places of the queue under two settings, side by side; nothing is saved. 202: fetch it later.",
        _API,
        settings_shapes.Compared,
        _COMPARE,
        errors=_UNKNOWN,
        later=True,
    ),
    _Route(
        "get",
        "/api/projects/{project}/comparisons/{comparison}",
        "The same, fetched later; 202 while the learner has not answered.",
        _API,
        settings_shapes.Compared,
        errors=_UNKNOWN,
        later=True,
    ),
    _Route(
        "get",
        "/api/projects/{project}/audits",
        "How many tasks measure the model.",
        _API,
        settings_shapes.Audits,
        errors=_UNKNOWN,
    ),
    _Route(
        "post",
        "/api/projects/{project}/audits/retire",
        "Let the model learn from all audits of so far; a new sample begins.",
        _API,
        settings_shapes.Retired,
        {"type": "object", "required": ["by"], "properties": {"by": _BY}},
        errors=_UNKNOWN | _BUSY,
    ),
    _Route(
        "get",
        "/api/projects/{project}/export",
        "A file of labels, disagreements, predictions or drawn tasks; of a named snapshot where one is named.",
        _API,
        errors=_UNKNOWN | {400: "There is no such export."},
        queries=(
            _choice("what", "labelled", "selected", "disagreements", "predictions"),
            _choice("format", "json", "csv", "parquet"),
            _text("snapshot", "The name of a snapshot; its labelled set has the same bytes whenever it is asked."),
        ),
    ),
    _Route(
        "get",
        "/api/projects/{project}/snapshots",
        "Every named snapshot.",
        _API,
        export_shapes.NamedSnapshots,
        errors=_UNKNOWN,
    ),
    _Route(
        "post",
        "/api/projects/{project}/snapshots",
        "Name what stands now.",
        _API,
        export_shapes.NamedSnapshot,
        _NAMED,
        errors=_UNKNOWN | _BUSY | {409: "The name is taken."},
    ),
    _Route(
        "get",
        "/api/projects/{project}/snapshots/changes",
        "What became of labels between two snapshots.",
        _API,
        export_shapes.Changelog,
        errors=_UNKNOWN,
        queries=(_text("before", "A snapshot's name."), _text("after", "A snapshot's name; left out: now.")),
    ),
    _Route("get", "/metrics", "Counters in Prometheus' text format.", _API, media="text/plain"),
    _Route("get", "/openapi.json", "This description.", _OPEN),
)


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The whole document."""
    answers = [(route.answer, "serialization") for route in _ROUTES if route.answer is not None]
    _, schemas = models_json_schema([*answers, (shapes.Failure, "serialization")], ref_template=_REFERENCE + "{model}")  # type: ignore[list-item]
    paths: dict[str, dict[str, Any]] = {}
    for route in _ROUTES:
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


def _operation(route: _Route) -> dict[str, Any]:
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
        parameters += [_paging("limit", 50, 1, 1000), _paging("offset", 0, 0, 10**12), _SINCE, _HEAD]
    if route.method == "delete":
        parameters.append({"name": "user", "in": "query", "required": True, "schema": _ID})
    parameters += route.queries
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    return operation


def _errors(route: _Route) -> Iterator[tuple[int, str]]:
    if route.security:
        yield 401, "The secret is missing or wrong."
    if route.body is not None:
        yield 400, "The body or a parameter cannot be read."
        yield 413, "The body is over the limit."
        yield 415, "The body is compressed."
    elif route.path.endswith("/queue") or route.method == "delete":
        yield 400, "A parameter cannot be read."
    yield from route.errors.items()


def _response(route: _Route) -> dict[str, Any]:
    schema: dict[str, Any] = _OBJECT if route.media == "application/json" else {"type": "string"}
    if route.answer is not None:
        schema = {"$ref": _REFERENCE + route.answer.__name__}
    return {"description": route.summary, "content": {route.media: {"schema": schema}}}


def _failure(said: str) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": {"schema": {"$ref": _REFERENCE + "Failure"}}}}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}


def _paging(name: str, default: int, least: int, most: int) -> dict[str, Any]:
    schema = {"type": "integer", "default": default, "minimum": least, "maximum": most}
    return {"name": name, "in": "query", "required": False, "schema": schema}
