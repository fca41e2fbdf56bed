"""Labels that are probably wrong, by confident learning on probabilities of models that did not see them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from labelcue.insights.heldout import HeldOut
from labelcue.types import Floats, Ints

FEWEST = 30
"""Labelled tasks below which nothing is flagged."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """One labelled task whose label is probably wrong."""

    task: int
    given: int
    suggested: int
    """Indices of classes: the label that the task has, and the one that others like it have."""
    belief: float
    """Probability of the label given, by models that did not see the task, 0 to 1."""
    copies: int
    """Near-copies of the task that have another label."""
    said: str = ""
    better: str = ""
    """Of sets and numbers, where both indices are -1: the label given and the one suggested, in words."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Suspected label errors, the likeliest first."""

    looked_at: int
    suspects: tuple[Suspect, ...]
    sentence: str


def label_errors(tasks: Ints, given: Ints, found: HeldOut) -> Errors:
    """`tasks` (n,) ids of the labelled tasks, `given` (n,) their labels as indices of classes, `found` of the same n.

    Confident learning, pruned by noise rate (Northcutt, Jiang & Chuang, JAIR 2021, by cleanlab), ranked by the
    normalised margin p(given) − max of the others.
    """
    n = len(tasks)
    if n < FEWEST or len(np.unique(given)) < 2:
        missing = f"{FEWEST - n} more labelled tasks" if n < FEWEST else "labels of a second class"
        return Errors(n, (), f"Not enough to look for wrong labels yet: {missing}.")
    order = ranked(given, found.probabilities)
    belief = found.probabilities[order, given[order]]
    best = suggested(given, found.probabilities)[order]
    copies = _conflicts(given, found.group)[order]
    suspects = tuple(
        Suspect(int(tasks[place]), int(given[place]), int(other), round(float(share), 4), int(near))
        for place, other, share, near in zip(order, best, belief, copies, strict=True)
    )
    return told(n, suspects)


def told(n: int, suspects: tuple[Suspect, ...]) -> Errors:
    """With the sentence about them."""
    sentence = f"{len(suspects):,} of {n:,} labels look wrong ({len(suspects) / n:.1%}); the likeliest stand first."
    return Errors(n, suspects, sentence if suspects else f"None of {n:,} labels looks wrong.")


def ranked(given: Ints, probabilities: Floats) -> Ints:
    """Places of the suspected errors among (n,) labels, the likeliest first; classes without labels are left out."""
    from cleanlab.filter import find_label_issues

    present = np.unique(given)
    among = probabilities[:, present].astype(np.float64)
    among = (among + 1e-9) / (among + 1e-9).sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a class has too few labels to find any of them wrong
        found = find_label_issues(
            np.searchsorted(present, given),
            among,
            filter_by="prune_by_noise_rate",
            return_indices_ranked_by="normalized_margin",
            n_jobs=1,
        )
    return np.asarray(found, dtype=np.int64)


def suggested(given: Ints, probabilities: Floats) -> Ints:
    """(n,) the likeliest class beside the one given."""
    others = probabilities.copy()
    others[np.arange(len(given)), given] = -1
    best: Ints = others.argmax(axis=1).astype(np.int64)
    return best


def _conflicts(given: Ints, group: Ints) -> Ints:
    """(n,) number of near-copies that have another label."""
    size = np.bincount(group)
    _, pair, same = np.unique(np.column_stack([group, given]), axis=0, return_inverse=True, return_counts=True)
    conflicts: Ints = (size[group] - same[pair.ravel()]).astype(np.int64)
    return conflicts
