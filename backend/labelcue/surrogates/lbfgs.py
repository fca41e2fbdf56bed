"""Minimising a smooth convex function of one tensor: L-BFGS with a strong-Wolfe line search."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Function: TypeAlias = Callable[[Tensor], tuple[float, Tensor]]
"""A point (k,) → the value and the gradient (k,) there."""

HISTORY = 20
DECREASE, CURVATURE = 1e-4, 0.9
"""The constants of the strong Wolfe conditions, as Nocedal & Wright recommend for quasi-Newton steps."""
MOST_STEPS = 500
MOST_TRIALS = 25
Metric: TypeAlias = Callable[[Tensor], Tensor]
"""A gradient (k,) → about the inverse of the second derivative times it: linear, symmetric, positive definite."""
RESOLUTION = 1e-13
"""Relative change of the value below which float64 cannot tell progress from rounding."""


def minimise(function: Function, start: Tensor, tolerance: float, metric: Metric | None = None) -> Tensor:
    """(k,) point where no entry of the gradient exceeds `tolerance`, or float64 has no further progress.

    Two-loop recursion: Nocedal & Wright, Numerical Optimization (2006), algorithm 7.4, with `metric` for its H₀. A good
    one takes the place of most steps.
    """
    metric = metric or Tensor.clone
    point = start.clone()
    value, gradient = function(point)
    pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=HISTORY)
    for _ in range(MOST_STEPS):
        if float(gradient.abs().max()) <= tolerance:
            break
        direction = _direction(gradient, pairs, metric)
        first = 1.0 if pairs else min(1.0, 1.0 / float(direction.norm()))
        here = (point, value, gradient)
        length, new_value, new_gradient = _search(function, here, direction, first)
        step, change = length * direction, new_gradient - gradient
        if value - new_value <= RESOLUTION * abs(value):
            break
        curved = float(step @ change)
        if curved > 0:
            pairs.append((step, change, curved))
        point, value, gradient = point + step, new_value, new_gradient
    return point


def _direction(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor, float]], metric: Metric) -> Tensor:
    """The step that the last pairs of steps and changes of the gradient suggest."""
    direction = -gradient
    if not pairs:
        return metric(direction)
    shares = []
    for step, change, curved in reversed(pairs):
        share = float(step @ direction) / curved
        direction = torch.add(direction, change, alpha=-share)
        shares.append(share)
    _, change, curved = pairs[-1]
    direction = metric(direction) * (curved / float(change @ metric(change)))
    for (step, change, curved), share in zip(pairs, reversed(shares), strict=True):
        direction = torch.add(direction, step, alpha=share - float(change @ direction) / curved)
    return direction


def _search(
    function: Function, here: tuple[Tensor, float, Tensor], direction: Tensor, first: float
) -> tuple[float, float, Tensor]:
    """A length that meets the strong Wolfe conditions, with value and gradient there.

    On a convex function the slope only rises along the line: double the length until the slope is no longer steep,
    then close in on its zero by false position, kept away from the ends.
    """
    point, value, gradient = here
    slope = float(gradient @ direction)
    low, low_slope, high, high_slope, length = 0.0, slope, 0.0, 0.0, first
    for _ in range(MOST_TRIALS):
        new_value, new_gradient = function(torch.add(point, direction, alpha=length))
        new_slope = float(new_gradient @ direction)
        decreases = new_value <= value + DECREASE * length * slope
        if decreases and abs(new_slope) <= -CURVATURE * slope:
            break
        if new_slope < 0 and decreases:
            low, low_slope = length, new_slope
        else:
            high, high_slope = length, max(new_slope, 0.0)
        if not high:
            length *= 2
            continue
        share = low_slope / (low_slope - high_slope)
        length = low + (high - low) * min(max(share, 0.1), 0.9)
    return length, new_value, new_gradient
