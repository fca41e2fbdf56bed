"""`labelcue bench insights` and `bench select`: their options. What they do is imported when they are called."""

from __future__ import annotations

import json
from pathlib import Path

import click

WIDTH = 150
"""Of tables that go into a file."""


def _names(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


_DATA = click.option(
    "--data",
    "paths",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    required=True,
    help="A labelled set, .npz. [several]",
)


@click.command()
@_DATA
@click.option(
    "--parts", default="audits,wrong,forecasts,advice,drift", show_default=True, callback=_names, help="Commas between."
)
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(min=1), help="Paired repetitions.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def insights(paths: tuple[Path, ...], parts: tuple[str, ...], seeds: int, as_json: bool) -> None:
    """What admins are told, against what is true: replays over labelled sets."""
    from rich.console import Console

    from labelcue.bench.insights.measure import run, show

    figures = run(paths, parts, seeds)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        out = Console()
        show(out if out.is_terminal else Console(width=WIDTH), figures)


@click.command()
@_DATA
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(min=2), help="Paired repetitions.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def select(paths: tuple[Path, ...], seeds: int, as_json: bool) -> None:
    """What a subset is worth that a weak surrogate selects: `labelcue select` at 10 to 100 % kept."""
    from rich.console import Console

    from labelcue.bench.subsets import run, show

    figures = run(paths, seeds)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        out = Console()
        show(out if out.is_terminal else Console(width=WIDTH), figures)
