"""What occurs in items, learned from what annotators marked, beside what another model has marked in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labelcue.labels import REGIONS
from labelcue.labels.occurring import with_doubt
from labelcue.labels.several import sigmoids
from labelcue.surrogates import Examples, Head, Refined, Scored, surrogates
from labelcue.surrogates.multi_label import MultiLabel


@surrogates.register("regions")
class Regions(MultiLabel):
    """One calibrated logistic regression a class on whole items: does it occur? It marks nothing by itself.

    Where another model has marked regions, doubt is the larger one of theirs and of what that model may have missed,
    max_c (2 p_c - 1) (1 - e_c): p the probability by the labels that class c occurs, where that is above 1/2, and e the
    other model's. Nothing is missed before labels tell something.
    """

    name = "regions"
    kind = REGIONS
    listens = True
    summary = "Which classes occur, by what annotators marked; with another model, the doubt of its regions."
    when = "Where annotators draw boxes, outlines or points, or mark stretches of time."

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """Presence and doubt of every row; where no model has marked, by the head, and 1 while that is untrained."""
        said = with_doubt(sigmoids(scored.logits, head))
        if not head.trained:
            said[:, -1] = 1
        if scored.heard is None:
            return Refined(said, head)
        told = np.isfinite(scored.heard).all(axis=1)
        heard = scored.heard[told]
        if head.trained and heard.shape[1] > 1:
            missed = np.maximum(2 * said[told, :-1] - 1, 0) * (1 - heard[:, :-1])
            heard[:, -1] = np.maximum(heard[:, -1], missed.max(axis=1))
        said[told] = heard
        return Refined(said, replace(head, trained=True), heard=True)
