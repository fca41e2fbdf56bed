"""Whether the advice to stop, to go on or to wait was good: what the next labels really added after each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.insights.forecasts import AUDITS, DRAWS, STEP, Trial, true_gain
from labelcue.bench.insights.rates import Rate, mean_of
from labelcue.insights.curve import learning_curve, rate
from labelcue.insights.stopping import NEXT, SMALL, Stopping, stopping
from labelcue.insights.successive import marks
from labelcue.types import Json

NOW = (100, 200, 400, 800, 1200)
"""Labels at which advice is asked for, as far as the set has them."""
ADVICE = ("stop", "wait", "go on")


def replay(data: LabelledSet, l2: float, seeds: int) -> Json:
    """`{"given": {ADVICE: Rate}, "gain": {ADVICE: mean}, "small": {ADVICE: Rate}}`: how often each was given, the true
    gain in accuracy of the next labels then, and how often that was below one point."""
    given, small = ({name: Rate() for name in ADVICE} for _ in range(2))
    gains: dict[str, list[float]] = {name: [] for name in ADVICE}
    for seed in range(seeds):
        trial = Trial(data, l2, seed, budget=NOW[-1] + NEXT + STEP)
        for now in NOW:
            if now + NEXT > trial.marks[-1]:
                continue
            real = true_gain(trial, now)
            for told in _told(trial, now):
                for name in ADVICE:
                    given[name].add(told.advice == name)
                small[told.advice].add(real < SMALL)
                gains[told.advice].append(real)
    return {
        "given": {name: one.as_json() for name, one in given.items()},
        "gain": {name: mean_of(found) for name, found in gains.items()},
        "small": {name: one.as_json() for name, one in small.items()},
    }


def _told(trial: Trial, now: int) -> Iterator[Stopping]:
    """What projects with other audits would be told after so many labels."""
    at = marks(now)
    said = trial.said(trial.vectors[:now], trial.targets[:now], at)
    right = trial.right(said)
    for number in range(DRAWS):
        shuffled = np.random.default_rng([trial.seed, now, number]).permutation(right.shape[1])
        audits = shuffled[:AUDITS]
        _, law = learning_curve(at, right[:, audits], np.ones(AUDITS), trial.tasks, rate([], 0.0), None)
        yield stopping(at, said, trial.yard, law, AUDITS)
