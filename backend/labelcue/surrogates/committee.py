"""How far heads disagree that saw different shares of the labels: doubt that a label can settle."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from labelcue.surrogates import Examples, Head, Refined, Scored, surrogates
from labelcue.surrogates.device import tensor
from labelcue.surrogates.logistic import Logistic, theta_of
from labelcue.surrogates.solver import ROUGH, solve_all
from labelcue.types import Floats

MEMBERS = 8
BLOCK = 4096
"""Rows whose members' probabilities are held at a time."""


@surrogates.register("committee")
class Committee(Logistic):
    """The logistic head, and heads fitted to bootstrap samples of the same labels, from it on.

    The head gives the probabilities, not the mean of the members: each member saw two labels in three, and tasks that
    the pool does not know are answered by the head alone, so that both agree. The members are made anew in each round
    from the examples, the head and `rng`; nothing of them is kept.
    """

    name = "committee"
    summary = "The same, with eight heads fitted to resampled labels that may disagree."
    when = "With the strategy bald."

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """As the head says, with the mutual information of the members."""
        refined = super().refine(scored, examples, head, before, full, rng)
        if not head.trained:
            return refined
        drawn = rng.multinomial(len(examples), np.full(len(examples), 1 / len(examples)), size=MEMBERS)
        members = fit_members(examples, head, drawn.astype(np.float32)).cpu().numpy().astype(np.float32)
        rows = len(refined.probabilities)
        disagreement = np.empty(rows, dtype=np.float32)
        for start in range(0, rows, BLOCK):
            block = np.arange(start, min(start + BLOCK, rows))
            disagreement[block] = mutual_information(scored.unit(block), members, head.temperature)
        return Refined(refined.probabilities, refined.head, disagreement)


def fit_members(examples: Examples, head: Head, drawn: Floats) -> Tensor:
    """(k, c, d + 1) float64 optima for the examples weighted by each row of `drawn` (k, n), warm from the head."""
    vectors, targets = tensor(examples.vectors), tensor(examples.targets)
    weighted = tensor(drawn)[:, :, None] * targets
    return solve_all(vectors, weighted, head.l2, theta_of(head).expand(len(drawn), -1, -1), ROUGH)


def mutual_information(vectors: Floats, members: Floats, temperature: float) -> Floats:
    """(m,) float32 H(mean p) - mean H(p) in nats over the members (k, c, d + 1) for (m, d) unit vectors.

    BALD: Houlsby, Huszár, Ghahramani & Lengyel, 2011, arXiv 1112.5745.
    """
    count, classes, width = members.shape
    flat = members.reshape(count * classes, width)
    scores = (vectors @ flat[:, :-1].T + flat[:, -1]).reshape(len(vectors), count, classes)
    scores *= np.float32(1 / temperature)
    scores -= scores.max(axis=2, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=2, keepdims=True)
    inner: Floats = _entropy(p).mean(axis=1)
    information: Floats = np.maximum(_entropy(p.mean(axis=1)) - inner, np.float32(0))
    return information


def _entropy(p: Floats) -> Floats:
    entropy: Floats = -(p * np.log(np.maximum(p, np.finfo(np.float32).tiny))).sum(axis=-1)
    return entropy
