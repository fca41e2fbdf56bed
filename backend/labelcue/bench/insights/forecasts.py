"""How often forecasts hold what comes: the next labels' gain, labels to a target, and what random order needed."""

from __future__ import annotations

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
from labelcue.types import Floats, Ints, Json

AUDITS = 100
NOW = (100, 200, 400)
"""Labels at which the forecast is made."""
BUDGET, CHANCE = 600, 1000
"""Labels in the strategy's order and at random, of which the truth is known."""
FURTHER = 1.5
"""The target is what the model has at so many times the labels of now."""
STRATEGY, BATCH = "herding", 25


class Trial:
    """One seed of a set: a pool in the order of the strategy, audits of the test items, and the truth on the others."""

    def __init__(self, data: LabelledSet, l2: float, seed: int) -> None:
        pool = draw(data, "asis", seed)
        self.classes, self.l2, self.seed, self.tasks = len(data.classes), l2, seed, len(pool.said)
        budget = min(BUDGET, self.tasks)
        order = served(Task(pool, data.classes, budget, BATCH, seed), STRATEGY)
        self.vectors, self.targets = pool.vectors[order], np.eye(self.classes, dtype=np.float32)[pool.said[order]]
        shuffled = np.random.default_rng([seed, 17]).permutation(len(data.test_targets))
        audits, rest = shuffled[:AUDITS], shuffled[AUDITS:]
        self.audits, self.said = data.test_vectors[audits], data.test_targets[audits]
        self._rest = data.test_vectors[rest], data.test_targets[rest]
        self.marks = np.unique(np.append(np.arange(20, budget, 20), NOW))
        self.truth = self._smooth(self.vectors, self.targets, self.marks)
        at_random = np.random.default_rng([seed, 19]).permutation(self.tasks)[:CHANCE]
        self.random_marks = np.unique(np.geomspace(20, len(at_random), 24).astype(np.int64))
        vectors, targets = pool.vectors[at_random], np.eye(self.classes, dtype=np.float32)[pool.said[at_random]]
        self.random_truth = self._smooth(vectors, targets, self.random_marks)

    def _smooth(self, vectors: Floats, targets: Floats, at: Ints) -> Real:
        """(k,) accuracies on the other test items, made to rise: single models wobble around what there is to know."""
        found = predictions(vectors, targets, at, self._rest[0], self.l2, self.seed)
        curve: Real = IsotonicRegression().fit_transform(np.log(at), (found == self._rest[1]).mean(axis=1))
        return curve

    def forecast(self, now: int) -> tuple[Curve, Law | None]:
        """What the project would be told after so many labels."""
        at = marks(now)
        right = predictions(self.vectors, self.targets, at, self.audits, self.l2, self.seed) == self.said
        chance = random_order(self.audits, self.said, self.classes, self.l2, self.seed)
        return learning_curve(at, right, np.ones(len(self.said)), self.tasks, rate([], 0.0), chance)


def replay(data: LabelledSet, l2: float, seeds: int) -> Json:
    """`{gain, target, random: Rate; gain_width, gain_true}`: how often each interval of 80 % holds the truth."""
    held = {name: Rate() for name in ("gain", "target", "random")}
    width, true = [], []
    for seed in range(seeds):
        trial = Trial(data, l2, seed)
        for now in NOW:
            curve, law = trial.forecast(now)
            if law is None or now + NEXT > trial.marks[-1]:
                continue
            gain = gain_of(law, now, AUDITS)
            real = float(np.interp(now + NEXT, trial.marks, trial.truth) - np.interp(now, trial.marks, trial.truth))
            held["gain"].add(gain.low <= real <= gain.high)
            width.append(gain.high - gain.low)
            true.append(real)
            _target(trial, law, now, held["target"])
            _random(trial, curve, now, held["random"])
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
