"""Runs → the one object that `labelcue bench efficiency` prints. Accuracies and their differences are from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from labelcue.bench.efficiency.curves import Real, area, crossing, geometric_mean, log_area, standard_error, worst
from labelcue.types import Json

REFERENCE, RIVAL = "random", "margin"


@dataclass(frozen=True)
class Curves:
    """All runs of one pool of one set."""

    marks: list[int]
    """(k,) numbers of labels."""
    full: Real
    """(s,) accuracy with every label of the pool."""
    accuracies: dict[str, Real]
    """Strategy → (s, k), random order included."""
    seconds: dict[str, float]
    """Strategy → mean time of a run, its measurement left out."""
    annotators: int = 1
    """How many hold an item at the same time in `crowded`."""
    crowded: dict[str, Real] = field(default_factory=dict)
    """Strategy → (s, k) with several annotators; empty for one."""
    copies: dict[str, float] = field(default_factory=dict)
    """Strategy → mean number of pairs of near-duplicates that were in flight together in a run."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Strategy → why it could not run."""


def figures_of(curves: Curves) -> Json:
    """`full_accuracy`, and the figures of every strategy."""
    return {
        "full_accuracy": float(curves.full.mean()),
        "full_accuracy_sem": _error(curves.full),
        "marks": curves.marks,
        "strategies": {name: _strategy(curves, name) for name in curves.accuracies},
        "skipped": curves.skipped,
    }


def _strategy(curves: Curves, name: str) -> Json:
    marks, found, random = curves.marks, curves.accuracies[name], curves.accuracies[REFERENCE]
    logs, gain = log_area(marks, found), found - random
    figures: dict[str, Json] = {
        "aubc": float(area(found).mean()),
        "aubc_sem": _error(area(found)),
        "aubc_log": float(logs.mean()),
        "aubc_log_sem": _error(logs),
        "aubc_vs_random": float(area(gain).mean()),
        "aubc_vs_random_sem": _error(area(gain)),
    }
    figures |= _crossings(curves, found, random)
    figures |= _worst("worst_vs_random", worst(marks, gain))
    figures |= _worst("worst_vs_random_after_20", worst(marks, gain, 20))
    figures |= {"vs_random_at_10": float(gain[:, 0].mean()) if marks[0] == 10 else None}
    figures |= {"vs_random_at_10_sem": _error(gain[:, 0]) if marks[0] == 10 else None}
    errors = standard_error(found)
    return figures | {
        "curve": found.mean(axis=0).tolist(),
        "curve_sem": None if errors is None else errors.tolist(),
        "seconds": curves.seconds[name],
        "annotators": {str(curves.annotators): _crowd(curves, name)} if name in curves.crowded else {},
    }


def _crowd(curves: Curves, name: str) -> Json:
    """Several annotators against one; `area_lost` is a share of one annotator's area, over labels that were made."""
    alone, together = area(curves.accuracies[name]), area(curves.crowded[name])
    error = _error(alone - together)
    return {
        "aubc": float(together.mean()),
        "aubc_sem": _error(together),
        "area_lost": float((alone - together).mean() / alone.mean()),
        "area_lost_sem": None if error is None else error / float(alone.mean()),
        "near_duplicates_in_flight": curves.copies[name],
    }


def _crossings(curves: Curves, found: Real, random: Real) -> Json:
    """Labels to reach each target; `censored` counts the seeds whose own curve never does."""
    targets = {
        "labels_to_match_random": random[:, -1],
        "labels_to_90": 0.90 * curves.full,
        "labels_to_95": 0.95 * curves.full,
    }
    figures: dict[str, Json] = {"censored": {}}
    for name, target in targets.items():
        figures[name], figures[f"{name}_sem"], figures["censored"][name] = crossing(curves.marks, found, target)
    return figures


def _worst(name: str, found: tuple[float, float | None, int] | None) -> Json:
    value, error, at = found or (None, None, None)
    return {name: value, f"{name}_sem": error, f"{name}_labels": at}


def summary_of(sets: dict[str, Curves]) -> Json:
    """Every strategy over the sets on which it ran, each set with the same weight."""
    every = list(sets.values())
    names = dict.fromkeys(name for one in every for name in one.accuracies)
    return {name: _over_sets([one for one in every if name in one.accuracies], name) for name in names}


def _over_sets(sets: list[Curves], name: str) -> Json:
    """`labels_to_match_share`: geometric mean of labels to match random order over the budget; what was never reached
    counts as the whole budget, and in `censored`."""
    matches = [crossing(one.marks, one.accuracies[name], one.accuracies[REFERENCE][:, -1]) for one in sets]
    budgets = [one.marks[-1] for one in sets]
    shares = [1.0 if found is None else found / last for (found, _, _), last in zip(matches, budgets, strict=True)]
    errors = [None if error is None else error / last for (_, error, _), last in zip(matches, budgets, strict=True)]
    mean, error = geometric_mean(shares, [0.0 if m[0] is None else e for m, e in zip(matches, errors, strict=True)])
    return {
        "sets": len(sets),
        "labels_to_match_share": mean,
        "labels_to_match_share_sem": error,
        "worst_share": max(shares),
        "censored": sum(found is None for found, _, _ in matches),
        **_dips(sets, name),
        **_mean_gain(sets, name, REFERENCE),
        **_mean_gain(sets, name, RIVAL),
    }


def _dips(sets: list[Curves], name: str) -> Json:
    """The worst set's lowest mean difference to random order, from 20 labels on, and its difference at 10."""
    gains = [(one.marks, one.accuracies[name] - one.accuracies[REFERENCE]) for one in sets]
    later = [found[0] for marks, gain in gains if (found := worst(marks, gain, 20)) is not None]
    first = [float(gain[:, 0].mean()) for marks, gain in gains if marks[0] == 10]
    return {
        "worst_vs_random_after_20": min(later) if later else None,
        "worst_vs_random_at_10": min(first) if first else None,
    }


def _mean_gain(sets: list[Curves], name: str, other: str) -> Json:
    """Mean over sets of the paired difference in area, its standard error, and the worst set's."""
    key = f"aubc_vs_{other}"
    if not all(other in one.accuracies for one in sets):
        return {key: None, f"{key}_sem": None, f"{key}_worst": None}
    gains = [area(one.accuracies[name]) - area(one.accuracies[other]) for one in sets]
    errors = [_error(gain) for gain in gains]
    known = [error for error in errors if error is not None]
    means = [float(gain.mean()) for gain in gains]
    error = float(np.sqrt(np.square(known).sum()) / len(gains)) if len(known) == len(gains) else None
    return {key: float(np.mean(means)), f"{key}_sem": error, f"{key}_worst": min(means)}


def _error(values: Real) -> float | None:
    error = standard_error(values)
    return None if error is None else float(error)
