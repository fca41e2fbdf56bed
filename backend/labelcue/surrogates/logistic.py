"""L2-regularised multinomial logistic regression on frozen embeddings, warm from round to round."""

from __future__ import annotations

from dataclasses import replace
from math import floor, log2

import numpy as np
import torch
from torch import Tensor

from labelcue.surrogates import Examples, Head, Surrogate, surrogates
from labelcue.surrogates.crossval import FEWEST, MOST, PENALTIES, choose_temperature, folds, held_out, log_loss
from labelcue.surrogates.solver import solve
from labelcue.types import Ints

DEFAULT_L2 = 0.1
"""Until there are labels enough to choose by; the middle of the grid, by its logarithm."""
DECADES = 0.5
"""Standard deviation, in powers of ten, of what is believed of the penalty before there are labels, around the default.
Few labels, far apart, cannot be told from noise by their held-out loss: the strongest penalty won, and with it the
larger class everywhere."""
DEFAULT_TEMPERATURE = 2.0
QUARTERS = 4
"""The temperature is chosen again so many times for each doubling of the labels."""


@surrogates.register("logistic")
class Logistic(Surrogate):
    """Strongly convex up to a shift of the intercepts: a warm fit ends where a cold one does.

    The penalty is chosen again whenever the number of labelled items passes a power of two, the temperature four
    times as often, both at a full fit.
    """

    name = "logistic"

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """The optimum for these examples; `before` gives the start, and what was chosen earlier."""
        classes, dim = before.weights.shape
        labelled = len(examples)
        if not labelled:
            return Head.blank(classes, dim)
        vectors = torch.from_numpy(examples.vectors).double()
        targets = torch.from_numpy(examples.targets).double()
        before = Head.blank(classes, dim) if full else before
        chosen = self._choose(vectors, targets, before, examples.classes_seen, rng)
        theta = solve(vectors, targets, chosen.l2, _theta(before)).numpy().astype(np.float32)
        return replace(
            chosen,
            weights=np.ascontiguousarray(theta[:, :-1]),
            bias=np.ascontiguousarray(theta[:, -1]),
            trained=examples.classes_seen > 1,
            labelled=labelled,
        )

    def _choose(self, vectors: Tensor, targets: Tensor, before: Head, seen: int, rng: np.random.Generator) -> Head:
        """`before` with the penalty and the temperature that these examples call for."""
        labelled = len(targets)
        if labelled < FEWEST or seen < 2:
            return replace(before, l2=DEFAULT_L2, temperature=DEFAULT_TEMPERATURE)
        known = before.labelled >= FEWEST and before.trained
        if known and _mark(before.labelled, QUARTERS) == _mark(labelled, QUARTERS):
            return before
        sample = torch.from_numpy(_sample(labelled, rng))
        vectors, targets = vectors[sample], targets[sample]
        fold, cold = folds(targets, rng), torch.zeros_like(_theta(before))
        if known and _mark(before.labelled, 1) == _mark(labelled, 1):
            scores = held_out(vectors, targets, fold, (before.l2,), cold)[0]
            return replace(before, temperature=choose_temperature(scores, targets))
        every = held_out(vectors, targets, fold, PENALTIES, cold)
        temperatures = [choose_temperature(scores, targets) for scores in every]
        losses = [
            log_loss(scores, targets, t) + (np.log10(l2 / DEFAULT_L2) / DECADES) ** 2 / (2 * labelled)
            for scores, t, l2 in zip(every, temperatures, PENALTIES, strict=True)
        ]
        best = int(np.argmin(losses))
        return replace(before, l2=PENALTIES[best], temperature=temperatures[best])


def _theta(head: Head) -> Tensor:
    return torch.from_numpy(np.column_stack([head.weights, head.bias])).double()


def _mark(labelled: int, steps: int) -> int:
    """Which of `steps` parts of its doubling a number of labels falls in; a restart finds the same."""
    return floor(log2(labelled) * steps)


def _sample(labelled: int, rng: np.random.Generator) -> Ints:
    rows: Ints = np.sort(rng.permutation(labelled)[:MOST])
    return rows
