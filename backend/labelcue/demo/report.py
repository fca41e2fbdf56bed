"""The learning curve of a simulated run, from the tasks that were served to table, picture and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from labelcue.data import Example
from labelcue.demo.curve import Bench, Curves, Real, measure, standard_error
from labelcue.demo.picture import draw
from labelcue.demo.progress import Steps
from labelcue.demo.project import held_out_of, pool_of
from labelcue.demo.simulate import Served
from labelcue.demo.state import State
from labelcue.demo.subjects import subject_of
from labelcue.demo.venv import Report
from labelcue.embedders import embedders
from labelcue.errors import ConfigError, Corrupt
from labelcue.labelstudio.client import LabelStudio
from labelcue.media import open_media
from labelcue.pool.vectors import VectorFile
from labelcue.settings import load_settings
from labelcue.store.atomic import replace_file
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.types import Floats, TaskId, TaskSpec

SERVED = "simulated.json"
CURVE = "learning-curve"
CHUNK = 128


def remember(home: Path, served: Sequence[Served]) -> list[Served]:
    """Add a run to those before it in the same project, and give all: labels of earlier runs count too."""
    path = home / SERVED
    try:
        before = [Served(**one) for one in json.loads(path.read_bytes())] if path.exists() else []
    except (ValueError, TypeError) as error:
        raise Corrupt(f"{path} cannot be read.", "Delete it, or start over with --fresh.") from error
    everything = before + list(served)
    replace_file(path, json.dumps([asdict(one) for one in everything]).encode())
    return everything


def compare(home: Path, state: State, spec: TaskSpec, served: Sequence[Served], steps: Steps) -> Curves:
    """Measure, print, draw and write the learning curves of `served`. Raises ConfigError where nothing was served."""
    if len(served) < 2:
        raise ConfigError("There are too few simulated labels for a learning curve.", "Simulate at least 20.")
    pool, held_out = pool_of(state), held_out_of(state)
    with steps.step(f"Embedding {len(held_out)} held-out {subject_of(state.images).noun}") as report:
        vectors = _embed(Home(home), state.project, [*pool, *held_out], spec, report)
    bench = _bench(pool, held_out, vectors, spec, load_settings({"home": home}).strategy)
    row = {mail.text: number for number, mail in enumerate(pool)}
    order = np.array([row[one.text] for one in served], dtype=np.int64)
    with steps.step("Learning curves, ours and random") as report:
        curves = measure(bench, order, report)
    path = home / f"{CURVE}.png"
    draw(curves, path)
    replace_file(path.with_suffix(".json"), json.dumps(as_json(curves, served), indent=1).encode())
    show(steps.console, curves, served, path)
    return curves


def _embed(home: Home, project: int, items: Sequence[Example], spec: TaskSpec, report: Report) -> Floats:
    """(n, d) vectors as the learner makes them; what it has embedded is taken from its file."""
    connection = Connection.load(home.connection(project))
    name = embedders.resolve(connection.embedder)
    embedder, folder = embedders.create(name), home.vectors(project, name)
    embedder.prepare(folder)
    known = VectorFile(folder, embedder.dim, embedder=name).vector_of_digest
    parts = []
    with (
        closing(LabelStudio(connection.url, connection.token.get_secret_value())) as ls,
        closing(open_media(load_settings({"home": home.root}), home.media, ls)) as media,
    ):
        for start in range(0, len(items), CHUNK):
            report(start, len(items), "")
            chunk = items[start : start + CHUNK]
            tasks = [(TaskId(start + place), {spec.field: one.text}) for place, one in enumerate(chunk)]
            parts.append(embedder.embed_tasks(tasks, spec.field, known=known, media=media).vectors)
    return np.concatenate(parts)


def _bench(
    pool: Sequence[Example], held_out: Sequence[Example], vectors: Floats, spec: TaskSpec, strategy: str
) -> Bench:
    targets = np.array([spec.classes.index(one.label) for one in (*pool, *held_out)], dtype=np.int64)
    n = len(pool)
    return Bench(vectors[:n], targets[:n], vectors[n:], targets[n:], spec.classes, strategy=strategy)


def as_json(curves: Curves, served: Sequence[Served]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "labels": list(curves.marks),
        "served": curves.served.tolist(),
        "replayed": curves.replayed.tolist(),
        "random": curves.random.tolist(),
        "majority": curves.majority,
        "random_catches_up_at": curves.catch_up,
        "random_searched_to": curves.searched,
        "annotators": sorted({one.email for one in served}),
        "tasks": [one.task for one in served],
        "next_task_s": _quantiles([one.next_s for one in served]),
        "submit_s": _quantiles([one.submit_s for one in served]),
    }


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    return {name: round(float(np.quantile(seconds, at)), 4) for name, at in (("p50", 0.5), ("p95", 0.95))}


def show(console: Console, curves: Curves, served: Sequence[Served], picture: Path) -> None:
    """The table, what it means, and where the picture lies."""
    table = Table("labels", "served", "replayed", "random", "difference", title="Accuracy on what was held out, %")
    for column in table.columns:
        column.justify = "right"
    columns = [_mean_and_error(values) for values in (curves.replayed, curves.random, curves.difference)]
    for number, mark in enumerate(curves.marks):
        table.add_row(str(mark), f"{100 * curves.served[number]:.1f}", *(column[number] for column in columns))
    console.print(table)
    seeds = len(curves.replayed)
    console.print(
        "served: the head trained on the tasks in the order in which Label Studio really served them, one run.\n"
        f"replayed and random: the same head on {seeds} random parts of the pool (80 %), our strategy and random order "
        f"on the same parts;\nmean ± standard error, and of their {seeds} differences. "
        f"Always saying the commonest class: {100 * curves.majority:.1f} %.",
        highlight=False,
    )
    console.print(_catch_up_words(curves), style="bold", highlight=False)
    asked, sent = (_quantiles(values) for values in ([one.next_s for one in served], [one.submit_s for one in served]))
    console.print(
        f"Label Studio served a task in {asked['p50']:.2f} s (p95 {asked['p95']:.2f} s) "
        f"and stored an annotation in {sent['p50']:.2f} s (p95 {sent['p95']:.2f} s).\nPicture: {picture}",
        highlight=False,
        soft_wrap=True,
    )


def _mean_and_error(values: Real) -> list[str]:
    mean, error = 100 * values.mean(axis=0), 100 * standard_error(values)
    return [f"{one:.1f} ± {spread:.1f}" for one, spread in zip(mean, error, strict=True)]


def _catch_up_words(curves: Curves) -> str:
    last, final = curves.marks[-1], 100 * float(curves.replayed[:, -1].mean())
    if curves.catch_up is None:
        return f"Random order does not reach our {final:.1f} % (after {last} labels) with {curves.searched} labels."
    times = f"{curves.catch_up / last:.1f} times as many"
    return f"Random order reaches our {final:.1f} % (after {last} labels) with {curves.catch_up} labels: {times}."
