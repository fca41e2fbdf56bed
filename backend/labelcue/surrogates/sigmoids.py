"""One L2-regularised logistic regression a label, all at once: one convex problem, as `solver` is for classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from labelcue.surrogates.crossval import TEMPERATURES
from labelcue.surrogates.lbfgs import minimise
from labelcue.surrogates.solver import FEW, MANY, PRECISE, PRIOR, curvature_metric, logits

COMMON = 0.5
"""Standard deviation, in powers of e, of what is believed of a label's own temperature around the common one, and
labels of either sort that weigh as much as that belief: `CERTAIN`."""
CERTAIN = 8.0


def solve(vectors: Tensor, targets: Tensor, l2: float, start: Tensor, tolerance: float = PRECISE) -> Tensor:
    """(c, d + 1) float64 weights and, last, intercepts that minimise

        Σ_i Σ_l log(1 + exp(z_il)) - t_il z_il  +  PRIOR Σ_l log(1 + exp(b_l)) - b_l / 2  +  l2/2 |weights|²

    z = x @ weights.T + b. `vectors` (n, d), `targets` (n, c) from 0 to 1 and `start` (c, d + 1) are float64; `start` is
    left as it is. The prior is a made-up item at the origin that has half of each label.
    """

    def loss(flat: Tensor) -> tuple[float, Tensor]:
        theta = flat.view(start.shape)
        weights, bias = theta[:, :-1], theta[:, -1]
        scores = logits(theta, vectors)
        value = softplus(scores).sum() - (targets * scores).sum() + l2 / 2 * weights.square().sum()
        value += PRIOR * (softplus(bias) - bias / 2).sum()
        residual = torch.sigmoid(scores).sub_(targets)
        gradient = torch.empty_like(theta)
        gradient[:, :-1] = residual.mT @ vectors + l2 * weights
        gradient[:, -1] = residual.sum(dim=0) + PRIOR * (torch.sigmoid(bias) - 0.5)
        return float(value), gradient.view(-1)

    metric = None
    if FEW * len(vectors) >= vectors.shape[1] and len(start):
        every = max(1, len(vectors) // (MANY * start.shape[1]))
        likely = torch.sigmoid(logits(start, vectors[::every]))
        metric = curvature_metric(vectors[::every], every * (likely * (1 - likely)).mean(dim=1), l2, PRIOR / 4)
    return minimise(loss, start.reshape(-1), tolerance, metric).view(start.shape)


def losses(scores: Tensor, targets: Tensor, temperature: float | Tensor) -> Tensor:
    """(c,) mean negative log likelihood of each label, in nats."""
    scaled = scores / temperature
    return (softplus(scaled) - targets * scaled).mean(dim=0)


def choose_temperatures(scores: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """The likeliest common temperature for held-out labels, and (c,) that of each label as a multiple of it.

    The common one is pulled towards flat by 2 / (n + 2) of each label being half of one, squared, which may flatten but
    never sharpen, as `crossval.choose_temperature`. A label's own is drawn to the common one, the more the fewer items
    have it, or lack it.
    """
    items = len(targets)
    share = (2 / (items + 2)) ** 2
    smooth = (1 - share) * targets + share / 2
    common = min(TEMPERATURES, key=lambda t: float(losses(scores, smooth, t).sum()))
    if common < 1 and float(losses(scores, targets, common).sum()) >= float(losses(scores, targets, 1.0).sum()):
        common = 1.0
    grid = torch.tensor(TEMPERATURES, dtype=scores.dtype, device=scores.device)
    each = torch.stack([losses(scores, targets, float(t)) for t in grid]) * items
    rarer = torch.minimum(targets.sum(dim=0), (1 - targets).sum(dim=0))
    pull = ((grid / common).log() / COMMON).square()[:, None] / 2 * (1 + CERTAIN / (rarer + 1))
    return common, grid[(each + pull).argmin(dim=0)] / common
