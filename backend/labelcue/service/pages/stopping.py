"""Whether to stop labelling: the evidence and the advice on one page."""

from __future__ import annotations

from flask import Blueprint, render_template, request, session
from flask.typing import ResponseReturnValue

from labelcue.service.pages.budget import budget
from labelcue.service.pages.reading import Reader


class Stopping:
    """One route."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its route."""
        routes.add_url_rule("/projects/<int:project>/stopping", "stopping", self.page)

    def page(self, project: int) -> ResponseReturnValue:
        """Stability, expected gain, cost, the recommendation and what it rests on."""
        seen = self._reader.project(project)
        asked = budget(request.args, session, seen.report["curve"])
        return render_template("stopping.html", seen=seen, report=seen.report, budget=asked)
