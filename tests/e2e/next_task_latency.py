"""Measures the next task on a real Label Studio, stock and with the plugin, on the same projects. No test.

    PYTHONPATH=backend:tests:tests/e2e python tests/e2e/next_task_latency.py --studio-venv VENV --folder /tmp/measured \
        --json /tmp/measured/figures.json

The folder keeps Label Studio's data and the file the figures: where a run is broken off (Ctrl-C), the same command goes
on. `calm`: the round that contains the last label is out when the next task is asked for. `at once`: right after a
submit.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import click
from measured_crowd import Crowd, at_work, one_by_one, outage
from measured_place import FRONTIER, Place, Say
from measured_rows import Row, Rows
from postgres import programs, running
from rich.console import Console
from rich.table import Table

PARTS = ("latency", "annotators", "postgres", "outage")
STOCK, PLUGIN = f"stock, frontier of {FRONTIER}", "plugin"
WARM = 3
"""Next tasks that are not counted: imports, caches."""
SCORED = 50_000
MANY = 2_000
"""Tasks of the project that many annotators work on."""
SERVED = 500
DEAD_S = 10.0
PROCESSES = 4
WIDTH = 150
TOLD_EVERY = 50
"""Served tasks between two words of progress."""


@dataclass(frozen=True)
class Run:
    """What was asked for, and what is there of it."""

    studio_venv: Path
    folder: Path
    tasks: tuple[int, ...]
    times: int
    annotators: tuple[int, ...]
    served: int
    rows: Rows
    say: Say

    def place(self, processes: int = 1, folder: Path | None = None, database: dict[str, str] | None = None) -> Place:
        """Label Studio and LabelCue, not started."""
        return Place(self.studio_venv, folder or self.folder, self.say, processes, database)

    def told(self, served: int) -> None:
        """Progress of many annotators."""
        if served % TOLD_EVERY == 0:
            self.say(f"{served} of {self.served} tasks were served")


def latency(run: Run) -> Iterator[Row]:
    """Every size stock and with the plugin, then the largest with many predictions."""
    with closing(run.place()) as place:
        for way, start in ((STOCK, "stock"), (PLUGIN, "plugin")):
            left = [
                (tasks, when)
                for tasks in run.tasks
                for when in ("calm", "at once")
                if not run.rows.has("latency", way=way, tasks=tasks, when=when, times=run.times)
            ]
            if left:
                place.start(start)
                for tasks, when in left:
                    yield _row(way, tasks, when, _warm(run, place, tasks, when, way))
                place.stop()
        largest = max(run.tasks)
        scored = min(SCORED, largest // 2)
        way = f"stock, {scored:,} predictions"
        if not run.rows.has("latency", way=way, tasks=largest, times=run.times):
            yield _row(way, largest, "calm", _crowded(run, place, largest, scored))


def _warm(run: Run, place: Place, tasks: int, when: str, way: str) -> list[float]:
    project = place.project(tasks)
    place.settled(project)
    run.say(f"{way}, {tasks:,} tasks, {when}")
    one_by_one(place, project, WARM, calm=True)
    return one_by_one(place, project, run.times, calm=when == "calm")


def _crowded(run: Run, place: Place, tasks: int, scored: int) -> list[float]:
    """As an active-learning backend without a frontier leaves it; nothing is ranked or delivered meanwhile."""
    place.start("stock")
    project = place.project(tasks)
    place.stack.stop("learner")
    place.stop()
    with place.scored(project, scored):
        place.start("stock")
        run.say(f"stock, {scored:,} predictions, {tasks:,} tasks")
        one_by_one(place, project, WARM, calm=False)
        found = one_by_one(place, project, run.times, calm=False)
        place.stop()
    return found


def annotators(run: Run) -> Iterator[Row]:
    """Simultaneous annotators on SQLite, one process."""
    left = [number for number in run.annotators if not _is_there(run, "annotators", number)]
    if not left:
        return
    with closing(run.place()) as place:
        place.start("plugin")
        for number in left:
            yield _crowd_of(run, place, number, "SQLite, 1 process")


def postgres(run: Run) -> Iterator[Row]:
    """The same on PostgreSQL, several processes of Label Studio on one database; it starts anew each time."""
    left = [number for number in run.annotators if not _is_there(run, "postgres", number)]
    if not left:
        return
    if programs() is None:
        run.say("no PostgreSQL that this user may run is installed")
        return
    folder = run.folder / "postgres"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with running() as database, closing(run.place(PROCESSES, folder, database)) as place:
        place.start("plugin")
        for number in left:
            yield _crowd_of(run, place, number, f"PostgreSQL, {PROCESSES} processes")


def _is_there(run: Run, part: str, number: int) -> bool:
    return run.rows.has(part, number=number, asked=run.served)


def _crowd_of(run: Run, place: Place, number: int, where: str) -> Row:
    tokens = place.tokens(number)
    project = place.project(MANY, f"crowd-{number}-{time.time():.0f}")
    published = place.stack.queue(project)
    run.say(f"{number} annotators, {where}")
    # Still, so that there is one published order to compare with; every task right after a submit then waits
    # for a round that does not come, 200 ms.
    with place.stack.held_still("learner"):
        crowd = at_work(place.urls, tokens, project, run.served, run.told)
    place.forget(project)
    return {**_crowd(run, number, where, crowd), "misplaced": crowd.misplaced(published)}


def killed(run: Run) -> Iterator[Row]:
    """Service and learner killed while eight annotators work."""
    if _is_there(run, "outage", 8):
        return
    with closing(run.place()) as place:
        place.start("plugin")
        tokens = place.tokens(8)
        project = place.project(MANY, f"outage-{time.time():.0f}")
        run.say("LabelCue is killed in the middle of the work of 8 annotators")
        found = outage(place, tokens, project, run.served, DEAD_S, run.told)
        place.forget(project)
        about = {"served_without": found.without, "recovery_s": round(found.recovery_s, 2)}
        yield {**_crowd(run, 8, "SQLite, 1 process, LabelCue killed and back", found.crowd), **about}


def _row(way: str, tasks: int, when: str, milliseconds: list[float]) -> Row:
    cuts = quantiles(milliseconds, n=20)
    figures = {"p50_ms": round(cuts[9]), "p95_ms": round(cuts[18])}
    return {"way": way, "tasks": tasks, "when": when, "times": len(milliseconds), **figures}


def _crowd(run: Run, number: int, where: str, crowd: Crowd) -> Row:
    cuts = quantiles([1000 * one.seconds for one in crowd.served], n=20)
    return {
        "number": number,
        "where": where,
        "asked": run.served,
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


WAYS: dict[str, Callable[[Run], Iterator[Row]]] = {
    "latency": latency,
    "annotators": annotators,
    "postgres": postgres,
    "outage": killed,
}


@click.command()
@click.option("--studio-venv", envvar="LABELCUE_STUDIO_VENV", type=click.Path(path_type=Path), required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Keeps the data; used again if there.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS, show_default=True)
@click.option("--tasks", multiple=True, type=int, default=(1000, 10_000, 100_000), show_default=True)
@click.option("--times", default=30, show_default=True, help="Next tasks of each kind.")
@click.option("--annotators", "numbers", multiple=True, type=int, default=(8, 32), show_default=True)
@click.option("--served", default=SERVED, show_default=True, help="Tasks that many annotators are served together.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Keeps the figures; what it has is not repeated.")
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
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing that was started stays behind
    rows, began = Rows(path), time.monotonic()

    def say(words: str) -> None:
        progress.print(f"{time.monotonic() - began:6.0f} s  {words}")

    run = Run(studio_venv, folder, tasks, times, numbers, served, rows, say)
    for part in parts:
        for row in WAYS[part](run):
            progress.print(row)
            rows.add(part, row)
        if rows.of(part):
            console.print(table_of(rows.of(part)))


if __name__ == "__main__":
    main()
