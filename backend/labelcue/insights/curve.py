"""The learning curve, what random order would have needed, and what is still needed to a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from labelcue.insights.audit import ENOUGH
from labelcue.insights.intervals import Estimate, Real, weighted_share
from labelcue.insights.powerlaw import Law, fit
from labelcue.types import Bools, Ints

LEVEL = 0.8
"""How often a forecast's interval holds what comes, checked by replay; wider ones would say nothing."""
TAILS = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
BREAK_S = 600.0
"""A longer pause between two labels is a break."""
AHEAD = 4
"""The forecast ends at so many times the labels of now."""
ASSUMPTION = (
    "Assumed: accuracy follows a - b n^-c in the number of labels n, random order ends at the same accuracy as this "
    "one, and its b and c are those seen when learning from the audit tasks alone, which chance chose."
)


@dataclass(frozen=True, slots=True)
class Point:
    """Measured accuracy of the model after so many labels."""

    labels: int
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class Ahead:
    """Accuracy as forecast for so many labels, with the bounds of `LEVEL`."""

    labels: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Random:
    """What random order would have done."""

    points: tuple[Point, ...]
    needed: Estimate | None
    """Labels with which random order is as accurate as the model is now; `n` is the number of audit labels."""
    saved: Estimate | None
    assumption: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a target still takes."""

    target: float
    reachable: bool
    """False where more than half of what is believed never gets there, or not with all tasks."""
    labels: Estimate | None
    """Labels beyond those of now; an infinite bound is one that nobody can give."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast labels come, all annotators together."""

    an_hour: float | None
    """While somebody labels: pauses above ten minutes are left out."""
    last_hour: int
    hours: float
    """Of labelling, without the breaks."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy by number of labels: seen, forecast, and by random order."""

    points: tuple[Point, ...]
    forecast: tuple[Ahead, ...]
    random: Random | None
    targets: tuple[Target, ...]
    rate: Rate
    level: float
    sentence: str


def learning_curve(
    at: Ints,
    right: Bools,
    weight: Real,
    tasks: int,
    rate: Rate,
    chance: tuple[Ints, Real] | None,
    audits: int | None = None,
    right_is: str = "is right on",
) -> tuple[Curve, Law | None]:
    """`right` (k, n): whether the model after `at` (k,) labels is right on n tasks of `weight` (n,).

    The first `audits` of them (all, where it is None) are audit tasks, whose weights are 1 on average; the others are
    tasks that the strategy took, which stand for themselves. `tasks`: how many labels there could be. `chance`: what
    `successive.random_order` gave of the same tasks. `right_is` stands behind 'the model'. The law is for `stopping`.
    """
    n = right.shape[1] if audits is None else audits
    if n < ENOUGH or len(at) < 3:
        missing = f"{ENOUGH - n} more audit labels" if n < ENOUGH else "more labels"
        return Curve((), (), None, (), rate, LEVEL, f"Not enough yet for a learning curve: {missing}."), None
    points = tuple(
        Point(int(mark), replace(weighted_share(one, weight), n=n)) for mark, one in zip(at, right, strict=True)
    )
    law, now = fit(at, right, weight), int(at[-1])
    ahead = [_ahead(law, labels, n) for labels in _further(now, tasks)]
    chosen = tuple(target_of(law, now, one / 100, tasks, n) for one in range(1 + int(100 * law.mean(now)), 101))
    random = by_chance(law, now, chance, weight, tasks, n) if chance else None
    sentence = (
        f"After {now:,} labels the model {right_is} {points[-1].accuracy.value:.1%} of the tasks; {AHEAD * now:,} "
        f"labels are expected to give {ahead[-1].value:.1%} ({ahead[-1].low:.1%} to {ahead[-1].high:.1%}, {LEVEL:.0%} "
        "interval)."
    )
    if ahead[-1].labels < AHEAD * now:
        sentence = sentence.replace(f"{AHEAD * now:,} labels are", f"labels on all {tasks:,} tasks are")
    return Curve(points, tuple(ahead), random, chosen, rate, LEVEL, sentence), law


def _further(now: int, tasks: int) -> list[int]:
    last = max(now, min(AHEAD * now, tasks))
    return sorted({round(one) for one in np.linspace(now, last, 13)})


def _ahead(law: Law, labels: int, n: int) -> Ahead:
    low, value, high = law.quantiles(law.accuracy(labels), TAILS)
    return Ahead(labels, round(value, 5), round(low, 5), round(min(high, 1.0), 5))


def target_of(law: Law, now: int, target: float, tasks: int, audits: int) -> Target:
    """Labels from `now` to a target, or why there is no such number."""
    low, middle, high = law.needed_quantiles(now, target, TAILS)
    left = max(tasks - now, 0)
    if not middle <= left:
        best = law.quantiles(law.accuracy(max(tasks, now)), (0.5,))[0]
        reason = (
            f"{target:.0%} is out of reach: labels on all {tasks:,} tasks are expected to give {best:.1%}. Aim lower, "
            "add tasks, or choose a better embedder."
        )
        return Target(target, False, None, reason)
    bound = f"{high:,.0f}" if high <= left else "more than there are tasks"
    words = f"About {middle:,.0f} more labels to {target:.0%} ({low:,.0f} to {bound}, {LEVEL:.0%} interval)."
    return Target(target, True, Estimate(middle, low, high, audits), words)


def by_chance(law: Law, now: int, chance: tuple[Ints, Real], weight: Real, tasks: int, n: int) -> Random:
    """What random order would have needed for the accuracy of now, by models that learned from n audit tasks alone."""
    at, right = chance
    effective = float(weight.sum() ** 2 / np.square(weight).sum())
    points = []
    for mark, one in zip(at, right, strict=True):
        share = float(np.average(one, weights=weight))
        error = float(np.sqrt(np.average(np.square(one - share), weights=weight) / effective))
        points.append(Point(int(mark), Estimate(share, max(0.0, share - 2 * error), min(1.0, share + 2 * error), n)))
    other = fit(at, right, weight, alike=law)
    low, middle, high = other.needed_quantiles(0, law.mean(now), TAILS)
    if low > tasks:
        words = f"Random order is not expected to reach the accuracy of now with all {tasks:,} tasks."
        return Random(tuple(points), None, None, ASSUMPTION, words)
    words = (
        f"Random order would have needed about {middle:,.0f} labels ({low:,.0f} to {min(high, tasks):,.0f}, "
        f"{LEVEL:.0%} interval) for what {now:,} have given."
    )
    if middle > tasks:
        words = (
            f"Random order would have needed {low:,.0f} labels or more for what {now:,} have given; whether all "
            f"{tasks:,} tasks would do is open."
        )
    middle, high = min(middle, float(tasks)), min(high, float(tasks))
    needed = Estimate(middle, low, high, n)
    saved = Estimate(middle - now, low - now, high - now, n)
    return Random(tuple(points), needed, saved, ASSUMPTION, words)


def rate(at: Sequence[float] | Real, now: float) -> Rate:
    """`at` (v,) Unix seconds of all labels, in any order."""
    when = np.sort(np.asarray(at, dtype=np.float64))
    last = int((when > now - 3600).sum())
    gaps = np.diff(when)
    working = gaps[gaps <= BREAK_S]
    hours = float(working.sum() / 3600)
    if len(working) < 2 or hours <= 0:
        return Rate(None, last, hours, "Not enough labels yet to say how fast they come.")
    speed = len(working) / hours
    return Rate(speed, last, hours, f"{speed:,.0f} labels an hour while somebody labels; {last:,} in the last hour.")
