"""Another model's word in place of a surrogate's; where it says nothing, the model of the labels speaks."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from labelcue.labels.number import DOUBT
from labelcue.surrogates import Examples, Head, Refined, Scored, Surrogate, surrogates
from labelcue.surrogates.logistic import Logistic
from labelcue.surrogates.multi_label import MultiLabel
from labelcue.surrogates.regression import Regression
from labelcue.types import Floats

SUMMARY = "What another model says of each task; what it leaves out, a model of the labels, or coverage alone."


class _Listening(Surrogate):
    """Before a surrogate of its kind, which goes on learning."""

    listens = True
    summary = SUMMARY
    when = "Where a model of yours already predicts the tasks: its doubt orders the queue from the first label on."

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """What was heard; the rest as the head says, and as unsure as can be while that is untrained."""
        refined = super().refine(scored, examples, head, before, full, rng)
        if scored.heard is None:
            return refined
        said, told = refined.probabilities, np.isfinite(scored.heard).all(axis=1)
        if not head.trained:
            said[~told] = self._open(scored.heard[told])
        said[told] = scored.heard[told]
        return replace(refined, head=replace(refined.head, trained=True), heard=True)

    @abstractmethod
    def _open(self, told: Floats) -> Floats:
        """(k,) what is said of items that nobody knows anything of, beside (m, k) others."""


@surrogates.register("external")
class External(_Listening, Logistic):
    """Of classes: the other model's probabilities."""

    name = "external"

    def _open(self, told: Floats) -> Floats:
        return np.full(told.shape[1], 1 / max(1, told.shape[1]), dtype=np.float32)


@surrogates.register("external-sets")
class ExternalSets(_Listening, MultiLabel):
    """Of sets: the other model's probability of each label."""

    name = "external-sets"

    def _open(self, told: Floats) -> Floats:
        return np.full(told.shape[1], 0.5, dtype=np.float32)


@surrogates.register("external-numbers")
class ExternalNumbers(_Listening, Regression):
    """Of numbers: the other model's number, and one less its score as doubt."""

    name = "external-numbers"

    def _open(self, told: Floats) -> Floats:
        mean: Floats = told.mean(axis=0) if len(told) else np.zeros(told.shape[1], dtype=np.float32)
        mean[DOUBT] = 1
        return mean
