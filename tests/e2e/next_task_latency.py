"""Measures the next task on a real Label Studio, stock and with the plugin, on the same project. No test.

    PYTHONPATH=tests LABELCUE_STUDIO_VENV=... python tests/e2e/next_task_latency.py --tasks 1000 --tasks 10000

`calm`: the round that contains the last label is out when the next task is asked for. `at once`: right after a submit.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from typing import Any

import click
from plugged import plugged_venv, prepared
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from stack import ADMIN, SPEC, Stack

from labelcue import connect as connecting
from labelcue.demo.project import label_config
from labelcue.demo.simulate import choice
from labelcue.demo.studio import Studio
from waiting import until

CALM_S = 1.5
CHUNK = 20_000


def texts(number: int) -> list[str]:
    """Sentences of few words, all different."""
    rng = random.Random(0)
    words = [f"word{place}" for place in range(2000)]
    return [f"{place} " + " ".join(rng.choices(words, k=12)) for place in range(number)]


def project_of(stack: Stack, tasks: int) -> int:
    """A connected project, all of it in the queue, its first frontier delivered."""
    project = int(stack.ls.create_project(f"{tasks} texts", label_config())["id"])
    bodies = [{"data": {"text": text}} for text in texts(tasks)]
    for start in range(0, tasks, CHUNK):
        stack.ls.import_tasks(project, bodies[start : start + CHUNK])
    connecting.connect(
        stack.ls,
        stack.home,
        stack.settings,
        project,
        token=SecretStr(stack.token),
        embedder="tfidf-svd",
        pre_annotation="off",
        on_step=lambda _words: None,
    )
    until(lambda: len(stack.queue(project)) == tasks, timeout=3600, what="the queue of all tasks")
    until(lambda: (stack.status(project).get("delivery") or {}).get("version"), timeout=600, what="the first frontier")
    return project


def measure(stack: Stack, project: int, times: int, pause: float) -> list[float]:
    """Milliseconds of each next task, every one of which is labelled."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        task: Any = stack.ls.next_task(project)
        found.append(1000 * (time.perf_counter() - began))
        stack.ls.annotate(int(task["id"]), choice(SPEC, SPEC.classes[int(task["id"]) % 2]))
        time.sleep(pause)
    return found


def row(name: str, tasks: int, found: list[float]) -> list[str]:
    """Name, tasks, p50 and p95."""
    cuts = quantiles(found, n=20)
    return [name, f"{tasks:,}", f"{cuts[9]:.0f}", f"{cuts[18]:.0f}"]


def run(studio_venv: Path, tasks: int, times: int, table: Table) -> None:
    """Both ways on one project; the stock way first, while no mirror exists."""
    folder = Path(tempfile.mkdtemp(prefix="labelcue-latency-"))
    home, port, environment = prepared(folder)
    plugged = plugged_venv(studio_venv, folder / "venv")
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        project, stack, at = 0, None, 0
        for name, venv, extra in (("stock", studio_venv, {}), ("plugin", plugged, environment)):
            studio = Studio(venv, folder / "studio", ADMIN, port=at, extra=extra)
            cleanup.callback(studio.stop)
            studio.start(lambda _done, _total, _what: None)
            at = studio.port  # the connection knows it by this
            if stack is None:
                stack = Stack(studio.url, ADMIN.token.get_secret_value(), home, port)
                cleanup.callback(stack.close)
                stack.start()
                project = project_of(stack, tasks)
            measure(stack, project, 3, CALM_S)  # imports, caches
            table.add_row(*row(f"{name}, calm", tasks, measure(stack, project, times, CALM_S)))
            table.add_row(*row(f"{name}, at once", tasks, measure(stack, project, times, 0.0)))
            studio.stop()


@click.command()
@click.option("--tasks", multiple=True, type=int, default=(1000,), show_default=True)
@click.option("--times", default=40, show_default=True, help="Next tasks of each kind.")
@click.option("--studio-venv", envvar="LABELCUE_STUDIO_VENV", type=click.Path(path_type=Path), required=True)
def main(tasks: tuple[int, ...], times: int, studio_venv: Path) -> None:
    """Print the latency of the next task."""
    table = Table("way", "tasks", "p50, ms", "p95, ms")
    for number in tasks:
        run(studio_venv, number, times, table)
    Console().print(table)


if __name__ == "__main__":
    main()
