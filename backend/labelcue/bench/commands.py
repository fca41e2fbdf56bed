"""`labelcue bench`: every measure of this machine, and of what an order is worth."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console

from labelcue.bench.efficiency.command import efficiency
from labelcue.bench.insights.command import insights, select
from labelcue.bench.spans.command import bench_spans

out = Console()


@click.group()
def bench() -> None:
    """Measure this machine. Every command prints one JSON object with --json."""


@bench.command("service")
@click.option("--seconds", default=20.0, show_default=True, help="How long to post events.")
@click.option("--rate", default=50.0, show_default=True, help="Events a second.")
@click.option("--tasks", default=10_000, show_default=True, help="Tasks of the pool.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def service(seconds: float, rate: float, tasks: int, as_json: bool) -> None:
    """Acknowledgement of webhooks while a learner trains without pause, and /predict for 100 known tasks."""
    from labelcue.bench.service import run

    _print(run(seconds=seconds, rate=rate, tasks=tasks), as_json)


@bench.command("round")
@click.option("--pool", default=10_000, show_default=True, help="Tasks of the pool.")
@click.option("--dim", default=384, show_default=True, help="Dimensions of the vectors.")
@click.option("--rounds", default=30, show_default=True, help="Rounds to time.")
@click.option("--strategy", default="", help="How the queue is ordered. [the default]")
@click.option(
    "--graph",
    type=click.Choice(["built", "synthetic"]),
    default="built",
    show_default=True,
    help="The neighbour graph of the vectors, or one that is made in seconds and has nothing to do with them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def time_rounds(pool: int, dim: int, rounds: int, strategy: str, graph: str, as_json: bool) -> None:
    """From a submitted annotation to the new queue on disk, and to the head of the queue in memory."""
    from labelcue.bench.round import run

    _print(run(pool=pool, dim=dim, rounds=rounds, strategy=strategy, graph=graph), as_json)


@bench.command("selection")
@click.option("--pool", default=100_000, show_default=True, help="Rows to choose from.")
@click.option("--dim", default=384, show_default=True, help="Dimensions of the vectors.")
@click.option("--batch", default=100, show_default=True, help="Rows to choose.")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1), help="The best of so many counts.")
@click.option("--herding/--no-herding", default=True, show_default=True, help="Herding too; its graph takes a while.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def selection(pool: int, dim: int, batch: int, repeats: int, herding: bool, as_json: bool) -> None:
    """Exact core-set against plain numpy, from nothing and with kept distances."""
    from labelcue.bench.selection import run, show

    figures = run(pool=pool, dim=dim, batch=batch, repeats=repeats, herding=herding)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        show(out, figures)


@bench.command()
@click.option("--scenes", default=600, show_default=True, type=click.IntRange(min=40), help="Images in the queue.")
@click.option("--repeats", default=4, show_default=True, type=click.IntRange(min=1), help="Sets of images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def boxes(scenes: int, repeats: int, as_json: bool) -> None:
    """How soon the queue brings up images in which another model has boxed something wrongly."""
    from labelcue.bench.boxes import run

    _print(run(scenes, repeats), as_json)


@bench.command()
@click.option("--images", "count", default=10_000, show_default=True, type=click.IntRange(min=8), help="Images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def images(count: int, as_json: bool) -> None:
    """Small images from a server into a pool: rate, memory, first queue, and a restart in the middle."""
    from labelcue.bench.streaming import run

    _print(run(count), as_json)


for command in (efficiency, insights, select, bench_spans):
    bench.add_command(command)


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        out.print(f"{name:>20}  {value:.4g}" if isinstance(value, float) else f"{name:>20}  {value}")
