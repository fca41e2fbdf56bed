"""Which labels deserve a second look, whether annotators agree, and where the next label is worth most."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.service.choosing import Choosing
from labelcue.service.pages.reading import Reader
from labelcue.service.pages.session import Door
from labelcue.service.pages.words import plural
from labelcue.types import TaskId

SUSPECTS = 100
HARDEST = 25
SECOND = 25
"""Rows of each table."""


class Quality:
    """Two routes."""

    def __init__(self, reader: Reader, door: Door, choosing: Choosing) -> None:
        self._reader = reader
        self._door = door
        self._choosing = choosing

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its routes."""
        routes.add_url_rule("/projects/<int:project>/quality", "quality", self.page)
        routes.add_url_rule("/projects/<int:project>/quality/retire", "retire", self.retire, methods=["POST"])

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
            "quality.html",
            seen=seen,
            report=report,
            suspects=suspects,
            hardest=hardest,
            second=second,
            texts=texts,
            by_plugin=seen.by_plugin,
            audits=seen.snapshot.held_out if seen.snapshot is not None else 0,
        )

    def retire(self, project: int) -> ResponseReturnValue:
        """Let the model learn from all audits of so far, once it is said that this is meant."""
        self._reader.project(project)
        if request.form.get("sure") != "yes":
            raise BadRequest(
                "Retiring audits cannot be taken back, and it was not confirmed.", "Tick the box beside the button."
            )
        retired = self._choosing.desk(project).retire(by=self._door.name())
        flash(f"{plural(retired, 'audit')} retired: the model learns from them in its next round.")
        return redirect(f"/projects/{project}/quality", 303)
