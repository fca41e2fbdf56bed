"""What admins choose for a queue: the settings that stand, their history, and new versions of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest, NotFound
from labelcue.queueing.catalogue import Catalogue, read_catalogue
from labelcue.queueing.comparing import MOST, PLACES, Comparison, Question, answer, ask, is_asked
from labelcue.queueing.desk import Desk
from labelcue.queueing.history import History
from labelcue.service.bodies import json_object
from labelcue.service.context import Service
from labelcue.service.settings_shapes import Audits, Compared, Retired, SettingsHistory, saved_of
from labelcue.service.shapes import Shape
from labelcue.types import Json

WAIT_S = 3.0
"""How long a request waits for the learner's comparison."""
LOOK_S = 0.02
PROJECT = "/api/projects/<int:project>"


class Choosing:
    """The routes and what they need."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._histories: dict[int, History] = {}

    def blueprint(self) -> Blueprint:
        """The routes behind HTTP Basic or Bearer."""
        routes = Blueprint("choosing", __name__)
        routes.before_request(lambda: self._service.guard.api(request.headers))
        routes.add_url_rule("/api/catalogue", view_func=self.catalogue)
        routes.add_url_rule(f"{PROJECT}/settings", view_func=self.settings)
        routes.add_url_rule(f"{PROJECT}/settings", "save", view_func=self.save, methods=["PUT"])
        routes.add_url_rule(f"{PROJECT}/settings/back", view_func=self.back, methods=["POST"])
        routes.add_url_rule(f"{PROJECT}/comparisons", view_func=self.compare, methods=["POST"])
        routes.add_url_rule(f"{PROJECT}/comparisons/<int:comparison>", view_func=self.compared)
        routes.add_url_rule(f"{PROJECT}/audits", view_func=self.audits)
        routes.add_url_rule(f"{PROJECT}/audits/retire", view_func=self.retire, methods=["POST"])
        return routes

    def desk(self, project: int) -> Desk:
        """Where the settings of a project are read and saved. Raises NotFound."""
        with self._lock:
            history = self._histories.setdefault(project, History(project))
        return Desk(
            self._service.settings,
            self._service.ledger,
            project,
            self._catalogue,
            history,
            snapshot=lambda: self._service.snapshot(project),
        )

    def catalogue(self) -> ResponseReturnValue:
        """What the learner can queue by."""
        return _json(self._catalogue())

    def settings(self, project: int) -> ResponseReturnValue:
        """The settings that stand, and every version of them."""
        told = [saved_of(version) for version in self.desk(project).versions]
        return _json(SettingsHistory(current=told[-1], history=told[::-1]))

    def save(self, project: int) -> ResponseReturnValue:
        """A new version; fields that are left out stay as they are."""
        desk, body = self.desk(project), json_object()
        wanted = body.get("settings")
        if not isinstance(wanted, dict):
            raise BadRequest("The body has no settings.", 'Send {"settings": {...}, "if_version": N, "by": "you"}.')
        return _json(saved_of(desk.save(wanted, if_version=_version(body, "if_version"), by=_name(body))))

    def back(self, project: int) -> ResponseReturnValue:
        """A new version that is as an earlier one was."""
        desk, body = self.desk(project), json_object()
        wanted, expected = _version(body, "version"), _version(body, "if_version")
        return _json(saved_of(desk.back(wanted, if_version=expected, by=_name(body))))

    def compare(self, project: int) -> ResponseReturnValue:
        """Ask the learner what two settings would do; the answer, if it comes in time."""
        self._service.require(project)
        body = json_object()
        wishes = [body.get(name, {}) for name in ("a", "b")]
        if not all(isinstance(wish, dict) for wish in wishes):
            raise BadRequest("'a' and 'b' are no settings.", 'Send {"a": {}, "b": {"strategy": "margin"}}.')
        number = self.ask(project, wishes[0], wishes[1], _places(body))
        deadline = time.monotonic() + WAIT_S
        while (found := self.answer(project, number)) is None and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return _compared(number, found)

    def compared(self, project: int, comparison: int) -> ResponseReturnValue:
        """The answer to an earlier question."""
        self._service.require(project)
        return _compared(comparison, self.answer(project, comparison))

    def ask(self, project: int, a: Mapping[str, Any], b: Mapping[str, Any], places: int = PLACES) -> int:
        """Ask the learner what two wishes, each on top of what stands, would do: the question's number.

        Raises NotFound, WrongSetting, StoreError.
        """
        desk = self.desk(project)
        now = desk.current.settings
        question = Question(a=desk.wish(a, now), b=desk.wish(b, now), places=places)
        return ask(self._service.home.project(project), question)

    def answer(self, project: int, comparison: int) -> Comparison | None:
        """The learner's answer, None while it is asked. Raises NotFound where nobody asks, Corrupt, StoreError."""
        folder = self._service.home.project(project)
        waits = is_asked(folder, comparison)  # before the look for the answer, which may come in between
        found = answer(folder, comparison)
        if found is None and not waits:
            raise NotFound(
                f"There is no comparison {comparison}; answers are kept for an hour.",
                f"Ask anew with POST …/projects/{project}/comparisons, or on the Strategy page.",
            )
        return found

    def audits(self, project: int) -> ResponseReturnValue:
        """How many tasks measure the model."""
        desk = self.desk(project)
        count = desk.audits()
        return _json(Audits(share=desk.current.settings.audit, labelled=count.labelled, waiting=count.waiting))

    def retire(self, project: int) -> ResponseReturnValue:
        """Let the model learn from all audits of so far."""
        desk, body = self.desk(project), json_object()
        return _json(Retired(retired=desk.retire(by=_name(body))))

    def _catalogue(self) -> Catalogue:
        return read_catalogue(self._service.home.catalogue)


def _compared(number: int, found: Comparison | None) -> ResponseReturnValue:
    if found is None:
        return _json(Compared(comparison=number, answer=None)), 202
    return _json(Compared(comparison=number, answer=found))


def _places(body: dict[str, Json]) -> int:
    value = body.get("places", PLACES)
    if type(value) is not int or not 1 <= value <= MOST:
        raise BadRequest(f"'places' is no whole number from 1 to {MOST}.", f"The default is {PLACES}.")
    return value


def _version(body: dict[str, Json], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or value < 0:
        raise BadRequest(f"{name!r} is no version.", "Send the number of a version, as GET …/settings tells it.")
    return value


def _name(body: dict[str, Json]) -> str:
    name = body.get("by")
    if not isinstance(name, str):
        raise BadRequest("It is not said who does this.", "Name yourself in 'by'.")
    return name


def _json(answer: Shape | Catalogue) -> Response:
    return Response(answer.model_dump_json(), content_type="application/json")
