"""L2-regularised multinomial logistic regression: one convex problem, solved to one optimum from any start."""

from __future__ import annotations

import torch
from torch import Tensor

from labelcue.surrogates.lbfgs import Metric, minimise

PRIOR = 1.0
"""Weight of the made-up item at the origin that carries every class in equal shares: it keeps the intercept finite
while classes are unseen, so that they keep some probability, and is forgotten as labels come."""
PRECISE = 1e-4
"""Largest entry of the gradient that a fit may end with."""
FEW, MANY = 2, 4
"""With fewer vectors than half the dimensions steps are cheap enough; four times as many tell the curvature."""
SAFE = 1e-6
"""Share of the curvature's trace that keeps float32's errors from making it indefinite."""
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
        value, gradient = loss_of(flat.view(start.shape), vectors, targets, mass, l2)
        return value, gradient.view(-1)

    metric = _metric(vectors, mass, l2, start) if FEW * len(vectors) >= vectors.shape[1] else None
    return minimise(loss, start.reshape(-1), tolerance, metric).view(start.shape)


def logits(theta: Tensor, vectors: Tensor) -> Tensor:
    """(n, c) scores of each row; (k, n, c) for k models (k, c, d + 1)."""
    return vectors @ theta[..., :-1].mT + theta[..., None, :, -1]


def _metric(vectors: Tensor, mass: Tensor, l2: float, start: Tensor) -> Metric:
    """The inverse of the mean over classes and problems of the loss's own second derivatives at `start`, in float32.

    Of one class: Σ_i p_ic (1 - p_ic) x_i x_iᵀ, the penalty and the prior. It saves a warm fit two steps of three.
    """
    classes, size = start.shape[1:]
    every = max(1, len(vectors) // (MANY * size))
    some = vectors[::every]
    flat = 1 - torch.softmax(logits(start, some), dim=2).square().sum(dim=2)
    weight = every / classes * (mass[:, ::every, 0] * flat).mean(dim=0)
    return curvature_metric(some, weight, l2, PRIOR / classes)


def curvature_metric(vectors: Tensor, weight: Tensor, l2: float, prior: float) -> Metric:
    """The inverse of Σ_i weight_i x_i x_iᵀ with the penalty, and the prior on the intercept, in float32."""
    size = vectors.shape[1] + 1
    scaled = torch.column_stack([vectors, torch.ones_like(vectors[:, :1])]).mul_(weight.sqrt()[:, None]).float()
    curvature = scaled.T @ scaled
    curvature.diagonal().add_(l2 + SAFE * float(curvature.trace()))
    curvature[-1, -1] += prior
    factor = torch.linalg.cholesky(curvature)

    def metric(gradient: Tensor) -> Tensor:
        return torch.cholesky_solve(gradient.view(-1, size).T.float(), factor).T.reshape(-1).double()

    return metric


def loss_of(theta: Tensor, vectors: Tensor, targets: Tensor, mass: Tensor, l2: float) -> tuple[float, Tensor]:
    """What `solve_all` minimises at (k, c, d + 1) `theta`, and its gradient; `mass` (k, n, 1) sums of the targets."""
    weights, bias = theta[..., :-1], theta[..., -1]
    log_p = torch.log_softmax(logits(theta, vectors), dim=2)
    log_prior = torch.log_softmax(bias, dim=1)
    value = -(targets * log_p).sum() - PRIOR * log_prior.mean(dim=1).sum() + l2 / 2 * weights.square().sum()
    residual = log_p.exp_().mul_(mass).sub_(targets)
    gradient = torch.empty_like(theta)
    gradient[..., :-1] = residual.mT @ vectors + l2 * weights
    gradient[..., -1] = residual.sum(dim=1) + PRIOR * (log_prior.exp() - 1 / bias.shape[1])
    return float(value), gradient
