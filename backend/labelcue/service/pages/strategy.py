"""How the queue is ordered: choose, save as a version, go back, put single tasks first or hold them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest, LabelCueError, NotFound
from labelcue.queueing.comparing import NUMBERS
from labelcue.queueing.desk import Desk
from labelcue.queueing.history import Version
from labelcue.service.choosing import Choosing
from labelcue.service.pages import choices, offers
from labelcue.service.pages.comparing import Comparing
from labelcue.service.pages.reading import Reader
from labelcue.service.pages.session import Door
from labelcue.store.facets import read_facets
from labelcue.types import Kind

VERSIONS = 50
"""Versions that the history shows."""
LEVERS = 200
"""Pins and holds that are listed."""
COMPARE = "/projects/<int:project>/strategy/compare"


class Strategy:
    """Five routes."""

    def __init__(self, reader: Reader, door: Door, choosing: Choosing) -> None:
        self._reader = reader
        self._door = door
        self._choosing = choosing
        self._comparing = Comparing(reader, choosing)

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its routes."""
        routes.add_url_rule("/projects/<int:project>/strategy", "strategy", self.page)
        routes.add_url_rule("/projects/<int:project>/strategy", "save", self.save, methods=["POST"])
        routes.add_url_rule("/projects/<int:project>/strategy/back", "back", self.back, methods=["POST"])
        routes.add_url_rule(COMPARE, "compare", self.compare, methods=["POST"])
        routes.add_url_rule(f"{COMPARE}/<int(max={NUMBERS - 1}):number>", "compared", self.compared)

    def page(self, project: int) -> ResponseReturnValue:
        """What stands, and how it came about; `?typed=N`: with the form that comparison N was asked with."""
        self._reader.project(project)
        number = _number(request.args.get("typed", ""), 16)
        return self._render(project, None if number is None else self._comparing.typed(project, number))

    def compare(self, project: int) -> ResponseReturnValue:
        """Ask what the form's settings would do; the form comes back where they cannot be."""
        self._reader.project(project)
        try:
            _version("if_version")
            number = self._comparing.ask(project, request.form)
        except LabelCueError as error:
            return self._render(project, request.form, error), error.status
        return redirect(f"/projects/{project}/strategy/compare/{number}", 303)

    def compared(self, project: int, number: int) -> ResponseReturnValue:
        """Both queues side by side, or a page that looks again until they are there."""
        return self._comparing.render(project, number)

    def save(self, project: int) -> ResponseReturnValue:
        """A new version; where it cannot be, the form comes back with what was typed and the reason."""
        self._reader.project(project)
        desk = self._choosing.desk(project)
        before = desk.current.number
        try:
            wish = choices.wanted(request.form, desk.catalogue)
            saved = desk.save(wish, if_version=_version("if_version"), by=self._door.name())
        except LabelCueError as error:
            return self._render(project, request.form, error), error.status
        self._say(before, saved)
        return redirect(f"/projects/{project}/strategy", 303)

    def back(self, project: int) -> ResponseReturnValue:
        """A new version that is as an earlier one was."""
        self._reader.project(project)
        desk = self._choosing.desk(project)
        before = desk.current.number
        try:
            saved = desk.back(_version("version"), if_version=_version("if_version"), by=self._door.name())
        except LabelCueError as error:
            return self._render(project, None, error), error.status
        self._say(before, saved)
        return redirect(f"/projects/{project}/strategy", 303)

    def _say(self, before: int, saved: Version) -> None:
        if saved.number == before:
            flash("Nothing to save: it stands so already.")
        else:
            flash(f"Saved as version {saved.number}. The queue follows within a second.")

    def _render(self, project: int, form: Mapping[str, str] | None = None, problem: LabelCueError | None = None) -> str:
        seen = self._reader.project(project)
        desk = self._choosing.desk(project)
        with seen.history as history:
            levers = history.fold.levers
            pinned = [task for task, kind in levers.items() if kind is Kind.PIN]
            held = [task for task, kind in levers.items() if kind is Kind.HOLD]
            texts = history.texts([*pinned[:LEVERS], *held[:LEVERS]])
        versions, catalogue, typed = desk.versions, _catalogue(desk), _Typed(form)
        stands = versions[-1].settings
        return render_template(
            "strategy.html",
            seen=seen,
            version=versions[-1],
            versions=versions[: -VERSIONS - 1 : -1],
            strategies=catalogue
            and offers.strategies(catalogue, desk.kind, typed("strategy", stands.strategy), stands.strategy),
            surrogates=catalogue and offers.surrogates(catalogue, desk.kind, typed("surrogate", stands.surrogate)),
            classes=seen.snapshot.classes if seen.snapshot is not None else (),
            kind=desk.kind,
            kind_has_classes=desk.kind is None or desk.kind.exclusive,
            by_plugin=seen.by_plugin,
            fields=read_facets(self._reader.service.home.facets(project))[0],
            typed=typed,
            problem=problem,
            wrong=getattr(problem, "field", ""),
            pinned=pinned,
            held=held,
            texts=texts,
            choices=choices,
        )


class _Typed:
    """What was typed into a form that was refused; else what stands."""

    def __init__(self, form: Mapping[str, str] | None) -> None:
        self._form = form
        self.given = form is not None

    def __call__(self, name: str, stands: Any) -> Any:
        return stands if self._form is None else self._form.get(name, "")


def _catalogue(desk: Desk) -> Any:
    """None before the learner's first start."""
    try:
        return desk.catalogue
    except NotFound:
        return None


def _version(name: str) -> int:
    number = _number(request.form.get(name, ""), 9)
    if number is None:
        raise BadRequest("The form does not say which version it is about.", "Reload the page and send it again.")
    return number


def _number(text: str, digits: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
