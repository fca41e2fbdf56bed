"""`labelcue bench efficiency`: its options. What it does is imported when it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

WIDTH = 130
"""Of tables that go into a file."""
_FILE = click.Path(path_type=Path, dir_okay=False)


def _names(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@click.command()
@click.option(
    "--data",
    "paths",
    type=_FILE,
    multiple=True,
    required=True,
    help="A labelled set, .npz; or sets of labels: debian:tags, made:digits, made:topics, made:more-topics. [several]",
)
@click.option(
    "--strategies",
    default="herding,margin",
    show_default=True,
    callback=_names,
    help="Commas between; random always runs.",
)
@click.option(
    "--pools",
    default="asis",
    show_default=True,
    callback=_names,
    help="Of asis, longtail, duplicated, dup_longtail, noisy.",
)
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(min=1), help="Paired repetitions.")
@click.option("--budget", default=300, show_default=True, type=click.IntRange(min=10), help="Labels of each run.")
@click.option("--batch", default=10, show_default=True, type=click.IntRange(min=1), help="Labels between two rounds.")
@click.option(
    "--annotators", default=1, show_default=True, type=click.IntRange(min=1), help="So many at once, against one."
)
@click.option(
    "--penalty",
    default="pool",
    show_default=True,
    type=click.Choice(["pool", "hundred"]),
    help="Choose the head's by folds of the whole pool, or by training on a hundred rows.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Processes, of one thread each.")
@click.option("--picture", type=_FILE, help="Draw the learning curves into this PNG.")
@click.option("--resume", type=_FILE, help="Keep finished runs in this file, and go on from them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def efficiency(
    paths: tuple[Path, ...],
    strategies: tuple[str, ...],
    pools: tuple[str, ...],
    jobs: int,
    picture: Path | None,
    resume: Path | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """What the same number of labels is worth, strategy by strategy, on labelled sets; from no labels on."""
    from rich.console import Console

    from labelcue.bench.efficiency.measure import run
    from labelcue.bench.efficiency.tables import show
    from labelcue.bench.efficiency.trials import Plan

    figures = run(paths, Plan(strategies, pools, **rest), resume, picture, jobs)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        out = Console()
        show(out if out.is_terminal else Console(width=WIDTH), figures)
