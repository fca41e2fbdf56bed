"""Files to take away: labels, disagreements, predictions; named snapshots and what changed between them."""

from __future__ import annotations

import itertools

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from labelcue.exports import marks
from labelcue.exports.formats import FORMATS
from labelcue.exports.kinds import KINDS
from labelcue.service.exporting import Exporting
from labelcue.service.pages.reading import Reader
from labelcue.service.pages.session import Door

SHOWN = 500
"""Changes that are listed; all are counted."""


class Data:
    """Four routes."""

    def __init__(self, reader: Reader, door: Door, exporting: Exporting) -> None:
        self._reader = reader
        self._door = door
        self._exporting = exporting

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its routes."""
        routes.add_url_rule("/projects/<int:project>/data", "data", self.page)
        routes.add_url_rule("/projects/<int:project>/data/file", "file", self.file)
        routes.add_url_rule("/projects/<int:project>/data/changes", "changes", self.changes)
        routes.add_url_rule("/projects/<int:project>/data/snapshot", "snapshot", self.make, methods=["POST"])

    def page(self, project: int) -> ResponseReturnValue:
        """What can be taken away, and every snapshot."""
        seen = self._reader.project(project)
        with seen.history as history:
            labelled = history.labelled()
        known = marks.marks(self._reader.service.ledger, project)
        return render_template(
            "data.html", seen=seen, labelled=labelled, marks=known[::-1], kinds=KINDS, formats=list(FORMATS)
        )

    def file(self, project: int) -> ResponseReturnValue:
        """The file itself."""
        self._reader.project(project)
        given = request.args
        return self._exporting.file(project, given.get("what", ""), given.get("format", ""), given.get("snapshot", ""))

    def make(self, project: int) -> ResponseReturnValue:
        """Name what stands now."""
        self._reader.project(project)
        made = marks.make(self._reader.service.ledger, project, request.form.get("name", ""), self._door.name())
        flash(f"Snapshot {made.name!r} holds {made.rows:,} labelled tasks. It will give the same bytes for ever.")
        return redirect(f"/projects/{project}/data", 303)

    def changes(self, project: int) -> ResponseReturnValue:
        """What became of labels between two snapshots."""
        seen = self._reader.project(project)
        ledger = self._reader.service.ledger
        before, after = request.args.get("before", ""), request.args.get("after", "")
        start = marks.find(ledger, project, before)
        end = marks.find(ledger, project, after) if after else None
        counts, found = marks.changes(ledger, project, start.upto, end.upto if end else ledger.position(project))
        shown = list(itertools.islice(found, SHOWN))
        with seen.history as history:
            texts = history.texts(one.task for one in shown)
        return render_template(
            "changes.html", seen=seen, before=start, after=end, counts=counts, changes=shown, texts=texts
        )
