"""The learning curves as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labelcue.demo.curve import Curves, Real, standard_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, RANDOM, SERVED = "#0b7285", "#868e96", "#e8590c"


def draw(curves: Curves, path: Path) -> None:
    """Write a PNG: mean and standard error of the replays, and the one real run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _band(axes, curves, curves.replayed, OURS, f"LabelCue, replayed ({len(curves.replayed)} seeds)")
    _band(axes, curves, curves.random, RANDOM, f"random order ({len(curves.random)} seeds)")
    axes.plot(curves.marks, 100 * curves.served, color=SERVED, lw=1.6, marker="o", ms=3, label="served by Label Studio")
    axes.axhline(100 * curves.majority, color=RANDOM, lw=0.8, ls=":")
    place = (curves.marks[-1] / 100, 100 * curves.majority)
    axes.annotate("always the commonest class", place, va="top", fontsize=8, color=RANDOM)
    axes.set(xlabel="labels made", ylabel="accuracy on what was held out (%)", xlim=(0, curves.marks[-1] * 1.01))
    axes.set_title("What the same number of labels is worth", loc="left", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e9ecef", lw=0.8)
    axes.set_axisbelow(True)
    low, high = 100 * min(curves.majority, curves.served.min()), axes.get_ylim()[1]
    axes.set_ylim(bottom=low - 0.25 * (high - low))  # room for the legend
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path)


def _band(axes: Axes, curves: Curves, values: Real, colour: str, label: str) -> None:
    mean, error = 100 * values.mean(axis=0), 100 * standard_error(values)
    axes.fill_between(curves.marks, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
    axes.plot(curves.marks, mean, color=colour, lw=2, label=f"{label}, mean ± s.e.")
