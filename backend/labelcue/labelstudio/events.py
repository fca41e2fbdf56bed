"""Webhook bodies as events of the ledger. Pure.

What Label Studio 1.23 sends (backend/docs/events.md has the table): creations and updates whole, deletions as ids
alone, imports without the annotations that came with them, our own PATCH of a project as PROJECT_UPDATED. The
constructors of events stand here too, for those who read the same items from the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

from labelcue.errors import BadRequest
from labelcue.labelstudio.items import (
    annotation_deleted_event,
    annotation_event,
    label_config_event,
    project_deleted_event,
    task_deleted_event,
    task_event,
    train_event,
)
from labelcue.labelstudio.values import ID_LIMIT, read_json, timestamp
from labelcue.types import Event, Json

NO_PAYLOAD = "the webhook sends no payload (send_payload is off); reconcile will fetch what changed"

MOST_PROBLEMS = 100
"""Problems of one body that are told one by one."""

IGNORED: Mapping[str, str] = MappingProxyType(
    {
        "PROJECT_CREATED": "a project that is not connected; `labelcue connect` makes it known",
        "LABEL_LINK_CREATED": "label links are not used for learning",
        "LABEL_LINK_UPDATED": "label links are not used for learning",
        "LABEL_LINK_DELETED": "label links are not used for learning",
    }
)
"""Actions that change nothing here, with the reason."""

Make = Callable[[int, Json], Event]
_CREATED: tuple[tuple[str, Make], ...] = (("task", task_event), ("annotation", annotation_event))
_LISTS: Mapping[str, tuple[tuple[str, Make], ...]] = MappingProxyType(
    {
        "TASKS_CREATED": (("tasks", task_event),),
        "TASKS_DELETED": (("tasks", task_deleted_event),),
        "ANNOTATION_CREATED": _CREATED,
        "ANNOTATIONS_CREATED": _CREATED,
        "ANNOTATION_UPDATED": _CREATED,
        "ANNOTATIONS_DELETED": (("annotations", annotation_deleted_event),),
    }
)
"""Where an action's items stand in its body, one or a list of them; the last key must be there."""

SUBSCRIBED: tuple[str, ...] = (*_LISTS, "PROJECT_UPDATED")
"""The actions that a project's webhook should send: all that a project can send and that change something here."""

HANDLED: tuple[str, ...] = (*SUBSCRIBED, "PROJECT_DELETED", "START_TRAINING")
"""The actions that change something here; PROJECT_DELETED comes from an organization's webhook alone."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one webhook body says."""

    project: int | None
    action: str
    events: tuple[Event, ...] = ()
    """Ready to append, in the order of the body."""
    ignored: str | None = None
    """Why the body changes nothing, where it does not."""
    problems: tuple[str, ...] = ()
    """Items that could not be read, each with its reason, and data that was cut; the others are in `events`."""
    label_config: str | None = None
    """The label config that PROJECT_UPDATED carries, changed or not: Label Studio sends it for any change."""
    config_event: Event | None = None
    """The event to append where `label_config` differs from what is known."""
    hint: bool = False
    """Something happened that the body does not tell: a reconcile should run soon."""


def parse_webhook(raw: bytes) -> Parsed:
    """What Label Studio says in one request; raises BadRequest where it is no webhook body at all.

    An item that cannot be read becomes one of `problems` and never spoils the others. Problems and errors quote no
    text of the body, so that they may be logged.
    """
    body = read_json(raw)
    action = body.get("action") if isinstance(body, dict) else None
    if not isinstance(action, str) or not action:
        raise BadRequest("The body names no action.", 'Send an object with "action", as Label Studio does.')
    project = _project(body)
    if action not in HANDLED:
        shown = ascii(action[:80])[1:-1]
        return Parsed(project, shown, ignored=IGNORED.get(action, "LabelCue does not know this action"))
    if set(body) == {"action"}:
        return Parsed(None, action, ignored=NO_PAYLOAD, hint=True)
    if project is None:
        raise BadRequest(f"The {action} body names no project.", "Send the project as an object with its id.")
    if action in _LISTS:
        return _listed(project, action, body)
    if action == "PROJECT_UPDATED":
        return _project_updated(project, action, body["project"])
    event = project_deleted_event(project) if action == "PROJECT_DELETED" else train_event(project, _sha(raw))
    return Parsed(project, action, (event,))


def _project(body: Mapping[str, Json]) -> int | None:
    value = body.get("project")
    number = value.get("id") if isinstance(value, dict) else value
    return number if type(number) is int and 0 < number < ID_LIMIT else None


def _sha(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def _listed(project: int, action: str, body: Mapping[str, Json]) -> Parsed:
    events: list[Event] = []
    problems: list[str] = []
    for key, make in _LISTS[action]:
        _gather(events, problems, key, (_made(make, project, item) for item in _several(body.get(key))))
    needed = _LISTS[action][-1][0]
    if body.get(needed) is None:
        problems.append(f"the body has no {needed!r}")
    hint = False
    if action == "TASKS_CREATED":
        rows = [row for row in _several(body.get("tasks")) if isinstance(row, dict)]
        inside = [annotation for row in rows for annotation in _several(row.get("annotations"))]
        _gather(events, problems, "annotations", (_made(annotation_event, project, item) for item in inside))
        # An import tells how many annotations came with a task, but not which.
        hint = any(_counts(row) and not row.get("annotations") for row in rows)
    if len(problems) > MOST_PROBLEMS:
        problems[MOST_PROBLEMS:] = [f"and {len(problems) - MOST_PROBLEMS} more"]
    return Parsed(project, action, tuple(events), problems=tuple(problems), hint=hint)


def _several(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _made(make: Make, project: int, item: Json) -> Event | BadRequest:
    try:
        return make(project, item)
    except BadRequest as error:
        return error


def _gather(events: list[Event], problems: list[str], key: str, made: Iterable[Event | BadRequest]) -> None:
    for place, event in enumerate(made):
        if isinstance(event, BadRequest):
            problems.append(f"{key}[{place}]: {event.message}")
            continue
        events.append(event)
        if event.body.get("cut"):
            problems.append(f"{key}[{place}]: task {event.body['task']}: its data was cut")


def _counts(task: Mapping[str, Json]) -> bool:
    counts = (task.get("total_annotations"), task.get("cancelled_annotations"))
    return any(isinstance(count, int) and count > 0 for count in counts)


def _project_updated(project: int, action: str, told: Json) -> Parsed:
    xml = told.get("label_config") if isinstance(told, dict) else None
    if not isinstance(xml, str) or not xml:
        return Parsed(project, action, ignored="the project carries no label config")
    moment = told.get("updated_at") or told.get("created_at") or ""
    try:
        event = label_config_event(project, xml, moment if isinstance(moment, str) else "")
    except BadRequest as error:
        return Parsed(project, action, problems=(error.message,))
    return Parsed(project, action, label_config=event.body["label_config"], config_event=event)


__all__ = [
    "HANDLED",
    "IGNORED",
    "SUBSCRIBED",
    "Parsed",
    "annotation_deleted_event",
    "annotation_event",
    "label_config_event",
    "parse_webhook",
    "project_deleted_event",
    "task_deleted_event",
    "task_event",
    "timestamp",
    "train_event",
]
