"""How far annotators' sets and numbers are apart, and Krippendorff's alpha by any such distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.insights.agreement import HARDEST, Agreement, Annotator, Votes, verdict_of
from labelcue.insights.intervals import LEVEL, Estimate, Real, exact
from labelcue.types import Bools, Floats, Ints

RESAMPLES = 1000
MOST = 2000
"""Tasks with two labels that are looked at; a random share where there are more."""
STEPS = 1000
"""Numbers are rounded to so many steps of their span."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The different answers that were given, and how far each is from each."""

    index: Ints
    """(v,) which answer each vote is."""
    away: Real
    """(p, p) 0 to 1: 0 is the same."""
    power: int
    """Of the distance in alpha: 2 makes it the interval metric."""


def metric_of_sets(answers: Floats) -> Metric:
    """MASI (Passonneau, LREC 2006) of (v, c) sets: 1 - J M, J their Jaccard index, and M 1 for equal sets, 2/3 where
    one holds the other, 1/3 where they overlap, 0 where they share nothing; two empty sets are equal."""
    patterns, index = np.unique(answers > 0, axis=0, return_inverse=True)
    both = patterns.astype(np.float64) @ patterns.T
    size = patterns.sum(axis=1).astype(np.float64)
    either = size[:, None] + size[None] - both
    jaccard = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    least = np.minimum(size[:, None], size[None])
    monotone = np.where(both == either, 1.0, np.where(both == least, 2 / 3, 1 / 3)) * ((both > 0) | (either == 0))
    return Metric(index.ravel().astype(np.int64), 1 - jaccard * monotone, 1)


def metric_of_numbers(answers: Floats) -> Metric:
    """Difference of (v, 1) numbers as a share of their span."""
    numbers = answers[:, 0].astype(np.float64)
    low, span = float(numbers.min(initial=np.inf)), float(np.ptp(numbers)) if len(numbers) else 0.0
    steps = np.round((numbers - low) / span * STEPS) if span > 0 else np.zeros(len(numbers))
    levels, index = np.unique(steps, return_inverse=True)
    return Metric(index.astype(np.int64), np.abs(levels[:, None] - levels[None]) / STEPS, 2)


def agreement_by(
    votes: Votes, metric: Metric, items: int, close: float, rng: np.random.Generator, level: float = LEVEL
) -> Agreement:
    """Agreement of the votes on n `items`: alpha by the metric, each annotator against the others, hardest tasks.

    Two answers agree where they are at most `close` apart.
    """
    people = _each(votes, metric, close, level)
    times = np.bincount(votes.item, minlength=items)
    shared = np.flatnonzero(times > 1)
    if not len(shared):
        sentence = "No task has two labels yet: set a share of second opinions, or ask for some, to see agreement."
        return Agreement(0, None, people, (), (), sentence)
    some = np.sort(rng.permutation(shared)[:MOST])
    units = _units(votes, metric, some)
    alpha = krippendorff_by(units, metric, rng, level)
    apart = np.array([_pairs_apart(metric.away, unit) for unit in units])
    order = np.argsort(-apart, kind="stable")[:HARDEST]
    hardest = tuple((int(some[place]), round(float(apart[place]), 4)) for place in order if apart[place] > 0)
    return Agreement(len(shared), alpha, people, (), hardest, verdict_of(alpha))


def krippendorff_by(units: list[Ints], metric: Metric, rng: np.random.Generator, level: float = LEVEL) -> Estimate:
    """alpha = 1 - D_o / D_e (Krippendorff 2011) of the answers of each unit, two or more, with a bootstrap interval
    over units. Answers that are all the same give 1."""
    squared = metric.away**metric.power
    observed = np.array([squared[np.ix_(unit, unit)].sum() / (len(unit) - 1) for unit in units])
    counts = np.array([np.bincount(unit, minlength=len(squared)) for unit in units], dtype=np.float64)
    drawn = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=RESAMPLES)
    times = np.concatenate([np.ones((1, len(units))), drawn])
    mass = times @ counts
    total = mass.sum(axis=1)
    expected = np.einsum("bp,bp->b", mass @ squared, mass) / (total - 1)
    alphas = np.where(expected > 0, 1 - times @ observed / np.where(expected > 0, expected, 1), 1.0)
    low, high = np.quantile(alphas[1:], [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(alphas[0]), float(min(low, alphas[0])), float(max(high, alphas[0])), len(units))


def _units(votes: Votes, metric: Metric, some: Ints) -> list[Ints]:
    """The answers of each of these items."""
    order = np.argsort(votes.item, kind="stable")
    bounds = np.searchsorted(votes.item[order], [some, some + 1])
    return [metric.index[order[start:stop]] for start, stop in bounds.T]


def _pairs_apart(away: Real, unit: Ints) -> float:
    """Mean distance of a unit's pairs of answers."""
    return float(away[np.ix_(unit, unit)].sum() / (len(unit) * (len(unit) - 1)))


def _each(votes: Votes, metric: Metric, close: float, level: float) -> tuple[Annotator, ...]:
    """Every annotator: the share of the others' answers on the same tasks that agree; the lowest first."""
    one, two = _meetings(votes)
    agrees: Bools = metric.away[metric.index[one], metric.index[two]] <= close
    found = []
    for number in np.unique(votes.annotator):
        mine = votes.annotator[one] == number
        tasks = len(np.unique(votes.item[one[mine]]))
        estimate = None
        if tasks:
            share = float(agrees[mine].mean())
            estimate = Estimate(share, *exact(share * tasks, tasks, level), tasks)
        found.append(Annotator(int(number), int((votes.annotator == number).sum()), estimate))
    return tuple(sorted(found, key=lambda person: person.agreement.value if person.agreement else 2.0))


def _meetings(votes: Votes) -> tuple[Ints, Ints]:
    """All ordered pairs of two votes on the same item, as indices of votes."""
    order = np.argsort(votes.item, kind="stable")
    starts = np.flatnonzero(np.diff(votes.item[order], prepend=-1))
    groups = np.split(order, starts[1:]) if len(order) else []
    pairs = [(one, two) for group in groups if len(group) > 1 for one in group for two in group if one != two]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
