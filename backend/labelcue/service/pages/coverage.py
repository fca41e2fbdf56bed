"""What of the pool is covered by labels: a map, slices, classes, near-duplicates, outliers, drift."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from labelcue.errors import BadRequest
from labelcue.service.choosing import Choosing
from labelcue.service.pages.reading import Reader, Seen
from labelcue.service.pages.session import Door
from labelcue.service.pages.words import share
from labelcue.store.facets import Facets, read_facets
from labelcue.types import TaskId

SLICES = 200
OUTLIERS = 25
GROUPS = 25
"""Rows of each table."""
FIELDS = 8
"""Fields by whose values the map can be coloured."""
COLOURED = 12
"""Values of a field that have a colour of their own, the most frequent first."""
PEEK = 240
"""Letters of a task that the map shows."""
QUOTA = 0.2
"""Share of the places that one click gives a slice."""


class Coverage:
    """Three routes."""

    def __init__(self, reader: Reader, door: Door, choosing: Choosing) -> None:
        self._reader = reader
        self._door = door
        self._choosing = choosing

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its routes."""
        routes.add_url_rule("/projects/<int:project>/coverage", "coverage", self.page)
        routes.add_url_rule("/projects/<int:project>/coverage/<int:task>", "peek", self.peek)
        routes.add_url_rule("/projects/<int:project>/coverage/slice", "slice", self.prioritise, methods=["POST"])

    def page(self, project: int) -> ResponseReturnValue:
        """Everything at a glance."""
        seen = self._reader.project(project)
        coverage = seen.report["coverage"]
        outliers, groups = coverage["outliers"][:OUTLIERS], coverage["copies"]["groups"][:GROUPS]
        shown = {task for task, _ in outliers} | {task for group in groups for task in group[:1]}
        with seen.history as history:
            texts = history.texts(TaskId(task) for task in shown)
            drawn = _map(seen)
            by_slice = self._slices(seen, history.fold.facets, drawn["tasks"]) if drawn is not None else []
        return render_template(
            "coverage.html",
            seen=seen,
            report=seen.report,
            coverage=coverage,
            slices=coverage["slices"][:SLICES],
            outliers=outliers,
            groups=groups,
            texts=texts,
            map=None if drawn is None else {**drawn, "slices": by_slice},
            quota=QUOTA,
        )

    def _slices(self, seen: Seen, facets: Facets, tasks: list[int]) -> list[dict[str, Any]]:
        """How the map is coloured by each field: `field`, its most frequent `names`, and of each task the index of its
        value, `len(names)` for any other value, -1 for none."""
        fields, _ = seen.tried(lambda: read_facets(self._reader.service.home.facets(seen.number))) or ({}, [])
        found = []
        for field, counts in list(fields.items())[:FIELDS]:
            names = list(counts)[:COLOURED]
            number, of = {name: place for place, name in enumerate(names)}, facets.of(field)
            values = (of.get(TaskId(task)) for task in tasks)
            codes = [-1 if value is None else number.get(value, len(names)) for value in values]
            found.append({"field": field, "names": names, "others": len(counts) > len(names), "of": codes})
        return found

    def peek(self, project: int, task: int) -> ResponseReturnValue:
        """What one task of the map says."""
        seen = self._reader.project(project)
        with seen.history as history:
            text = history.texts([TaskId(task)])[TaskId(task)]
        return {"task": task, "text": text[:PEEK], "link": seen.link(task)}

    def prioritise(self, project: int) -> ResponseReturnValue:
        """Give a slice a quota, as a version of the settings like any other."""
        self._reader.project(project)
        field, name = request.form.get("field", ""), request.form.get("name", "")
        desk = self._choosing.desk(project)
        stands = desk.current
        settings = stands.settings
        if settings.slices and settings.slice_field != field:
            raise BadRequest(
                f"There are quotas for slices by {settings.slice_field!r} already, and slices are of one field.",
                "Take those back on the page Strategy first.",
            )
        wish = {"slice_field": field, "slices": {**settings.slices, name: QUOTA}}
        saved = desk.save(wish, if_version=stands.number, by=self._door.name())
        flash(f"{name} gets {share(QUOTA, 0)} of the places, as version {saved.number} of the settings.")
        return redirect(f"/projects/{project}/coverage", 303)


def _map(seen: Seen) -> dict[str, Any] | None:
    """What the script draws; None before there is a map."""
    found = seen.map
    if not found.get("tasks"):
        return None
    peek = f"/projects/{seen.number}/coverage/"
    return {"kind": "map", "classes": list(seen.report["groups"] or seen.report["classes"]), "peek": peek, **found}
