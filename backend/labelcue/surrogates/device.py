"""Where the fits run."""

from __future__ import annotations

import torch
from numpy.typing import NDArray
from torch import Tensor


def device() -> torch.device:
    """The GPU where torch sees one, else the CPU. What a GPU computes may differ from a CPU in the last bits."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def tensor(array: NDArray) -> Tensor:  # type: ignore[type-arg]
    """A float64 copy of an array, there."""
    return torch.from_numpy(array).to(device()).double()
