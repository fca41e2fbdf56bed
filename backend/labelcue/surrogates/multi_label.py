"""Sets of labels: one calibrated logistic regression a label on frozen embeddings, warm from round to round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from labelcue.labels import SET
from labelcue.labels.several import sigmoids
from labelcue.surrogates import Examples, Head, Refined, Scored, surrogates
from labelcue.surrogates.logistic import Logistic
from labelcue.surrogates.sigmoids import choose_temperatures, losses, solve
from labelcue.types import Label


@surrogates.register("multi-label")
class MultiLabel(Logistic):
    """Binary relevance: labels are learned apart from each other, by one batched fit, with one penalty for all.

    Penalty and temperatures are chosen when those of `logistic` are; each label has a temperature of its own.
    """

    name = "multi-label"
    kind = SET
    summary = "One logistic regression a label on the embeddings, each calibrated by itself."
    when = "Where an item may have several labels, or none."

    _solve = staticmethod(solve)

    def carried(self, head: Head, before: tuple[Label, ...], after: tuple[Label, ...]) -> Head:
        """With the temperatures of the labels that are left; a new one has the common one."""
        own = {label: head.extra[place] for place, label in enumerate(before) if head.extra.size}
        extra = np.array([own.get(label, np.ones(1)) for label in after], dtype=np.float32).reshape(-1, 1)
        return replace(super().carried(head, before, after), extra=extra if own else head.extra)

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """A sigmoid of each score."""
        return Refined(sigmoids(scored.logits, head), head)

    def _tells(self, examples: Examples) -> bool:
        """Whether some item has a label that another one lacks."""
        return bool(np.ptp(examples.targets, axis=0).max(initial=0) > 0) if len(examples) else False

    def _calibrated(self, head: Head, scores: Tensor, targets: Tensor) -> Head:
        common, own = choose_temperatures(scores, targets)
        return replace(head, temperature=common, extra=own.cpu().numpy().astype(np.float32)[:, None])

    def _loss(self, head: Head, scores: Tensor, targets: Tensor) -> float:
        own = scores.new_tensor(head.extra[:, 0])
        return float(losses(scores, targets, head.temperature * own).sum())
