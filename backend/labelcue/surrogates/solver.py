"""L2-regularised multinomial logistic regression: one convex problem, solved to one optimum from any start."""

from __future__ import annotations

import torch
from torch import Tensor

from labelcue.surrogates.lbfgs import minimise

PRIOR = 1.0
"""Weight of the made-up item at the origin that carries every class in equal shares: it keeps the intercept finite
while classes are unseen, so that they keep some probability, and is forgotten as labels come."""
PRECISE = 1e-4
"""Largest entry of the gradient that a fit may end with."""
ROUGH = 3e-3
"""The same for the fits inside cross-validation, of which only the loss is used."""


def solve(vectors: Tensor, targets: Tensor, l2: float, start: Tensor, tolerance: float = PRECISE) -> Tensor:
    """(c, d + 1) float64 weights and, last, intercepts that minimise

        Σ_i Σ_c -targets_ic log p_ic  +  PRIOR mean_c -log softmax(bias)_c  +  l2/2 |weights|²

    `vectors` (n, d), `targets` (n, c) and `start` (c, d + 1) are float64; `start` is left as it is.
    """
    return solve_all(vectors, targets[None], l2, start[None], tolerance)[0]


def solve_all(vectors: Tensor, targets: Tensor, l2: float, start: Tensor, tolerance: float = PRECISE) -> Tensor:
    """(k, c, d + 1) float64: the same for k problems (k, n, c) on the same vectors, each step one batched product.

    Their sum is minimised, which is the least where each of them is.
    """
    mass = targets.sum(dim=2, keepdim=True)

    def loss(flat: Tensor) -> tuple[float, Tensor]:
        value, gradient = _loss(flat.view(start.shape), vectors, targets, mass, l2)
        return value, gradient.view(-1)

    return minimise(loss, start.reshape(-1), tolerance).view(start.shape)


def logits(theta: Tensor, vectors: Tensor) -> Tensor:
    """(n, c) scores of each row; (k, n, c) for k models (k, c, d + 1)."""
    return vectors @ theta[..., :-1].mT + theta[..., None, :, -1]


def _loss(theta: Tensor, vectors: Tensor, targets: Tensor, mass: Tensor, l2: float) -> tuple[float, Tensor]:
    weights, bias = theta[..., :-1], theta[..., -1]
    log_p = torch.log_softmax(logits(theta, vectors), dim=2)
    log_prior = torch.log_softmax(bias, dim=1)
    value = -(targets * log_p).sum() - PRIOR * log_prior.mean(dim=1).sum() + l2 / 2 * weights.square().sum()
    residual = log_p.exp_().mul_(mass).sub_(targets)
    gradient = torch.empty_like(theta)
    gradient[..., :-1] = residual.mT @ vectors + l2 * weights
    gradient[..., -1] = residual.sum(dim=1) + PRIOR * (log_prior.exp() - 1 / bias.shape[1])
    return float(value), gradient
