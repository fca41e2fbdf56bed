"""Which labels deserve a second look, whether annotators agree, and where the next label is worth most."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from labelcue.service.pages.reading import Reader
from labelcue.types import TaskId

SUSPECTS = 100
HARDEST = 25
SECOND = 25
"""Rows of each table."""


class Quality:
    """One route."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its route."""
        routes.add_url_rule("/projects/<int:project>/quality", "quality", self.page)

    def page(self, project: int) -> ResponseReturnValue:
        """Suspected label errors, agreement, confusion, hardest items, second opinions."""
        seen = self._reader.project(project)
        report = seen.report
        suspects = report["errors"]["suspects"][:SUSPECTS]
        hardest = report["agreement"]["hardest"][:HARDEST]
        second = report["spending"]["second"][:SECOND]
        shown = {one["task"] for one in suspects} | {task for task, _ in hardest} | set(second)
        with seen.history as history:
            texts = history.texts(TaskId(task) for task in shown)
        return render_template(
            "quality.html", seen=seen, report=report, suspects=suspects, hardest=hardest, second=second, texts=texts
        )
