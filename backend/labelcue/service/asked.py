"""What the REST API is asked with: bodies and query parameters, in JSON Schema."""

from __future__ import annotations

from typing import Any

PROJECT_ID = {"description": 'Label Studio\'s "id.timeOfCreation", or the id.', "type": ["string", "integer"]}
SETUP = {
    "type": "object",
    "required": ["project"],
    "properties": {"project": PROJECT_ID, "schema": {"type": ["string", "null"], "description": "The label config."}},
}
PREDICT = {
    "type": "object",
    "required": ["tasks"],
    "properties": {
        "project": PROJECT_ID,
        "tasks": {"type": "array", "items": {"description": "A task; anything else gets an empty prediction."}},
        "label_config": {"type": "string"},
    },
}
ID = {"type": "integer", "minimum": 1}
OPINIONS = {"type": "integer", "minimum": 1, "maximum": 1000}
NEXT = {
    "type": "object",
    "required": ["user"],
    "properties": {
        "user": ID,
        "after_annotation": {**ID, "description": "Wait up to 200 ms for the order that contains this annotation."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
        "task": {**ID, "description": "A task that the user has already: the answer is about it alone."},
        "overlap": {**OPINIONS, "default": 1, "description": "How many annotations complete a task of the project."},
    },
}
LEASE = {
    "type": "object",
    "required": ["task", "user"],
    "properties": {
        "task": ID,
        "user": ID,
        "seconds": {"type": "integer", "minimum": 1, "maximum": 2592000, "default": 3600},
    },
}
ACTION = {
    "type": "object",
    "required": ["action"],
    "properties": {
        "action": {"enum": ["pin", "hold", "requeue", "second_opinion", "rerank"]},
        "tasks": {"type": "array", "items": ID, "minItems": 1, "maxItems": 10_000, "description": "All but rerank."},
        "user": {**ID, "description": "Who asks for it."},
        "opinions": {
            **OPINIONS,
            "description": "second_opinion: annotators in all; else one more than so far.",
        },
    },
}
VERSION = {"type": "integer", "minimum": 0}
BY = {"type": "string", "minLength": 1, "maxLength": 200, "description": "Who saves it."}
SETTINGS = {
    "type": "object",
    "required": ["settings", "if_version", "by"],
    "properties": {
        "settings": {"type": "object", "description": "Fields of QueueSettings; those left out stay as they are."},
        "if_version": {**VERSION, "description": "Saved only if this version still stands."},
        "by": BY,
    },
}
BACK = {
    "type": "object",
    "required": ["version", "if_version", "by"],
    "properties": {"version": VERSION, "if_version": VERSION, "by": BY},
}
COMPARE = {
    "type": "object",
    "properties": {
        "a": {"type": "object", "description": "Fields of QueueSettings; those left out are as they stand."},
        "b": {"type": "object", "description": "The same."},
        "places": {"type": "integer", "minimum": 1, "maximum": 400, "default": 50},
    },
}
SINCE = {
    "name": "since",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `mark` of an earlier answer: only what changed since, or the whole where it is not remembered.",
}
HEAD = {
    "name": "head",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "default": 0, "minimum": 0, "maximum": 1000},
    "description": "With `since`: only of tasks that are or were among the first so many; 0: of all.",
}
NAMED = {
    "type": "object",
    "required": ["name", "by"],
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 80}, "by": BY},
}
WEBHOOK_BODY = {"type": "object", "required": ["action"], "properties": {"action": {"type": "string"}}}


def choice(name: str, *values: str) -> dict[str, Any]:
    """A parameter with one of these values; the first is meant where it is not given."""
    schema = {"enum": list(values), "default": values[0]}
    return {"name": name, "in": "query", "required": False, "schema": schema}


def text(name: str, says: str) -> dict[str, Any]:
    """A parameter with any text."""
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": says}


def paging(name: str, default: int, least: int, most: int) -> dict[str, Any]:
    """A parameter that counts, with its limits."""
    schema = {"type": "integer", "default": default, "minimum": least, "maximum": most}
    return {"name": name, "in": "query", "required": False, "schema": schema}
