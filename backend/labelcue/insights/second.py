"""Is the next label better spent on a new task or on a second opinion? ActiveLab, and CROWDLAB of annotators."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labelcue.insights.agreement import Annotator, Votes
from labelcue.insights.intervals import Real
from labelcue.types import Floats, Ints

MOST = 5000
"""Labelled tasks that are scored; a random share where there are more."""
COMPARED = 20
"""Tasks of each kind whose mean score decides."""
LISTED = 100


@dataclass(frozen=True, slots=True)
class Spending:
    """Where the next labels tell most: the lower a score, the less is known of the task's label."""

    choice: str
    """'new', 'second' or '' while there is nothing to compare."""
    score_new: float | None
    """Mean score of the new tasks that are the least certain, 0 to 1."""
    score_second: float | None
    """The same of labelled tasks that could get one more label."""
    second: tuple[int, ...]
    """Rows of the labelled tasks where one more label tells most, the first first."""
    sentence: str


def spending(votes: Votes, labelled: Ints, believed: Floats, pool: Ints, probabilities: Floats, seed: int) -> Spending:
    """`labelled` (n,) rows and `believed` (n, c) their held-out probabilities; `pool` (m,) rows without labels and
    `probabilities` (m, c) of these.

    ActiveLab's scores (Goh & Mueller, arXiv 2301.11856; by cleanlab) put both kinds on one scale.
    """
    if not len(labelled) or not len(pool):
        missing = (
            "There are no labels yet." if not len(labelled) else "Every task has a label: second opinions are left."
        )
        return Spending("second" if len(labelled) else "", None, None, (), missing)
    some = np.sort(np.random.default_rng(seed).permutation(len(labelled))[:MOST])
    table, _ = wide(votes, labelled[some])
    old, new = _scores(table, believed[some], probabilities)
    order = np.argsort(old, kind="stable")
    least_old, least_new = float(old[order[:COMPARED]].mean()), float(np.sort(new)[:COMPARED].mean())
    choice = "second" if least_old < least_new else "new"
    rows = tuple(int(row) for row in labelled[some][order[:LISTED]])
    better = "a second opinion on a labelled task" if choice == "second" else "a new task"
    sentence = (
        f"The next label tells more on {better}: the least certain labelled tasks score {least_old:.2f}, "
        f"the least certain new ones {least_new:.2f}; the lower, the less is known."
    )
    return Spending(choice, round(least_new, 4), round(least_old, 4), rows, sentence)


def wide(votes: Votes, rows: Ints) -> tuple[Real, NDArray[np.int64]]:
    """(n, a) label of each annotator for each of these ascending rows, NaN where none; and the (a,) annotators."""
    place = np.searchsorted(rows, votes.item)
    inside = (place < len(rows)) & (rows[np.minimum(place, len(rows) - 1)] == votes.item)
    people, column = np.unique(votes.annotator[inside], return_inverse=True)
    table = np.full((len(rows), len(people)), np.nan)
    table[place[inside], column] = votes.label[inside]
    return table, people.astype(np.int64)


def with_quality(
    people: Sequence[Annotator], votes: Votes, labelled: Ints, believed: Floats, seed: int
) -> tuple[Annotator, ...]:
    """The same annotators with CROWDLAB's estimate of their quality, by cleanlab, where some tasks have two labels."""
    from cleanlab.multiannotator import get_label_quality_multiannotator

    some = np.sort(np.random.default_rng(seed).permutation(len(labelled))[:MOST])
    table, numbers = wide(votes, labelled[some])
    if not (np.isfinite(table).sum(axis=1) > 1).any():
        return tuple(people)
    present, probabilities, table = _present(table, believed[some])
    if len(present) < 2:
        return tuple(people)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of annotators who share no task with others
        found = get_label_quality_multiannotator(table, probabilities, return_detailed_quality=False, verbose=False)
    stats = found["annotator_stats"]["annotator_quality"]
    quality = {int(numbers[int(str(place))]): float(value) for place, value in stats.items()}
    return tuple(
        replace(one, quality=round(quality[one.annotator], 4)) if one.annotator in quality else one for one in people
    )


def _scores(table: Real, believed: Floats, probabilities: Floats) -> tuple[Real, Real]:
    from cleanlab.multiannotator import get_active_learning_scores

    present, inside, table = _present(table, believed)
    if len(present) < 2:
        return np.ones(len(table)), np.ones(len(probabilities))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old, new = get_active_learning_scores(table, inside, _shares(probabilities[:, present]))
    return np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)


def _present(table: Real, probabilities: Floats) -> tuple[Ints, Real, Real]:
    """Classes that somebody gave, and probabilities and table of these alone: cleanlab wants every class to occur."""
    known = np.isfinite(table)
    present = np.unique(table[known]).astype(np.int64)
    coded = table.copy()
    coded[known] = np.searchsorted(present, table[known].astype(np.int64))
    return present, _shares(probabilities[:, present]), coded


def _shares(probabilities: Floats) -> Real:
    """Rows that sum to 1, without zeros."""
    positive = probabilities.astype(np.float64) + 1e-9
    shares: Real = positive / positive.sum(axis=1, keepdims=True)
    return shares
