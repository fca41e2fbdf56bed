"""The figures of a measurement of label efficiency as tables for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from labelcue.types import Json

LABELS = ("labels_to_match_random", "labels_to_90", "labels_to_95")


def show(out: Console, figures: Json) -> None:
    """One table a set, and one over all sets of each pool. Areas and differences in points (hundredths).

    "= random", "90 %" and "95 %" are numbers of labels: to match random order at the whole budget, and to reach these
    shares of the accuracy with every label. Over sets, "= random" is a share of the budget. ± is a standard error.
    """
    budget = figures["protocol"]["budget"]
    for name, found in figures["sets"].items():
        out.print(_set_table(name, found, budget, figures["protocol"]["seeds"]))
    for pool, found in figures["summary"].items():
        out.print(_summary_table(pool, found, budget))


def _set_table(name: str, found: Json, budget: int, seeds: int) -> Table:
    full = f"{100 * found['full_accuracy']:.1f} % with every label"
    table = Table(title=f"{name} ({full}, {seeds} seeds)", title_justify="left")
    table.add_column("strategy")
    for heading in ("area", "log area", "= random", "90 %", "95 %", "worst - random"):
        table.add_column(heading, justify="right", no_wrap=True)
    for strategy, one in found["strategies"].items():
        table.add_row(
            strategy,
            _points(one["aubc"], one["aubc_sem"]),
            _points(one["aubc_log"], one["aubc_log_sem"]),
            *(_labels(one, key, budget) for key in LABELS),
            f"{_points(one['worst_vs_random'], one['worst_vs_random_sem'])} at {one['worst_vs_random_labels']}",
        )
    return table


def _summary_table(pool: str, found: Json, budget: int) -> Table:
    sets = max(one["sets"] for one in found.values())
    table = Table(title=f"{pool}, over {sets} sets", title_justify="left")
    table.add_column("strategy")
    headings = ("= random", "worst set", "never", "area - random", "area - margin")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for strategy, one in found.items():
        table.add_row(
            strategy,
            _shown(one["labels_to_match_share"], one["labels_to_match_share_sem"], 3),
            _shown(one["worst_share"], None, 2),
            str(one["censored"]),
            _points(one["aubc_vs_random"], one["aubc_vs_random_sem"]),
            _points(one["aubc_vs_margin"], one["aubc_vs_margin_sem"]),
        )
    return table


def _labels(one: Json, key: str, budget: int) -> str:
    """With the number of seeds whose own curves never came so far."""
    censored = one["censored"][key]
    text = f">{budget}" if one[key] is None else _shown(one[key], one[f"{key}_sem"], 0)
    return f"{text} ({censored} never)" if censored else text


def _points(value: float | None, error: float | None) -> str:
    return _shown(None if value is None else 100 * value, None if error is None else 100 * error, 1)


def _shown(value: float | None, error: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
