"""The tagger's fit: the problem of `solver`, with steps that know the curvature of each tag by itself.

Nearly all tokens are no span. A mean curvature over the tags, which serves where classes are about as large as each
other, would take hundreds of steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from labelcue.surrogates.lbfgs import minimise
from labelcue.surrogates.solver import PRIOR, SAFE, logits, loss_of

MOST = 16_000
"""Tokens that tell the curvature."""
ROUGH = (3000.0, 100.0)
"""How far from the tolerance a cold fit looks at the curvature again: where it begins there is another."""


def solve_tags(found: Tensor, truth: Tensor, l2: float, start: Tensor, tolerance: float) -> Tensor:
    """(k, f + 1) float64, as `solver.solve` for (n, f) `found` and (n, k) `truth`, all float64."""
    mass = truth.sum(dim=1, keepdim=True)

    def loss(flat: Tensor) -> tuple[float, Tensor]:
        value, gradient = loss_of(flat.view(1, *start.shape), found, truth[None], mass[None], l2)
        return value, gradient.view(-1)

    point = start
    for rough in (1.0,) if bool(start.any()) else (*ROUGH, 1.0):
        factor = _factor(found, mass, l2, point)

        def metric(gradient: Tensor, factor: Tensor = factor) -> Tensor:
            return torch.cholesky_solve(gradient.view(*start.shape, 1), factor).reshape(-1)

        point = minimise(loss, point.reshape(-1), rough * tolerance, metric).view(start.shape)
    return point


def _factor(found: Tensor, mass: Tensor, l2: float, start: Tensor) -> Tensor:
    """(k, f + 1, f + 1) Cholesky factors of Σ_i mass_i p_ik (1 - p_ik) x_i x_iᵀ with the penalty and the prior."""
    every = max(1, len(found) // MOST)
    some = torch.column_stack([found, torch.ones_like(found[:, :1])])[::every].float()
    likely = torch.softmax(logits(start, found[::every]), dim=1)
    flat = every * (mass[::every] * likely * (1 - likely)).float()
    curvature = torch.stack([(some * weight[:, None]).T @ some for weight in flat.T]).double()
    trace = curvature.diagonal(dim1=1, dim2=2).sum(dim=1, keepdim=True)
    curvature.diagonal(dim1=1, dim2=2).add_(l2 + SAFE * trace)
    curvature[:, -1, -1] += PRIOR / len(start)
    factor: Tensor = torch.linalg.cholesky(curvature)
    return factor
