"""Numbers: Bayesian linear regression on frozen embeddings, in closed form."""

from __future__ import annotations

from dataclasses import replace
from math import log, log10, sqrt

import numpy as np
import torch
from torch import Tensor

from labelcue.labels import NUMBER
from labelcue.labels.number import normal
from labelcue.surrogates import Examples, Head, Refined, Scored, Surrogate, surrogates
from labelcue.surrogates.device import tensor
from labelcue.types import Label

PENALTIES = tuple(float(one) for one in np.geomspace(1e-3, 1e2, 31))
"""Grid of λ, the variance of the noise over that of a weight."""
USUAL, DECADES = 0.3, 0.5
"""What is believed of λ before there are labels: its logarithm to base 10 is normal around that of the first, so
wide."""
BELIEVED = 1.0
"""Labels that the first guess of the noise counts as; it is the spread of the labels themselves."""
BLOCK = 4096
"""Rows whose spread is computed at a time."""
TOLD = 1e-4
"""Share of the prior variance along a direction below which labels have told nothing of it."""


@surrogates.register("regression")
class Regression(Surrogate):
    """y = m + w·(x, 1) + ε, w ~ N(0, σ²/λ), ε ~ N(0, σ²), m the mean of the labels (Bishop, Pattern Recognition and
    Machine Learning, 2006, section 3.3).

    λ maximises the evidence with σ² integrated out, σ² is its mean then. One eigendecomposition of the labels' Gram
    matrix gives it all, so that each fit is exact: a warm one and a cold one are the same.
    """

    name = "regression"
    kind = NUMBER
    summary = "Bayesian linear regression on the embeddings, with how far off each number may be."
    when = "Where labels are numbers: ratings, amounts, lengths."

    def carried(self, head: Head, before: tuple[Label, ...], after: tuple[Label, ...]) -> Head:
        """As it is: there are no classes."""
        return head

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """The posterior for these examples, whatever was before."""
        blank = Head.blank(1, before.weights.shape[1])
        if not len(examples):
            return replace(blank, l2=USUAL, noise=1.0)
        numbers = tensor(examples.targets)[:, 0]
        middle = float(numbers.mean())
        vectors = torch.column_stack([tensor(examples.vectors), torch.ones_like(numbers)])
        values, directions, along = _spectrum(vectors, numbers - middle)
        l2, noise = _chosen(values, along, float((numbers - middle).square().sum()), len(numbers))
        weights = (directions @ (values.sqrt() / (values + l2) * along)).cpu().numpy().astype(np.float32)
        told = values / (values + l2)
        extra = (directions * told.sqrt())[:, told > TOLD].T.cpu().numpy().astype(np.float32)
        return replace(
            blank,
            weights=np.ascontiguousarray(weights[None, :-1]),
            bias=weights[-1:] + np.float32(middle),
            l2=l2,
            noise=noise,
            extra=np.ascontiguousarray(extra),
            trained=len(examples) > 1,
            labelled=len(examples),
        )

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """Mean, deviation and doubt of every row, in blocks of rows.

        Its means are not those of `scored`: BLAS rounds a product with a single row of weights in another way.
        """
        rows = len(scored.logits)
        said = np.empty((rows, 3), dtype=np.float32)
        for start in range(0, rows, BLOCK):
            block = np.arange(start, min(start + BLOCK, rows))
            said[block] = normal(scored.unit(block), head)
        return Refined(said, head)


def _spectrum(vectors: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(k,) eigenvalues s > 0 of XᵀX, (d, k) their directions v, and (k,) s^(-1/2) vᵀXᵀy, by the smaller Gram matrix."""
    wide = len(vectors) < vectors.shape[1]
    values, basis = torch.linalg.eigh(vectors @ vectors.T if wide else vectors.T @ vectors)
    there = values > values[-1] * 1e-10
    values, basis = values[there], basis[:, there]
    if wide:
        return values, vectors.T @ basis / values.sqrt(), basis.T @ numbers
    return values, basis, basis.T @ (vectors.T @ numbers) / values.sqrt()


def _chosen(values: Tensor, along: Tensor, square: float, labelled: int) -> tuple[float, float]:
    """λ and σ: -2 log evidence = Σ log(1 + s/λ) + (n + a) log(a v + |y|² - Σ s/(s + λ) along²), a v the guess of σ²."""
    guess = BELIEVED * max(square / labelled, 1e-12)

    def left(l2: float) -> float:
        return guess + max(square - float((values / (values + l2) * along.square()).sum()), 0.0)

    def cost(l2: float) -> float:
        occam = float(torch.log1p(values / l2).sum()) + (log10(l2 / USUAL) / DECADES) ** 2
        return occam + (labelled + BELIEVED) * log(left(l2))

    best = min(PENALTIES, key=cost)
    return best, sqrt(left(best) / (labelled + BELIEVED))
