"""A label is the name of one class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from labelcue.labels import LabelKind, Model, kinds
from labelcue.labels import measures as of
from labelcue.labels.belief import Belief, Groups
from labelcue.types import Answer, Floats, Label

HESITATES = 0.5
"""Uncertainty from which a model counts as hesitating."""


class ChoiceBelief(Belief):
    """Probabilities that sum to 1."""

    def doubt(self) -> Floats:
        """Margin uncertainty."""
        return of.margin(self.said)

    def grouped(self) -> tuple[Floats, Groups]:
        """With the predicted class."""
        return of.predicted(self.said)

    def unevenness(self) -> float:
        """Of the classes' mean probabilities."""
        if self.said.shape[1] < 2 or not len(self.said):
            return 0.0
        return of.unevenness(of.mean_prediction(self.said))

    def margin(self) -> Floats:
        """1 - (p1 - p2)."""
        return of.margin(self.said)

    def entropy(self) -> Floats:
        """-Σ p log p / log c."""
        return of.entropy(self.said)

    def least_confidence(self) -> Floats:
        """(1 - p1) c / (c - 1)."""
        return of.least_confidence(self.said)

    def hardness(self) -> Floats:
        """(1 - Σ p²) / 2."""
        return of.hardness(self.said)

    def slopes(self) -> Floats:
        """p - onehot(ŷ)."""
        return of.gradients(self.said)

    def information(self, disagreement: Floats) -> Floats:
        """Over log c."""
        return of.disagreement(disagreement, self.said.shape[1])


@kinds.register("class")
class Choice(LabelKind):
    """One of some classes."""

    name = "class"
    form = "the name of its class"
    exclusive = True
    joins = True

    @property
    def takes(self) -> str:
        """Names."""
        return "strings"

    def read(self, label: object) -> Answer | None:
        """A string that is not empty."""
        return str(label) if isinstance(label, str) and label else None

    def names(self, answer: Answer) -> Collection[Label]:
        """The one."""
        return (str(answer),)

    def counts(self, answers: Iterable[Answer], present: Collection[Label]) -> bool:
        """Whether one of the classes is allowed."""
        return any(answer in present for answer in answers)

    def targets(self, answers: Sequence[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
        """(n, c) share of each class among the answers that count; a row sums to 1."""
        index: dict[Answer, int] = {label: place for place, label in enumerate(classes)}
        out = np.zeros((len(answers), len(index)), dtype=np.float32)
        for target, given in zip(out, answers, strict=True):
            said = [index[answer] for answer in given if answer in index]
            np.add.at(target, said, np.float32(1 / len(said)))
        return out

    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, c) softmax of the scores over the temperature."""
        scores = (vectors @ model.weights.T + model.bias).astype(np.float64) / model.temperature
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return likely

    def believe(self, said: Floats, given: Floats) -> Belief:
        """By margin."""
        return ChoiceBelief(said, given)

    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """The likeliest class, and its probability."""
        best = int(np.argmax(said))
        return classes[best], float(said[best])

    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """The class that is expected, or the two between which the model hesitates."""
        second, first = np.argsort(said, kind="stable")[-2:]
        p1, p2 = said[first], said[second]
        if 1 - (p1 - p2) >= HESITATES:
            return f"the model hesitates between {classes[first]} and {classes[second]} ({p1:.2f}/{p2:.2f})"
        return f"the model expects {classes[first]} ({p1:.2f})"
