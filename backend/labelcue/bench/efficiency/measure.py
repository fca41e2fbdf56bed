"""What the same number of labels is worth, strategy by strategy: learning curves from no labels on.

sets × pools × seeds ──► trials ── strategies ──► orders ── one head for all ──► curves ──► figures
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.efficiency.figures import REFERENCE, Curves, figures_of, summary_of
from labelcue.bench.efficiency.jobs import Work, one_thread, spread
from labelcue.bench.efficiency.kept import Kept
from labelcue.bench.efficiency.made import sets_of
from labelcue.bench.efficiency.others import check_other, is_other
from labelcue.bench.efficiency.pools import OF_SETS, variants_named
from labelcue.bench.efficiency.ruler import choose_penalty
from labelcue.bench.efficiency.trials import Plan, Trial
from labelcue.errors import BadRequest
from labelcue.strategies import strategies as known
from labelcue.types import Json


def run(
    paths: Sequence[Path], plan: Plan, resume: Path | None = None, picture: Path | None = None, jobs: int = 1
) -> Json:
    """`{"sets": {SET: {"full_accuracy", "strategies": {NAME: {...}}}}, "summary": {POOL: {NAME: {...}}}}`.

    Beside these, `protocol` is what was asked for, and `data` says what each set is. Random order always runs, as the
    reference. With `resume`, runs of that file are not made again, and new ones are kept there one by one. `picture`:
    where the curves are drawn. `jobs`: processes. Raises BadRequest for files, pools and budgets, UnknownName for
    strategies, and ConfigError for those that are not installed.
    """
    plan = _checked(plan)
    if picture is not None and not picture.absolute().parent.is_dir():
        raise BadRequest(f"There is no folder {picture.parent} for the picture.", "Make it, or name another one.")
    sets = sets_of(list(paths))
    for data in sets:
        _check_several(data, plan)
    kept = Kept(resume)
    trials = _measure(sets, plan, kept, jobs)
    curves = {pool: _pool_curves(trials, plan, kept, pool) for pool in plan.pools}
    named = {name: one for pool in curves.values() for name, one in pool.items()}
    if picture is not None:
        from labelcue.bench.efficiency.picture import draw

        draw(named, picture)
    return {
        "protocol": plan.as_json(),
        "data": {data.name: data.as_json() for data in sets},
        "sets": {name: figures_of(one) for name, one in named.items()},
        "summary": {pool: summary_of(found) for pool, found in curves.items()},
    }


def _checked(plan: Plan) -> Plan:
    """The same with random order first, and each name once."""
    for name in plan.strategies:
        check_other(name) if is_other(name) else known.resolve(name)
    names = dict.fromkeys([REFERENCE, *plan.strategies])
    return replace(plan, strategies=tuple(names), pools=tuple(variants_named(list(plan.pools))))


def _check_several(data: LabelledSet, plan: Plan) -> None:
    """Raises BadRequest for pools and peers that know single classes alone."""
    wrong = [name for name in plan.strategies if is_other(name)] + [name for name in plan.pools if name not in OF_SETS]
    if data.several and wrong:
        raise BadRequest(
            f"{data.name} has sets of labels, and {', '.join(wrong)} is for single classes.",
            f"Leave it out; pools of sets are {', '.join(OF_SETS)}.",
        )


def _measure(sets: Sequence[LabelledSet], plan: Plan, kept: Kept, jobs: int) -> list[Trial]:
    """Make and keep every run that is not kept already; the trials that they belong to."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not shown, transient=True) as bars:
        bar = bars.add_task("the head's penalty", total=None)
        trials = list(_trials(sets, plan, kept))
        every = [key for trial in trials for key in trial.keys(plan)]
        bars.update(bar, total=len(every), completed=sum(key in kept for key in every))
        missing = [(trial, {key for key in trial.keys(plan) if key not in kept}) for trial in trials]
        work = [Work(trial, plan, wanted) for trial, wanted in missing if wanted]
        for name, key, found in spread(work, jobs):
            kept.put(key, found)
            bars.update(bar, description=name, advance=1)
    return trials


def _trials(sets: Iterable[LabelledSet], plan: Plan, kept: Kept) -> Iterator[Trial]:
    for data in sets:
        key = f"{data.sha}/l2/{plan.penalty}"
        if key not in kept:
            with one_thread():
                kept.put(key, choose_penalty(data, plan.penalty))
        for variant in plan.pools:
            for seed in range(plan.seeds):
                yield Trial(data, variant, seed, kept[key])


def _pool_curves(trials: Sequence[Trial], plan: Plan, kept: Kept, pool: str) -> dict[str, Curves]:
    """Set → what its trials on this pool have found."""
    mine = [trial for trial in trials if trial.variant == pool]
    names = dict.fromkeys(trial.name for trial in mine)
    return {name: _curves([trial for trial in mine if trial.name == name], plan, kept) for name in names}


def _curves(trials: Sequence[Trial], plan: Plan, kept: Kept) -> Curves:
    runs = {name: [kept[trial.key(plan, name, 1)] for trial in trials] for name in plan.strategies}
    skipped = {name: run["skipped"] for name, found in runs.items() for run in found if "skipped" in run}
    runs = {name: found for name, found in runs.items() if name not in skipped}
    crowd = plan.annotators
    crowded = {name: [kept[trial.key(plan, name, crowd)] for trial in trials] for name in runs if crowd > 1}
    return Curves(
        marks=plan.marks,
        full=np.array([kept[trial.full_key()]["accuracy"] for trial in trials]),
        accuracies={name: np.array([one["accuracies"] for one in found]) for name, found in runs.items()},
        seconds={name: float(np.mean([one["seconds"] for one in found])) for name, found in runs.items()},
        annotators=crowd,
        crowded={name: np.array([one["accuracies"] for one in found]) for name, found in crowded.items()},
        copies={name: float(np.mean([one["copies_in_flight"] for one in found])) for name, found in crowded.items()},
        skipped=skipped,
    )
