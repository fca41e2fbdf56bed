"""The figures of a measurement of label efficiency as tables for people."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from labelcue.types import Json

LABELS = ("labels_to_match_random", "labels_to_90", "labels_to_95")
NOTE = (
    "Areas and differences in points (hundredths of accuracy), ± a standard error. = random, 90 %, 95 %: labels to "
    "match random order at the whole budget, and to reach these shares of the accuracy with every label; (n): so many "
    "seeds never did. Over sets, = random is the geometric mean of shares of the budget, 1 where it was never matched."
)


def show(out: Console, figures: Json) -> None:
    """One table a set, and one over all sets of each pool."""
    protocol = figures["protocol"]
    for name, data in figures["data"].items():
        sizes = f"a pool of {data['pool']}, {data['test']} test items, {data['classes']} classes"
        out.print(f"{name}: {sizes}, contents {data['sha']}", highlight=False)
    for name, found in figures["sets"].items():
        out.print(_set_table(name, found, protocol))
        for strategy, reason in found["skipped"].items():
            out.print(f"{strategy} was left out: {reason}\n", highlight=False)
    for pool, found in figures["summary"].items():
        out.print(_summary_table(pool, found))
    out.print(NOTE, highlight=False)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _set_table(name: str, found: Json, protocol: Json) -> Table:
    full = f"{100 * found['full_accuracy']:.1f} % with every label"
    crowd = str(protocol["annotators"])
    headings = ["area", "log area", "= random", "90 %", "95 %", "worst - random"]
    if crowd != "1":
        headings += [f"lost by {crowd}", "copies"]
    table = _table(f"{name} ({full}, {protocol['seeds']} seeds)", *headings)
    for strategy, one in found["strategies"].items():
        table.add_row(
            strategy,
            _points(one["aubc"], one["aubc_sem"]),
            _points(one["aubc_log"], one["aubc_log_sem"]),
            *(_labels(one, key, protocol["budget"]) for key in LABELS),
            f"{_points(one['worst_vs_random'], one['worst_vs_random_sem'])} at {one['worst_vs_random_labels']}",
            *_crowd(one["annotators"].get(crowd)),
        )
    return table


def _crowd(found: Json) -> list[str]:
    """Percent of one annotator's area that several lose, and pairs of near-duplicates in flight in a run."""
    if not found:
        return []
    return [f"{_points(found['area_lost'], found['area_lost_sem'])} %", f"{found['near_duplicates_in_flight']:.1f}"]


def _summary_table(pool: str, found: Json) -> Table:
    sets = max(one["sets"] for one in found.values())
    table = _table(
        f"{pool}, over {sets} sets", "= random", "worst set", "never", "area - random", "area - margin", "worst from 20"
    )
    for strategy, one in found.items():
        table.add_row(
            strategy,
            _shown(one["labels_to_match_share"], one["labels_to_match_share_sem"], 3),
            _shown(one["worst_share"], None, 2),
            str(one["censored"]),
            _points(one["aubc_vs_random"], one["aubc_vs_random_sem"]),
            _points(one["aubc_vs_margin"], one["aubc_vs_margin_sem"]),
            _points(one["worst_vs_random_after_20"], None),
        )
    return table


def _labels(one: Json, key: str, budget: int) -> str:
    """With the number of seeds whose own curves never came so far."""
    censored = one["censored"][key]
    text = f">{budget}" if one[key] is None else _shown(one[key], one[f"{key}_sem"], 0)
    return f"{text} ({censored})" if censored else text


def _points(value: float | None, error: float | None) -> str:
    return _shown(None if value is None else 100 * value, None if error is None else 100 * error, 1)


def _shown(value: float | None, error: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
