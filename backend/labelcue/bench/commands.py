"""`labelcue bench boxes` and `labelcue bench images`."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.option("--scenes", default=600, show_default=True, type=click.IntRange(min=40), help="Images in the queue.")
@click.option("--repeats", default=4, show_default=True, type=click.IntRange(min=1), help="Sets of images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def boxes(scenes: int, repeats: int, as_json: bool) -> None:
    """How soon the queue brings up images in which another model has boxed something wrongly."""
    from labelcue.bench.boxes import run

    _print(run(scenes, repeats), as_json)


@click.command()
@click.option("--images", "count", default=10_000, show_default=True, type=click.IntRange(min=8), help="Images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def images(count: int, as_json: bool) -> None:
    """Small images from a server into a pool: rate, memory, first queue, and a restart in the middle."""
    from labelcue.bench.streaming import run

    _print(run(count), as_json)


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:<18} {value}")
