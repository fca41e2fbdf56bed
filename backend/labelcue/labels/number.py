"""A label is a number: a rating, a price, a length. Predictions are a mean, a standard deviation and a doubt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import fsum, isfinite
from typing import cast

import numpy as np

from labelcue.errors import BadRequest
from labelcue.labels import LabelKind, Model, kinds
from labelcue.labels import measures as of
from labelcue.labels.belief import Belief, Groups
from labelcue.types import Answer, Floats, Ints, Json, Label

MEAN, DEVIATION, DOUBT = 0, 1, 2
"""Columns of a prediction: the last one is the deviation as a share of what it is before there are labels."""
PARTS = 5
"""Equal parts of the range by which labels are counted, so that rare numbers are not forgotten."""
LENGTH = np.float32(2)
"""Squared length of a vector of length one with a 1 for the intercept."""


class NumberBelief(Belief):
    """(m, 3) mean, deviation, doubt."""

    def __init__(self, said: Floats, given: Floats, bounds: tuple[float, float] | None) -> None:
        super().__init__(said, given)
        low, high = bounds or (given.min(initial=np.inf), given.max(initial=-np.inf))
        self._low, self._width = (float(low), float(high - low)) if high > low else (0.0, 0.0)

    @property
    def groups(self) -> int:
        """The parts of the range."""
        return PARTS

    @property
    def counts(self) -> Floats:
        """(PARTS,) labels in each part."""
        return np.bincount(self._part(self.given[:, 0]), minlength=PARTS).astype(np.float32)

    def doubt(self) -> Floats:
        """Predictive standard deviation as a share of that without any label."""
        return of.rounded(self.said[:, DOUBT])

    def grouped(self) -> tuple[Floats, Groups]:
        """With the part of the range that the mean lies in."""
        return self.doubt(), self._part(self.said[:, MEAN])

    def unevenness(self) -> float:
        """Of the parts' shares of the predicted means."""
        if not len(self.said):
            return 0.0
        return of.unevenness(np.bincount(self._part(self.said[:, MEAN]), minlength=PARTS) / len(self.said))

    def entropy(self) -> Floats:
        """As `doubt`: a normal distribution's entropy rises with its deviation alone (MacKay, Neural Computation 4,
        1992: the most informative label is that of the largest predictive variance)."""
        return self.doubt()

    def _part(self, numbers: Floats) -> Ints:
        if not self._width:
            return np.zeros(len(numbers), dtype=np.int64)
        share = (numbers - np.float32(self._low)) * np.float32(PARTS / self._width)
        return np.clip(share, 0, PARTS - 1).astype(np.int64)


@kinds.register("number")
class Number(LabelKind):
    """A finite number, within bounds where there are any."""

    name = "number"
    form = "a number"
    named = False
    joins = True

    @property
    def takes(self) -> str:
        """With the bounds."""
        return "numbers" if self.bounds is None else f"numbers from {self.bounds[0]:g} to {self.bounds[1]:g}"

    def limit(self, bounds: object) -> None:
        """Two finite numbers, the lower first."""
        pair = bounds if isinstance(bounds, (list, tuple)) and len(bounds) == 2 else (None, None)
        low, high = (_number(one) for one in pair)
        if low is None or high is None or low >= high:
            raise BadRequest(f"The bounds are {bounds!r}.", "Pass two numbers, the lower one first, as (1, 5).")
        self.bounds = (low, high)

    def columns(self, classes: int) -> int:
        """Mean, deviation, doubt."""
        return 3

    def rows(self, classes: int) -> int:
        """One."""
        return 1

    def read(self, label: object) -> Answer | None:
        """A finite number within the bounds."""
        number = _number(label)
        within = number is None or self.bounds is None or self.bounds[0] <= number <= self.bounds[1]
        return number if within else None

    def names(self, answer: Answer) -> Collection[Label]:
        """None."""
        return ()

    def counts(self, answers: Iterable[Answer], present: Collection[Label]) -> bool:
        """Every number."""
        return any(True for _ in answers)

    def targets(self, answers: Sequence[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
        """(n, 1) mean of the annotators' numbers."""
        means = [np.mean([cast(float, answer) for answer in given]) for given in answers]
        return np.array(means, dtype=np.float32).reshape(-1, 1)

    def as_json(self) -> dict[str, Json]:
        """With the bounds."""
        return {"name": self.name, "bounds": None if self.bounds is None else list(self.bounds)}

    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, 3) by the weights, and the spread that is left of the prior's."""
        return normal(vectors, model)

    def settle(self, said: Floats) -> Floats:
        """Means within the bounds."""
        if self.bounds is not None:
            np.clip(said[:, MEAN], *self.bounds, out=said[:, MEAN])
        return said

    def believe(self, said: Floats, given: Floats) -> Belief:
        """By the predictive deviation."""
        return NumberBelief(said, given, self.bounds)

    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """The mean; how surely: what the labels have taken from the deviation."""
        return float(said[MEAN]), float(1 - said[DOUBT])

    def titled(self, classes: tuple[Label, ...], said: Floats) -> dict[str, float]:
        """Mean and deviation."""
        return {"mean": float(said[MEAN]), "deviation": float(said[DEVIATION])}

    def text(self, answer: Answer) -> str:
        """Three digits."""
        return f"{cast(float, answer):.3g}"

    def agreed(self, answers: Sequence[Answer]) -> tuple[Answer | None, bool]:
        """Their mean."""
        numbers = [cast(float, answer) for answer in answers]
        return fsum(numbers) / len(numbers), len(set(numbers)) == 1

    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """The number that is expected, and how far off it may be."""
        return f"the model expects about {said[MEAN]:.3g}, give or take {said[DEVIATION]:.2g}"


def normal(vectors: Floats, model: Model) -> Floats:
    """(m, 3) float32 mean, predictive deviation and doubt of (m, d) vectors of length one.

    σ² (1 + (|x|² - |E x|²) / λ), x with a 1 for the intercept, E = `model.extra` (r, d + 1) what the labels have told
    of the weights, λ = `model.l2` and σ = `model.noise`. Doubt is its root over that with E = 0.
    """
    rows, offsets = model.weights, model.bias
    if model.extra.size:
        rows, offsets = np.vstack([rows, model.extra[:, :-1]]), np.concatenate([offsets, model.extra[:, -1]])
    found = vectors @ rows.T + offsets
    told = np.einsum("ij,ij->i", found[:, 1:], found[:, 1:])
    penalty = np.float32(model.l2 or 1.0)
    left, prior = np.maximum(LENGTH - told, 0) / penalty, LENGTH / penalty
    out = np.empty((len(vectors), 3), dtype=np.float32)
    out[:, MEAN] = found[:, 0]
    out[:, DEVIATION] = np.float32(model.noise) * np.sqrt(1 + left)
    out[:, DOUBT] = np.sqrt((1 + left) / (1 + prior))
    return out


def _number(label: object) -> float | None:
    if isinstance(label, (bool, np.bool_)) or not isinstance(label, (int, float, np.integer, np.floating)):
        return None
    return float(label) if isfinite(label) else None
