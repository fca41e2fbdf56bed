"""Which of many pairs of vectors may be the nearest: a product that may be rough, and what it leaves in doubt.

The result is a superset of the nearest pairs, whatever computes it. So its precision, its batches and its threads
change the time that is spent, and never a number.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from labelcue.types import Floats, Ints

COARSE = 2.0**-8 + 2.0**-9 + 2.0**-12
"""Bounds the error of a bfloat16 product of unit vectors: the rounding of both (2⁻⁹ each, by Cauchy and Schwarz), of
the result (2⁻⁹), and what is left for sums in float32."""
MANY = 1 << 15
"""From so many pairs on, a coarse product is worth the conversion."""
CROWDED = 8
"""With more pairs in doubt for each row than these, the fine product is cheaper than looking at them all."""


class Screen:
    """Some unit vectors as targets; the error of a float32 product of d terms is at most d · 2⁻²⁴, in any order."""

    def __init__(self, targets: Floats) -> None:
        """`targets`: (c, d) float32 of length one."""
        self._fine = np.ascontiguousarray(targets.T)
        self._slack = 4 * (targets.shape[1] + 8) * 2.0**-24
        self._coarse: torch.Tensor | None = None

    def doubtful(self, block: Floats, scale: Floats, ceiling: Floats) -> tuple[Ints, Ints]:
        """(p,) rows of `block` and (p,) targets: every row's nearest pair is among them if it is below `ceiling`.

        `block`: (m, d) float32, `scale`: (m,) their reciprocal lengths, `ceiling`: (m,) squared distances.
        """
        if len(block) * self._fine.shape[1] >= MANY and coarse_pays():
            pairs = self._above(self._rough(block), scale, ceiling, 2 * COARSE + self._slack)
            if len(pairs) <= CROWDED * len(block):
                return np.divmod(pairs, self._fine.shape[1])
        return np.divmod(self._above(block @ self._fine, scale, ceiling, self._slack), self._fine.shape[1])

    def _above(self, likeness: Floats, scale: Floats, ceiling: Floats, slack: float) -> Ints:
        """Places in the flat `likeness`, (m, c), that reach the row's largest and the ceiling, but for `slack`."""
        least = np.maximum(likeness.max(axis=1) * scale, 1 - ceiling / 2) - np.float32(slack)
        return np.flatnonzero(likeness >= (least / scale)[:, None])

    def _rough(self, block: Floats) -> Floats:
        if self._coarse is None:
            self._coarse = torch.from_numpy(self._fine).bfloat16()
        rows = torch.from_numpy(block if block.flags.writeable else block.copy()).bfloat16()
        rough: Floats = (rows @ self._coarse).float().numpy()
        return rough


@cache
def coarse_pays() -> bool:
    """Whether one core multiplies bfloat16 faster than float32: asked of it, as no name of a processor tells."""
    block = np.ones((256, 256), dtype=np.float32)
    half = torch.ones((256, 256), dtype=torch.bfloat16)
    fine, coarse = [], []
    with threadpool_limits(1):  # Threads that wait for a busy core would be measured instead.
        for _ in range(8):
            began = time.perf_counter()
            block @ block
            between = time.perf_counter()
            half @ half
            fine.append(between - began)
            coarse.append(time.perf_counter() - between)
    return min(coarse) < min(fine) / 2
