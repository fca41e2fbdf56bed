"""Webhooks as Label Studio sends them, each in a connection of its own, and what a ledger must have of them."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labelcue.store import open_ledger
from labelcue.types import Kind
from servicing import XML
from soak.processes import HOOK, PROJECT

START = datetime(2020, 1, 1, tzinfo=timezone.utc)
Mark = tuple[int, str]
"""An annotation's id and the moment of its change: one event."""


def annotations(client: int, turn: int, count: int) -> tuple[dict[str, Any], list[Mark]]:
    """A webhook about `count` annotations: changes of the client's own hundred, so that the state stays small."""
    made = []
    for place in range(count):
        at = f"{START + timedelta(seconds=turn * 100 + place):%Y-%m-%dT%H:%M:%S}.{1 + client:06}Z"
        number = 1000 * (client + 1) + place
        region = {"from_name": "label", "to_name": "text", "type": "choices"}
        region["value"] = {"choices": [("pos", "neg")[(turn + place) % 2]]}  # type: ignore[assignment]
        made.append(
            {
                "id": number,
                "task": 1 + number % 90,
                "completed_by": 1 + client,
                "was_cancelled": False,
                "created_at": at,
                "updated_at": at,
                "result": [region],
            }
        )
    single = {"action": "ANNOTATION_UPDATED", "annotation": made[0]}
    body = single if count == 1 else {"action": "ANNOTATIONS_CREATED", "annotation": made}
    marks = [(int(one["id"]), str(one["updated_at"])) for one in made]  # type: ignore[call-overload]
    return {**body, "project": {"id": PROJECT, "title": "soak"}}, marks


def config() -> dict[str, Any]:
    """A webhook about the project's label config."""
    project = {"id": PROJECT, "title": "soak", "label_config": XML, "updated_at": "2026-01-01T00:00:00Z"}
    return {"action": "PROJECT_UPDATED", "project": project}


def tasks(count: int) -> dict[str, Any]:
    """A webhook about tasks that were imported."""
    made = [{"id": number, "data": {"text": f"mail {number} about {number % 7}"}} for number in range(1, count + 1)]
    return {"action": "TASKS_CREATED", "tasks": made, "project": {"id": PROJECT, "title": "soak"}}


def post(url: str, body: Any, path: str = "/webhook", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON; raises OSError or HTTPException where the answer does not come whole."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as line:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        line.request("POST", path, raw, {"Content-Type": "application/json", **(HOOK if headers is None else headers)})
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())


def stored(home: Path) -> set[Mark]:
    """Every annotation's change in the ledger, after its own integrity check."""
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        ledger.check()
        found = ledger.read(PROJECT, kinds=(Kind.ANNOTATION,))
        return {(int(event.body["annotation"]), str(event.body["updated_at"])) for event in found}
