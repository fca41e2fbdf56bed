"""Replays of all that admins are told, set by set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from labelcue.bench.efficiency.dataset import LabelledSet, read_sets
from labelcue.bench.efficiency.jobs import one_thread
from labelcue.bench.efficiency.ruler import choose_penalty
from labelcue.bench.insights import advice, audits, changes, forecasts, wrong
from labelcue.errors import BadRequest
from labelcue.types import Json

PARTS = ("audits", "wrong", "forecasts", "advice", "drift")
"""What may be replayed."""


def run(paths: Sequence[Path], parts: Sequence[str], seeds: int) -> Json:
    """`{"seeds", "sets": {SET: {PART: ...}}}`. Raises BadRequest for files and parts."""
    unknown = [name for name in parts if name not in PARTS]
    if unknown or not parts:
        raise BadRequest(
            f"There is no part {', '.join(unknown) or '(none was named)'}.", f"Choose of: {', '.join(PARTS)}."
        )
    sets = read_sets(list(paths))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: dict[str, Json] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars, one_thread():
        bar = bars.add_task("replays", total=len(sets) * len(parts))
        for data in sets:
            l2 = choose_penalty(data, "hundred")
            found[data.name] = {}
            for part in parts:
                bars.update(bar, description=f"{data.name}: {part}")
                found[data.name][part] = _REPLAYS[part](data, l2, seeds)
                bars.advance(bar)
    return {"seeds": seeds, "sets": found}


_REPLAYS: dict[str, Callable[[LabelledSet, float, int], Json]] = {
    "audits": lambda data, _l2, _seeds: audits.replay(data),
    "wrong": wrong.replay,
    "forecasts": forecasts.replay,
    "advice": advice.replay,
    "drift": lambda data, _l2, _seeds: changes.replay(data),
}


def show(out: Console, figures: Json) -> None:
    """One table a part."""
    rows = {
        "audits": [f"{labels}/{what}" for labels in audits.LABELS for what in ("overall", "classes")],
        "wrong": ["precision", "recall", "suggested"],
        "forecasts": ["gain", "target", "random", "gain_width", "gain_true"],
        "advice": [f"{figure}/{name}" for name in advice.ADVICE for figure in ("given", "gain", "small")],
        "drift": ["alarms", "below_1", "below_5", "found"],
    }
    for part, names in rows.items():
        sets = {name: found[part] for name, found in figures["sets"].items() if part in found}
        if sets:
            table = Table("", *sets, title=part)
            for name in names:
                table.add_row(name, *(_cell(_at(found, name)) for found in sets.values()))
            out.print(table)


def _at(found: Json, name: str) -> Json:
    for key in name.split("/"):
        found = found[key]
    return found


def _cell(figure: Json) -> str:
    value = figure.get("share", figure.get("mean"))
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ± {figure['sem']:.3f}" if figure["sem"] is not None else "")
