"""What the same number of labels is worth, strategy by strategy: learning curves from no labels on.

sets × pools × seeds ──► trials ── strategies ──► orders ── one head for all ──► curves ──► figures
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from labelcue.bench.dataset import LabelledSet, read_sets
from labelcue.bench.figures import REFERENCE, Curves, figures_of, summary_of
from labelcue.bench.kept import Kept
from labelcue.bench.pools import variants_named
from labelcue.bench.ruler import choose_penalty
from labelcue.bench.trials import Plan, Trial
from labelcue.strategies import strategies as known
from labelcue.types import Json


def run(paths: Sequence[Path], plan: Plan, resume: Path | None = None) -> Json:
    """`{"sets": {SET: {"full_accuracy", "strategies": {NAME: {...}}}}, "summary": {POOL: {NAME: {...}}}}`.

    Random order always runs, as the reference. With `resume`, runs of that file are not made again, and new ones are
    kept there one by one. Raises BadRequest for files, pools and budgets, and UnknownName for strategies.
    """
    plan = _checked(plan)
    sets = read_sets(list(paths))
    kept = Kept(resume)
    with _one_thread():
        trials = list(_trials(sets, plan, kept))
        _measure(trials, plan, kept)
    curves = {pool: _pool_curves(trials, plan, kept, pool) for pool in plan.pools}
    return {
        "protocol": {"seeds": plan.seeds, "budget": plan.budget, "batch": plan.batch, "annotators": plan.annotators},
        "sets": {name: figures_of(one) for pool in curves.values() for name, one in pool.items()},
        "summary": {pool: summary_of(found) for pool, found in curves.items()},
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """The same bits on every machine: sums depend on the number of threads, and an order on their last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _checked(plan: Plan) -> Plan:
    """The same with random order first, and each name once."""
    for name in plan.strategies:
        known.resolve(name)
    names = dict.fromkeys([REFERENCE, *plan.strategies])
    return replace(plan, strategies=tuple(names), pools=tuple(variants_named(list(plan.pools))))


def _trials(sets: Iterable[LabelledSet], plan: Plan, kept: Kept) -> Iterator[Trial]:
    for data in sets:
        key = f"{data.sha}/l2"
        if key not in kept:
            kept.put(key, choose_penalty(data))
        for variant in plan.pools:
            for seed in range(plan.seeds):
                yield Trial(data, variant, seed, kept[key])


def _measure(trials: Sequence[Trial], plan: Plan, kept: Kept) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    every = [key for trial in trials for key in trial.keys(plan)]
    done = sum(key in kept for key in every)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal, transient=True
    ) as bars:
        bar = bars.add_task("runs", total=len(every), completed=done)
        for trial in trials:
            bars.update(bar, description=f"{trial.name}, seed {trial.seed}")
            for key, found in trial.run(plan, {key for key in trial.keys(plan) if key not in kept}):
                kept.put(key, found)
                bars.advance(bar)


def _pool_curves(trials: Sequence[Trial], plan: Plan, kept: Kept, pool: str) -> dict[str, Curves]:
    """Set → what its trials on this pool have found."""
    mine = [trial for trial in trials if trial.variant == pool]
    names = dict.fromkeys(trial.name for trial in mine)
    return {name: _curves([trial for trial in mine if trial.name == name], plan, kept) for name in names}


def _curves(trials: Sequence[Trial], plan: Plan, kept: Kept) -> Curves:
    runs = {name: [kept[trial.key(plan, name, 1)] for trial in trials] for name in plan.strategies}
    return Curves(
        marks=plan.marks,
        full=np.array([kept[trial.full_key()]["accuracy"] for trial in trials]),
        accuracies={name: np.array([one["accuracies"] for one in found]) for name, found in runs.items()},
        seconds={name: float(np.mean([one["seconds"] for one in found])) for name, found in runs.items()},
    )
