"""How one project is doing: labels, pace, the next items, health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, session
from flask.typing import ResponseReturnValue

from labelcue.service.pages.budget import budget
from labelcue.service.pages.health import health
from labelcue.service.pages.history import hourly
from labelcue.service.pages.pictures import pictures
from labelcue.service.pages.reading import Reader, Seen
from labelcue.service.reasons import reason_of
from labelcue.store.snapshot import Standing
from labelcue.types import Kind, TaskId

NEXT = 10
"""Items of the queue's head that are shown."""


@dataclass(frozen=True, slots=True)
class Item:
    """One task of the queue's head."""

    task: TaskId
    text: str
    standing: Standing
    reason: str
    link: str
    picture: str
    """Its address in Label Studio; empty where it has none."""


class Overview:
    """One route."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its route."""
        routes.add_url_rule("/projects/<int:project>", "overview", self.page)

    def page(self, project: int) -> ResponseReturnValue:
        """One project's state."""
        seen = self._reader.project(project)
        with seen.history as history:
            labelled, times = history.labelled(), history.label_times()
            people = len(history.annotators())
            items = _items(seen)
        recent, pace = hourly(times, seen.now)
        report = seen.report
        return render_template(
            "overview.html",
            seen=seen,
            labelled=labelled,
            people=people,
            recent=recent,
            pace=pace,
            progress=_progress(times),
            items=items,
            health=health(seen),
            report=report,
            budget=budget(request.args, session, report["curve"]),
            curve=_curve(report["curve"]),
        )


def _progress(times: list[float]) -> dict[str, list[float]]:
    """Labels over time for the chart: at most 400 points, Unix milliseconds."""
    step = max(1, len(times) // 400)
    kept = sorted({*range(0, len(times), step), len(times) - 1}) if times else []
    return {"x": [1000 * times[place] for place in kept], "y": [place + 1.0 for place in kept]}


def _curve(curve: Mapping[str, Any]) -> dict[str, Any] | None:
    """The learning curve for the chart: measured with intervals, forecast, random order; None before there is one."""
    if not curve["points"]:
        return None
    random = (curve["random"] or {}).get("points") or []
    return {
        "kind": "curve",
        "x_name": "labels",
        "y_name": "accuracy",
        "measured": _columns([{"labels": one["labels"], **one["accuracy"]} for one in curve["points"]]),
        "forecast": _columns(curve["forecast"]),
        "random": _columns([{"labels": one["labels"], **one["accuracy"]} for one in random]),
    }


def _columns(rows: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in ("labels", "value", "low", "high")}


def _items(seen: Seen) -> list[Item]:
    """The queue's head without what was labelled, skipped or held back since."""
    snapshot, fold = seen.snapshot, seen.history.fold
    if snapshot is None:
        return []
    levers, tasks = fold.levers, list[TaskId]()
    for place in snapshot.order:
        task = TaskId(int(place))
        if task in fold.tasks and not fold.of_task(task) and levers.get(task) is not Kind.HOLD:
            tasks.append(task)
        if len(tasks) == NEXT:
            break
    texts, shown = seen.history.texts(tasks), pictures(seen, seen.history, tasks)
    standings = ((task, snapshot.of(task)) for task in tasks)
    return [
        Item(task, texts[task], standing, reason_of(standing, levers.get(task)), seen.link(task), shown.get(task, ""))
        for task, standing in standings
        if standing is not None
    ]
