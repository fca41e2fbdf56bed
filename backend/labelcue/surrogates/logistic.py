"""L2-regularised multinomial logistic regression on frozen embeddings, warm from round to round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from labelcue.surrogates import Examples, Head, Surrogate, surrogates
from labelcue.surrogates.crossval import (
    FEWEST,
    PENALTIES,
    QUARTERS,
    choose_temperature,
    folds,
    held_out,
    log_loss,
    mark,
    sample,
)
from labelcue.surrogates.device import tensor
from labelcue.surrogates.solver import PRECISE, solve

DEFAULT_L2 = 0.1
"""Until there are labels enough to choose by; the middle of the grid, by its logarithm."""
DECADES = 0.5
"""Standard deviation, in powers of ten, of what is believed of the penalty before there are labels, around the default.
Few labels, far apart, cannot be told from noise by their held-out loss: the strongest penalty won, and with it the
larger class everywhere."""
DEFAULT_TEMPERATURE = 2.0


@surrogates.register("logistic")
class Logistic(Surrogate):
    """Strongly convex up to a shift of the intercepts: a warm fit ends where a cold one does.

    The penalty is chosen again whenever the number of labelled items passes a power of two, the temperature four
    times as often, both at a full fit.
    """

    name = "logistic"
    summary = "Multinomial logistic regression on the embeddings."
    when = "Always: as good as the others, and the fastest."

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """The optimum for these examples; `before` gives the start, and what was chosen earlier."""
        classes, dim = before.weights.shape
        labelled = len(examples)
        if not labelled:
            return Head.blank(classes, dim)
        vectors = tensor(examples.vectors)
        targets = tensor(examples.targets)
        before = Head.blank(classes, dim) if full else before
        trained = self._tells(examples)
        chosen = self._choose(vectors, targets, before, trained, rng)
        theta = self._solve(vectors, targets, chosen.l2, theta_of(before), PRECISE).cpu().numpy().astype(np.float32)
        return replace(
            chosen,
            weights=np.ascontiguousarray(theta[:, :-1]),
            bias=np.ascontiguousarray(theta[:, -1]),
            trained=trained,
            labelled=labelled,
        )

    def _choose(self, vectors: Tensor, targets: Tensor, before: Head, trained: bool, rng: np.random.Generator) -> Head:
        """`before` with the penalty and the temperature that these examples call for."""
        labelled = len(targets)
        if labelled < FEWEST or not trained:
            return replace(before, l2=DEFAULT_L2, temperature=DEFAULT_TEMPERATURE)
        known = before.labelled >= FEWEST and before.trained
        if known and mark(before.labelled, QUARTERS) == mark(labelled, QUARTERS):
            return before
        some = sample(labelled, rng)
        vectors, targets = vectors[some], targets[some]
        fold, cold = folds(targets, rng), theta_of(Head.blank(*before.weights.shape))
        if known and mark(before.labelled, 1) == mark(labelled, 1):
            return self._calibrated(
                before, held_out(vectors, targets, fold, (before.l2,), cold, self._solve)[0], targets
            )
        every = held_out(vectors, targets, fold, PENALTIES, cold, self._solve)
        heads = [
            self._calibrated(replace(before, l2=l2), scores, targets)
            for scores, l2 in zip(every, PENALTIES, strict=True)
        ]
        losses = [
            self._loss(head, scores, targets) + (np.log10(head.l2 / DEFAULT_L2) / DECADES) ** 2 / (2 * labelled)
            for head, scores in zip(heads, every, strict=True)
        ]
        return heads[int(np.argmin(losses))]

    _solve = staticmethod(solve)

    def _tells(self, examples: Examples) -> bool:
        """Whether there is something to tell apart."""
        return examples.classes_seen > 1

    def _calibrated(self, head: Head, scores: Tensor, targets: Tensor) -> Head:
        """`head` with the temperature that suits (n, c) held-out scores."""
        return replace(head, temperature=choose_temperature(scores, targets))

    def _loss(self, head: Head, scores: Tensor, targets: Tensor) -> float:
        """Mean held-out loss, in nats."""
        return log_loss(scores, targets, head.temperature)


def theta_of(head: Head) -> Tensor:
    """(c, d + 1) float64 weights and, last, intercepts."""
    return tensor(np.column_stack([head.weights, head.bias]))
