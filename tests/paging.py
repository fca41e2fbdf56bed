"""A browser's stand-in that is logged in to the admins' pages, for tests of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from labelcue.service.app import create_app
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind
from servicing import NOW, PASSWORD, XML, service_of, settings_of

_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """Follows redirects, and sends forms with the token of the page that it saw last."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._token = ""

    def get(self, path: str, **given: Any) -> TestResponse:
        return self._seen(self.client.get(path, follow_redirects=True, buffered=True, **given))

    def post(self, path: str, **fields: Any) -> TestResponse:
        data = {"csrf": self._token, **fields}
        return self._seen(self.client.post(path, data=data, follow_redirects=True, buffered=True))

    def log_in(self, name: str = "Ada", secret: str = PASSWORD) -> TestResponse:
        self.get("/login")
        return self.post("/login", name=name, secret=secret)

    def _seen(self, answer: TestResponse) -> TestResponse:
        found = _TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self._token = found.group(1) if found else self._token
        return answer


def visitor_of(home: Path, clock: Callable[[], float] = lambda: NOW, **changes: Any) -> Visitor:
    """Nobody yet; `log_in` makes it somebody."""
    return Visitor(create_app(settings_of(home, **changes), clock=clock).test_client())


def fill(visitor: Visitor, texts: dict[int, str], labels: dict[int, str], project: int = 10) -> None:
    """`plant` into the ledger of the visitor's service."""
    plant(service_of(visitor.client.application).ledger, texts, labels, project)


def plant(ledger: Ledger, texts: dict[int, str], labels: dict[int, str], project: int = 10) -> None:
    """Tasks with these texts and labels of one user, a minute apart."""
    events = [Event(project, Kind.LABEL_CONFIG, "label_config:1", {"label_config": XML, "updated_at": ""})]
    for task, text in texts.items():
        body = {"task": task, "data": {"text": text}, "updated_at": "2026-11-21T01:00:00Z"}
        events.append(Event(project, Kind.TASK, f"task:{task}", body))
    for place, (task, label) in enumerate(labels.items()):
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
        at = f"2027-01-15T07:{place % 60:02}:00Z"
        body = {"annotation": task, "task": task, "user": 7, "updated_at": at, "cancelled": False, "result": [region]}
        events.append(Event(project, Kind.ANNOTATION, f"annotation:{task}", body))
    ledger.append(events)
