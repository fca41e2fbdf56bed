"""How often forecasts hold what comes: the next labels' gain, labels to a target, and what random order needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.isotonic import IsotonicRegression

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.efficiency.orders import Task, served
from labelcue.bench.efficiency.pools import draw
from labelcue.bench.insights.rates import Rate, mean_of
from labelcue.insights.curve import Curve, learning_curve, rate
from labelcue.insights.intervals import Real
from labelcue.insights.powerlaw import Law
from labelcue.insights.stopping import NEXT, gain_of
from labelcue.insights.successive import marks, predictions, random_order
from labelcue.insights.yardsticks import Answers
from labelcue.insights.yardsticks.classes import ByClass
from labelcue.types import Bools, Floats, Ints, Json

AUDITS, DRAWS = 100, 8
"""Audits of a forecast, and how often they are drawn anew for the same models."""
NOW = (100, 200, 400)
"""Labels at which the forecast is made."""
BUDGET, CHANCE = 600, 1000
"""Labels in the strategy's order and at random, of which the truth is known."""
FURTHER = 1.5
"""The target is what the model has at so many times the labels of now."""
STEP = 20
"""Labels between two points of the truth."""
STRATEGY, BATCH = "herding", 25


class Trial:
    """One seed of a set: a pool in the order of the strategy, and the truth on the test items, of which audits are."""

    def __init__(self, data: LabelledSet, l2: float, seed: int, budget: int = 0) -> None:
        """`budget`: labels in the strategy's order; 0 for `BUDGET`."""
        pool = draw(data, "asis", seed)
        self.data, self.l2, self.seed, self.tasks = data, l2, seed, len(pool.said)
        self.one_hot = np.eye(len(data.classes), dtype=np.float32)
        self.yard = ByClass(len(data.classes))
        budget = min(budget or BUDGET, self.tasks)
        order = served(Task(pool, data.classes, budget, BATCH, seed), STRATEGY)
        self.vectors, self.targets = pool.vectors[order], self.one_hot[pool.said[order]]
        self.marks = np.unique(np.append(np.arange(STEP, budget, STEP), [now for now in NOW if now <= budget]))
        self.truth = self._smooth(self.vectors, self.targets, self.marks)
        at_random = np.random.default_rng([seed, 19]).permutation(self.tasks)[:CHANCE]
        self.random_marks = np.unique(np.geomspace(20, len(at_random), 24).astype(np.int64))
        self.random_truth = self._smooth(pool.vectors[at_random], self.one_hot[pool.said[at_random]], self.random_marks)

    def said(self, vectors: Floats, targets: Floats, at: Ints) -> Answers:
        """(k, m) what the model after each number of labels says of each test item."""
        return predictions(vectors, targets, at, self.data.test_vectors, self.l2, self.seed, self.yard)

    def right(self, said: Answers) -> Bools:
        """(k, m) whether that is so."""
        return np.asarray(said == self.data.test_targets, dtype=np.bool_)

    def _smooth(self, vectors: Floats, targets: Floats, at: Ints) -> Real:
        """(k,) accuracies, made to rise: single models wobble around what there is to know."""
        seen = self.right(self.said(vectors, targets, at)).mean(axis=1)
        curve: Real = IsotonicRegression().fit_transform(np.log(at), seen)
        return curve

    def forecasts(self, now: int) -> Iterator[tuple[Curve, Law | None]]:
        """What projects with other audits would be told after so many labels; of the first, random order too."""
        at, data = marks(now), self.data
        right = self.right(self.said(self.vectors, self.targets, at))
        for number in range(DRAWS):
            shuffled = np.random.default_rng([self.seed, now, number]).permutation(len(data.test_targets))
            audits, chance = shuffled[:AUDITS], None
            if not number:
                said = data.test_targets[audits]
                chance = random_order(
                    data.test_vectors[audits], self.one_hot[said], said, self.l2, self.seed, self.yard
                )
            yield learning_curve(at, right[:, audits], np.ones(AUDITS), self.tasks, rate([], 0.0), chance)


def true_gain(trial: Trial, now: int) -> float:
    """What the next labels really add."""
    return float(np.interp(now + NEXT, trial.marks, trial.truth) - np.interp(now, trial.marks, trial.truth))


def replay(data: LabelledSet, l2: float, seeds: int) -> Json:
    """`{gain, target, random: Rate; gain_width, gain_true}`: how often each interval of 80 % holds the truth."""
    held = {name: Rate() for name in ("gain", "target", "random")}
    width, true = [], []
    for seed in range(seeds):
        trial = Trial(data, l2, seed)
        for now in NOW:
            real = true_gain(trial, now)
            for curve, law in trial.forecasts(now):
                if law is None or now + NEXT > trial.marks[-1]:
                    continue
                gain = gain_of(law, now, AUDITS)
                held["gain"].add(gain.low <= real <= gain.high)
                width.append(gain.high - gain.low)
                _target(trial, law, now, held["target"])
                _random(trial, curve, now, held["random"])
            true.append(real)
    figures = {name: one.as_json() for name, one in held.items()}
    return {**figures, "gain_width": mean_of(width), "gain_true": mean_of(true)}


def _target(trial: Trial, law: Law, now: int, held: Rate) -> None:
    target = float(np.interp(FURTHER * now, trial.marks, trial.truth))
    needed = max(0, int(trial.marks[np.searchsorted(trial.truth, target - 1e-12)]) - now)
    low, high = law.needed_quantiles(now, target, (0.1, 0.9))
    held.add(low <= needed <= high)


def _random(trial: Trial, curve: Curve, now: int, held: Rate) -> None:
    """Where random order never gets there with what is known, an interval that reaches so far holds the truth."""
    if curve.random is None:
        return
    goal = float(np.interp(now, trial.marks, trial.truth))
    place = int(np.searchsorted(trial.random_truth, goal - 1e-12))
    needed = float(trial.random_marks[place]) if place < len(trial.random_marks) else np.inf
    if curve.random.needed is None:
        held.add(needed > trial.random_marks[-1])
        return
    found = curve.random.needed
    held.add(found.low <= needed <= found.high or (np.isinf(needed) and found.high >= trial.random_marks[-1]))
