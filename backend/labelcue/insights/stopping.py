"""Whether to stop: how stable successive models are, and what the next labels will bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.insights.curve import LEVEL, TAILS
from labelcue.insights.intervals import Estimate
from labelcue.insights.powerlaw import Law
from labelcue.insights.yardsticks import Answers, Yardstick
from labelcue.types import Ints

NEXT = 100
"""Labels whose gain is forecast."""
STABLE = 0.99
"""Kappa between successive models from which on they count as one (Bloodgood & Vijay-Shanker, CoNLL 2009)."""
WINDOW = 3
"""Successive models whose mean decides."""
SMALL = 0.01
"""Accuracy of the next labels below which they are hardly worth it: one point."""
PROBES = 2000
"""Tasks on which models are compared."""


@dataclass(frozen=True, slots=True)
class Step:
    """A model against the one before it, on the same tasks."""

    labels: int
    agreement: float
    """Share of the tasks that both predict alike."""
    kappa: float
    """Their agreement beyond chance: Cohen's kappa of their predictions, Lin's concordance of numbers."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The advice and what it rests on."""

    stability: tuple[Step, ...]
    stable: bool
    gain: Estimate | None
    """Accuracy that the next `NEXT` labels are expected to add, 0 to 1."""
    cost: Estimate | None
    """Labels for one more point (hundredth) of accuracy; an infinite bound means that they may never bring it."""
    advice: str
    """'stop', 'go on' or 'wait'."""
    sentence: str
    rests_on: tuple[str, ...]


def stopping(at: Ints, predicted: Answers, yard: Yardstick, law: Law | None, audits: int) -> Stopping:
    """`predicted` (k, m, ...): what the model after `at` (k,) labels says of m tasks of the pool."""
    steps = tuple(
        Step(int(labels), *yard.alike(one, two))
        for labels, one, two in zip(at[1:], predicted[:-1], predicted[1:], strict=True)
    )
    late = [step.kappa for step in steps[-WINDOW:]]
    stable = len(late) == WINDOW and float(np.mean(late)) >= STABLE
    grounds = [_of_stability(late)] if late else []
    if law is None or not len(at):
        words = "Wait with the decision: there are not enough labels yet to say what more of them would bring."
        return Stopping(steps, stable, None, None, "wait", words, tuple(grounds))
    gain = gain_of(law, int(at[-1]), audits)
    grounds.append(
        f"The next {NEXT} labels are expected to add {100 * gain.value:.1f} points of accuracy ({100 * gain.low:.1f} "
        f"to {100 * gain.high:.1f}, {LEVEL:.0%} interval), by a power law through what {audits} audit labels say."
    )
    advice, words = _advice(stable, gain)
    return Stopping(steps, stable, gain, _cost(gain), advice, words, tuple(grounds))


def gain_of(law: Law, now: int, audits: int) -> Estimate:
    """What the next labels add to the accuracy."""
    low, middle, high = law.gain_quantiles(now, now + NEXT, TAILS)
    return Estimate(middle, low, high, audits)


def _of_stability(late: list[float]) -> str:
    mean = float(np.mean(late))
    verdict = "stable" if mean >= STABLE and len(late) == WINDOW else "still changing"
    return (
        f"Successive models agree with a mean kappa of {mean:.3f}: {verdict} ({STABLE} over {WINDOW} counts as stable)."
    )


def _advice(stable: bool, gain: Estimate) -> tuple[str, str]:
    points = f"{100 * gain.high:.1f} points"
    if gain.high < SMALL and stable:
        return (
            "stop",
            f"Stop, unless a gain of {points} at most is worth {NEXT} labels: the model hardly changes any more.",
        )
    if gain.high < SMALL:
        return (
            "wait",
            f"The next {NEXT} labels add {points} at most, but the model still changes: label a few more, look again.",
        )
    return "go on", f"Go on: the next {NEXT} labels may add up to {points}, {100 * gain.value:.1f} are expected."


def _cost(gain: Estimate) -> Estimate:
    """Labels for one more point, by the gain of the next ones; infinite where there may be none."""
    value, low, high = (NEXT * 0.01 / one if one > 0 else float("inf") for one in (gain.value, gain.high, gain.low))
    return Estimate(value, low, high, gain.n)
