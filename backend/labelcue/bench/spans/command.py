"""`labelcue bench spans`."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table


@click.command("spans")
@click.option("--pool", default=900, show_default=True, help="Texts to choose from, at most 1,800.")
@click.option("--held-out", default=400, show_default=True, help="Texts that F1 is measured on.")
@click.option("--budget", default=200, show_default=True, help="Labels.")
@click.option("--batch", default=20, show_default=True, help="Labels at a time.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="Paired repetitions.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_spans(pool: int, held_out: int, budget: int, batch: int, seeds: int, as_json: bool) -> None:
    """Spans in real mails: labels that each order needs, and how early errors come."""
    from labelcue.bench.spans.measure import run

    figures = run(pool=pool, held_out=held_out, budget=budget, batch=batch, seeds=seeds)
    if as_json:
        click.echo(json.dumps(figures))
        return
    out = Console()
    out.print(_table(figures))
    for name in ("wrong", "planted"):
        one = figures[name]
        out.print(f"{name}: {one['recall']:.0%} in the first tenth, {one['times_random']:.1f} times random")


def _table(figures: dict[str, Any]) -> Table:
    steps = list(next(iter(figures["f1"].values())))
    table = Table("strategy", *(f"{step}" for step in steps), "labels to match random", title="F1 of exact spans")
    for name, curve in figures["f1"].items():
        table.add_row(
            name, *(f"{value:.3f}" for value in curve.values()), f"{figures['labels_to_match_random'][name]:g}"
        )
    return table
