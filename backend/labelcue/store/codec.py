"""Events as rows. Every engine stores these, so all of them refuse the same events and give back the same values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from labelcue.errors import BadRequest
from labelcue.store.base import damaged
from labelcue.types import Event, Kind

_INT64 = 2**63

REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.TASK: ("task", "data", "updated_at"),
    Kind.TASK_DELETED: ("task",),
    Kind.ANNOTATION: ("annotation", "task", "user", "updated_at", "cancelled", "result"),
    Kind.ANNOTATION_DELETED: ("annotation",),
    Kind.LABEL_CONFIG: ("label_config", "updated_at"),
    Kind.STRATEGY: ("name", "params"),
    Kind.SETTINGS: ("version", "settings", "by", "token"),
    Kind.DRAW: ("task", "stream", "propensity", "round"),
    Kind.RETIRE: (),
    Kind.TRAIN: (),
    Kind.LEASE: ("task", "user", "expires"),
    Kind.RELEASE: ("task", "user"),
    Kind.PIN: ("task",),
    Kind.HOLD: ("task",),
    Kind.REQUEUE: ("task",),
    Kind.SECOND_OPINION: ("task", "opinions"),
    Kind.PREDICTION: ("task", "version", "score", "result"),
    Kind.CROPS: ("task", "of", "said"),
    Kind.MARK: ("name", "upto", "sha256", "rows", "by"),
    Kind.PROJECT_DELETED: (),
}
"""The keys without which a body cannot be folded. What is stored stays for ever, so it is checked before."""


class Row(NamedTuple):
    """An event as an engine keeps it; `body` is JSON."""

    position: int
    project: int
    kind: str
    key: str
    body: str
    at: float


def pack(event: Event, at: float) -> Row:
    """The row of an event that the store received at `at`; position 0. Raises BadRequest where it cannot be stored."""
    problem = _problem(event)
    if problem:
        raise BadRequest(f"The event {event.key!r} cannot be stored: {problem}.", "Send it as the API describes it.")
    try:
        return Row(0, event.project, event.kind.value, event.key, _dump(event.body), at)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"The event {event.key!r} cannot be stored: {error}.", "Send plain JSON values.") from error


def unpack(row: Row) -> Event:
    """The event of a row. Raises Corrupt where it is not one that `pack` made."""
    try:
        body = json.loads(row.body)
        return Event(row.project, Kind(row.kind), row.key, body, row.position, row.at)
    except (TypeError, ValueError) as error:
        raise damaged(f"Event {row.position} of the ledger", error) from error


def _problem(event: Event) -> str:
    """Why it cannot be stored, or an empty string."""
    if not _is_id(event.project):
        return f"its project {event.project!r} is no id"
    if not isinstance(event.key, str) or not event.key or not _is_utf8(event.key):
        return "its key is no text"
    missing = [name for name in REQUIRED[event.kind] if name not in event.body]
    if missing:
        return f"its body lacks {', '.join(missing)}"
    wrong = [name for name, allows in _VALUES.items() if name in event.body and not allows(event.body[name])]
    return f"its {wrong[0]} {event.body[wrong[0]]!r} is none" if wrong else ""


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT64


def _is_user(value: object) -> bool:
    return value is None or _is_id(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_utf8(text: str) -> bool:
    """Half a surrogate pair, which JSON allows, is not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dump(body: Mapping[str, object]) -> str:
    text = json.dumps(dict(body), ensure_ascii=False, separators=(",", ":"))
    return text if _is_utf8(text) else json.dumps(dict(body), separators=(",", ":"))


_VALUES: Mapping[str, Callable[[object], bool]] = {
    "task": _is_id,
    "annotation": _is_id,
    "opinions": _is_id,
    "user": _is_user,
    "expires": _is_number,
    "stream": lambda value: value in ("audit", "explore"),
    "propensity": _is_number,
    "settings": lambda value: isinstance(value, dict),
}
