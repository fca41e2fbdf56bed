"""What a subset is worth that a weak surrogate selects: accuracy by share kept, for several alphas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from labelcue.bench.efficiency.dataset import LabelledSet, read_sets
from labelcue.bench.efficiency.jobs import one_thread
from labelcue.bench.efficiency.ruler import choose_penalty
from labelcue.insights.intervals import Real
from labelcue.insights.selecting import SCHEMES
from labelcue.insights.selecting import select as draw
from labelcue.surrogates.solver import ROUGH, logits, solve
from labelcue.types import Floats, Ints, Json

ALPHAS = (-0.5, 0.0, 0.5, 1.0)
KEPT = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SURROGATE = 0.04
"""Share of the pool that the surrogate learned from, as in the paper's weak one; it is not selected from."""
UNIFORM = (SCHEMES.index("plain"), ALPHAS.index(0.0))


def run(paths: Sequence[Path], seeds: int) -> Json:
    """`{"kept", "seeds", "sets": {SET: {SCHEME: {ALPHA: {"accuracy": [...], "sem": [...]}}}}}`, a figure a share.

    The standard error is that of the difference to a uniform sample of the same seed; for that one, its own.
    """
    sets, console, found = read_sets(list(paths)), Console(stderr=True), {}
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars, one_thread():
        bar = bars.add_task("select", total=len(sets) * seeds)
        for data in sets:
            l2, seen = choose_penalty(data, "hundred"), []
            for seed in range(seeds):
                seen.append(_trial(data, l2, seed))
                bars.advance(bar)
            found[data.name] = _figures(np.array(seen))
    return {"kept": list(KEPT), "seeds": seeds, "sets": found}


def _figures(seen: Real) -> Json:
    """Of (seeds, schemes, alphas, kept) accuracies."""
    base = seen[:, UNIFORM[0], UNIFORM[1]]
    apart = seen - base[:, None, None]
    apart[:, UNIFORM[0], UNIFORM[1]] = base
    mean, sem = seen.mean(axis=0), apart.std(axis=0, ddof=1) / np.sqrt(len(seen))
    return {
        scheme: {
            f"{alpha:g}": {"accuracy": mean[i, j].tolist(), "sem": sem[i, j].tolist()} for j, alpha in enumerate(ALPHAS)
        }
        for i, scheme in enumerate(SCHEMES)
    }


def _trial(data: LabelledSet, l2: float, seed: int) -> Real:
    """(schemes, alphas, kept) test accuracy of one seed: surrogate, selection, and a model of what was kept."""
    order = np.random.default_rng([seed, 23]).permutation(len(data.targets))
    first, rest = np.split(order, [max(10 * len(data.classes), round(SURROGATE * len(order)))])
    believed = _model(data, first, np.ones(len(first)), l2, data.vectors[rest])
    out = np.zeros((len(SCHEMES), len(ALPHAS), len(KEPT)))
    for i, j, k in np.ndindex(out.shape):
        chosen = draw(believed, KEPT[k], ALPHAS[j], SCHEMES[i], np.random.default_rng([seed, 29]))
        tests = _model(data, rest[chosen.rows], chosen.weight / chosen.weight.mean(), l2, data.test_vectors)
        out[i, j, k] = (tests.argmax(axis=1) == data.test_targets).mean()
    return out


def _model(data: LabelledSet, rows: Ints, weight: Real, l2: float, probes: Floats) -> Floats:
    """(m, c) float32 probabilities of (m, d) `probes` by a logistic model of weighted rows."""
    vectors = torch.from_numpy(data.vectors[rows]).double()
    targets = torch.from_numpy(np.eye(len(data.classes))[data.targets[rows]] * weight[:, None])
    start = torch.zeros(len(data.classes), vectors.shape[1] + 1, dtype=torch.float64)
    theta = solve(vectors, targets, l2, start, ROUGH)
    found: Floats = torch.softmax(logits(theta, torch.from_numpy(probes).double()), dim=1).numpy().astype(np.float32)
    return found


def show(out: Console, figures: Json) -> None:
    """One table a set, in percent."""
    for name, schemes in figures["sets"].items():
        table = Table("scheme", "alpha", *(f"{kept:.0%}" for kept in figures["kept"]), title=name)
        for scheme, alphas in schemes.items():
            for alpha, found in alphas.items():
                table.add_row(scheme, alpha, *(f"{100 * one:.1f}" for one in found["accuracy"]))
        out.print(table)
