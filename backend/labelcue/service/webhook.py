"""/webhook: what Label Studio tells goes into the ledger, and only then is it answered.

Label Studio sends each webhook once, inside the annotator's submit, and waits one second. So nothing else happens
here: no training, no call of Label Studio.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from itertools import islice

import structlog
from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from labelcue.errors import NotAuthorised
from labelcue.labelstudio.events import Parsed, parse_webhook
from labelcue.service.bodies import raw_body
from labelcue.service.context import Service
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind

log = structlog.get_logger(__name__)
LOOK_AHEAD = 5000
"""Events that one request reads to learn the latest label config."""
SAME_CONFIG = "the label config is the one that is known"


@dataclass
class _Latest:
    """The latest label config of a project up to a position of the ledger, by the fold's rule."""

    position: int = 0
    mark: tuple[str, str] = ("", "")
    """Its updated_at and key: the larger one is the latest."""
    xml: str | None = None


class Configs:
    """Which label config the ledger has as a project's latest. Thread-safe; reads each event once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[int, _Latest] = {}

    def is_known(self, ledger: Ledger, project: int, xml: str) -> bool:
        """Whether `xml` is the project's latest; False also where the ledger is too long to say so in time."""
        with self._lock:
            latest = self._latest.setdefault(project, _Latest())
            for event in islice(ledger.read(project, after=latest.position), LOOK_AHEAD):
                latest.position = event.position
                if event.kind is Kind.LABEL_CONFIG:
                    _apply(latest, event)
            return latest.xml == xml and latest.position >= ledger.position(project)


def _apply(latest: _Latest, event: Event) -> None:
    mark = (str(event.body["updated_at"]), event.key)
    if mark >= latest.mark:
        latest.mark, latest.xml = mark, str(event.body["label_config"])


class Webhook:
    """The route and what it needs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._configs = Configs()

    def blueprint(self) -> Blueprint:
        """The route behind the secret header, or HTTP Basic."""
        routes = Blueprint("webhook", __name__)
        routes.before_request(self._admit)
        routes.add_url_rule("/webhook", view_func=self.receive, methods=["POST"])
        return routes

    def _admit(self) -> None:
        """Before the body is read: nobody else's is."""
        g.may_tell_of = self._service.guard.webhook(request.headers)

    def receive(self) -> ResponseReturnValue:
        """Append, then answer. StoreBusy becomes 503: never an acknowledgement of what is not on disk."""
        parsed = self._allowed(parse_webhook(raw_body()))
        if parsed.project is not None:
            self._service.require(parsed.project)
            self._service.heard[parsed.project] = self._service.clock()
        events, ignored = self._events(parsed)
        if events:
            self._service.append(events)
            self._service.metrics.events(len(events))
        self._tell(parsed)
        return {"stored": len(events), "ignored": ignored, "problems": list(parsed.problems)}

    def _allowed(self, parsed: Parsed) -> Parsed:
        """What it says, if the sender's secret is the one of that project. Raises NotAuthorised."""
        own: int | None = g.may_tell_of
        if own is None or parsed.project == own:
            return parsed
        if parsed.project is None:
            return replace(parsed, project=own)
        raise NotAuthorised(
            f"The secret is not the one of project {parsed.project}.",
            f"Run `labelcue connect URL --project {parsed.project}`, which gives its webhook its own.",
        )

    def _events(self, parsed: Parsed) -> tuple[list[Event], str | None]:
        """What to store, and why it is less than what was told."""
        config = parsed.config_event
        if config is None or parsed.project is None:
            return list(parsed.events), parsed.ignored
        # Our own PATCH of the project comes back as PROJECT_UPDATED, at each rotation of the frontier.
        if self._configs.is_known(self._service.ledger, parsed.project, str(parsed.label_config)):
            return list(parsed.events), SAME_CONFIG
        return [*parsed.events, config], parsed.ignored

    def _tell(self, parsed: Parsed) -> None:
        if parsed.problems:
            log.warning(
                "webhook with unreadable items",
                project=parsed.project,
                action=parsed.action,
                count=len(parsed.problems),
                problems=list(parsed.problems[:5]),
            )
        if parsed.hint:
            projects = [parsed.project] if parsed.project is not None else self._service.home.projects()
            for project in projects:
                self._service.wake(project)
