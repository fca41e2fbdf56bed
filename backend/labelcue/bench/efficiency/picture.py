"""Learning curves as a picture: one panel a set, one line a strategy."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from labelcue.bench.efficiency.curves import standard_error
from labelcue.bench.efficiency.figures import REFERENCE, Curves
from labelcue.errors import BadRequest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#e67700", "#1864ab", "#862e9c", "#5c940d", "#a61e4d")
GREY = "#868e96"
COLUMNS = 3
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def draw(sets: dict[str, Curves], path: Path) -> None:
    """Write a PNG: means over seeds and their standard errors; labels on a logarithmic axis, where the first count.

    Raises BadRequest where the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 2 if len(sets) == 4 else min(COLUMNS, len(sets))
    rows = ceil(len(sets) / columns)
    figure = Figure(figsize=(5.2 * columns, 3.9 * rows + 0.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    colours = _colours(sets)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, (name, curves) in zip(panels, sets.items(), strict=False):
        _panel(panel, name, curves, colours)
    for panel in panels[len(sets) :]:
        panel.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 2 * columns), frameon=False)
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.", "Name a file that may be written.") from error


def _colours(sets: dict[str, Curves]) -> dict[str, str]:
    names = dict.fromkeys(name for one in sets.values() for name in one.accuracies if name != REFERENCE)
    return {REFERENCE: GREY} | {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _panel(axes: Axes, name: str, curves: Curves, colours: dict[str, str]) -> None:
    for strategy, colour in colours.items():
        if strategy not in curves.accuracies:
            continue
        found = curves.accuracies[strategy]
        mean, error = 100 * found.mean(axis=0), standard_error(100 * found)
        if error is not None:
            axes.fill_between(curves.marks, mean - error, mean + error, color=colour, alpha=0.18, lw=0)
        axes.plot(curves.marks, mean, color=colour, lw=1.8, label=strategy)
    axes.axhline(100 * curves.full.mean(), color=GREY, lw=0.8, ls=":")
    axes.set_xscale("log")
    ticks = [tick for tick in TICKS if curves.marks[0] <= tick <= curves.marks[-1]]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="labels made", ylabel="test accuracy (%)")
    axes.set_title(f"{name} (dotted: every label)", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e9ecef", lw=0.8)
