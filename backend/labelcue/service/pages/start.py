"""The first page: every connected project and how it is."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from labelcue.service.pages.reading import Reader


class Start:
    """One route."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its route."""
        routes.add_url_rule("/", "start", self.page)

    def page(self) -> ResponseReturnValue:
        """All projects; how to connect one where there is none."""
        self._reader.warm()
        return render_template("start.html", projects=self._reader.projects())
