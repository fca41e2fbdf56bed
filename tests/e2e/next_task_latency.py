"""Measures the next task on a real Label Studio, stock and with the plugin, on the same projects. No test.

    PYTHONPATH=backend:tests:tests/e2e python tests/e2e/next_task_latency.py --studio-venv VENV --folder /tmp/measured

The folder keeps Label Studio's data, so that the next run need not import anything. `calm`: the round that contains the
last label is out when the next task is asked for. `at once`: right after a submit.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import click
from measured_crowd import Crowd, at_work, one_by_one, outage
from measured_place import FRONTIER, Place, Say
from postgres import programs, running
from rich.console import Console
from rich.table import Table

PARTS = ("latency", "annotators", "postgres", "outage")
WARM = 3
"""Next tasks that are not counted: imports, caches."""
SCORED = 50_000
MANY = 2_000
"""Tasks of the project that many annotators work on."""
SERVED = 500
DEAD_S = 10.0
PROCESSES = 4
WIDTH = 150

Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What was asked for."""

    studio_venv: Path
    folder: Path
    tasks: tuple[int, ...]
    times: int
    annotators: tuple[int, ...]
    served: int
    say: Say


def latency(run: Run) -> Iterator[Row]:
    """Every size stock, then the largest with many predictions, then every size with the plugin."""
    with closing(Place(run.studio_venv, run.folder, run.say)) as place:
        place.start("stock")
        projects = {tasks: place.project(tasks) for tasks in run.tasks}
        for tasks, project in projects.items():
            yield from _both(run, place, project, f"stock, frontier of {FRONTIER}", tasks)
        place.stop()
        largest = max(run.tasks)
        scored = min(SCORED, largest // 2)
        with place.without_learner(), place.scored(projects[largest], scored):
            place.start("stock")
            one_by_one(place, projects[largest], WARM, calm=False)
            found = one_by_one(place, projects[largest], run.times, calm=False)
            place.stop()
        yield _row(f"stock, {scored:,} predictions", largest, "calm", found)
        place.start("plugin")
        for tasks, project in projects.items():
            yield from _both(run, place, project, "plugin", tasks)


def _both(run: Run, place: Place, project: int, way: str, tasks: int) -> Iterator[Row]:
    place.settled(project)
    one_by_one(place, project, WARM, calm=True)
    for calm, name in ((True, "calm"), (False, "at once")):
        run.say(f"{way}, {tasks:,} tasks, {name}")
        yield _row(way, tasks, name, one_by_one(place, project, run.times, calm=calm))


def annotators(run: Run) -> Iterator[Row]:
    """Simultaneous annotators on SQLite, one process."""
    with closing(Place(run.studio_venv, run.folder, run.say)) as place:
        place.start("plugin")
        yield from _crowds(run, place, "SQLite, 1 process")


def postgres(run: Run) -> Iterator[Row]:
    """The same on PostgreSQL, several processes of Label Studio on one database; it starts anew each time."""
    if programs() is None:
        run.say("no PostgreSQL that this user may run is installed")
        return
    with running() as database:
        folder = run.folder / f"postgres-{time.time():.0f}"
        folder.mkdir(parents=True)
        with closing(Place(run.studio_venv, folder, run.say, PROCESSES, database)) as place:
            place.start("plugin")
            yield from _crowds(run, place, f"PostgreSQL, {PROCESSES} processes")


def _crowds(run: Run, place: Place, where: str) -> Iterator[Row]:
    tokens = place.tokens(max(run.annotators))
    for number in run.annotators:
        project = place.project(MANY, f"crowd-{number}-{time.time():.0f}")
        published = place.stack.queue(project)
        run.say(f"{number} annotators, {where}")
        # Still, so that there is one published order to compare with; every task right after a submit then waits
        # for a round that does not come, 200 ms.
        with place.stack.held_still("learner"):
            crowd = at_work(place.urls, tokens[:number], project, run.served)
        yield {**_crowd(f"{number} on {where}", crowd), "misplaced": crowd.misplaced(published)}


def killed(run: Run) -> Iterator[Row]:
    """Service and learner killed while eight annotators work."""
    with closing(Place(run.studio_venv, run.folder, run.say)) as place:
        place.start("plugin")
        tokens = place.tokens(8)
        project = place.project(MANY, f"outage-{time.time():.0f}")
        run.say("LabelCue is killed in the middle of the work of 8 annotators")
        found = outage(place, tokens, project, run.served, DEAD_S)
        about = {"served_without": found.without, "recovery_s": round(found.recovery_s, 2)}
        yield {**_crowd("8, LabelCue killed and back", found.crowd), **about}


def _row(way: str, tasks: int, when: str, milliseconds: list[float]) -> Row:
    cuts = quantiles(milliseconds, n=20)
    return {"way": way, "tasks": tasks, "when": when, "p50_ms": round(cuts[9]), "p95_ms": round(cuts[18])}


def _crowd(name: str, crowd: Crowd) -> Row:
    cuts = quantiles([1000 * one.seconds for one in crowd.served], n=20)
    return {
        "annotators": name,
        "served": len(crowd.served),
        "duplicates": crowd.duplicates,
        "errors": len(crowd.errors),
        "met with": ", ".join(sorted({one.queue for one in crowd.served} | set(crowd.errors))),
        "p50_ms": round(cuts[9]),
        "p95_ms": round(cuts[18]),
        "tasks_per_s": round(len(crowd.served) / crowd.seconds, 1),
    }


def table_of(rows: list[Row]) -> Table:
    """One table of rows with the same keys."""
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    return table


@click.command()
@click.option("--studio-venv", envvar="LABELCUE_STUDIO_VENV", type=click.Path(path_type=Path), required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Keeps the data; used again if there.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS, show_default=True)
@click.option("--tasks", multiple=True, type=int, default=(1000, 10_000, 100_000), show_default=True)
@click.option("--times", default=30, show_default=True, help="Next tasks of each kind.")
@click.option("--annotators", "numbers", multiple=True, type=int, default=(8, 32), show_default=True)
@click.option("--served", default=SERVED, show_default=True, help="Tasks that many annotators are served together.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the figures there, too.")
def main(
    studio_venv: Path,
    folder: Path,
    parts: tuple[str, ...],
    tasks: tuple[int, ...],
    times: int,
    numbers: tuple[int, ...],
    served: int,
    path: Path | None,
) -> None:
    """Print the latency of the next task, what many annotators at a time meet with, and what an outage costs."""
    console, progress = Console(width=WIDTH), Console(stderr=True, width=WIDTH)
    found: dict[str, list[Row]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    run = Run(
        studio_venv,
        folder,
        tasks,
        times,
        numbers,
        served,
        lambda words: progress.print(f"{time.monotonic() - began:6.0f} s  {words}"),
    )
    ways = {"latency": latency, "annotators": annotators, "postgres": postgres, "outage": killed}
    for part in parts:
        rows = found.setdefault(part, [])
        for row in ways[part](run):
            progress.print(row)
            rows.append(row)
        if rows:
            console.print(table_of(rows))
        if path is not None:
            path.write_text(json.dumps({"cores": os.cpu_count(), **found}, indent=1))


if __name__ == "__main__":
    main()
