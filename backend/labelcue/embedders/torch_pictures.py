"""Image models that torch runs, from libraries that teams may have installed; on a GPU where there is one."""

from __future__ import annotations

import importlib.util
import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from labelcue.embedders import unit
from labelcue.embedders.images import ImageEmbedder
from labelcue.errors import ConfigError
from labelcue.types import Floats

GPU_BATCH = 64
"""Pictures of one run on a GPU."""


@dataclass(frozen=True)
class Loaded:
    """A model that is ready."""

    features: Callable[[Any], Any]
    """(n, 3, side, side) float32 on its device → (n, d)."""
    side: int
    mean: Sequence[float]
    """Of each channel, 0 to 1."""
    deviation: Sequence[float]
    device: Any
    dim: int


class TorchPictures(ImageEmbedder):
    """A model's own features of a whole picture, scaled to the square that it was trained on."""

    library: ClassVar[str]
    """What has to be importable."""
    package: ClassVar[str]
    """What pip calls it."""
    kind: ClassVar[str]
    """What it is registered under."""
    example: ClassVar[str]
    """A model's name."""

    def __init__(self, model: str = "", *, threads: int = 0) -> None:
        """Raises ConfigError where the library or the name is missing; loads nothing yet."""
        super().__init__()
        if not model:
            raise ConfigError(f"{self.kind} needs a model's name.", f"Name one, as in {self.kind}:{self.example}.")
        if importlib.util.find_spec(self.library) is None:
            raise ConfigError(
                f"The library {self.package} is not installed.", f"Install it: pip install {self.package}"
            )
        self.name = f"{self.kind}:{model}"
        self._model = model
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None

    @property
    def dim(self) -> int:
        """The model's; asking loads it."""
        return self._load().dim

    @property
    def side(self) -> int:  # type: ignore[override]
        """The model's; asking loads it."""
        return self._load().side

    @property
    def batch(self) -> int:  # type: ignore[override]
        """More on a GPU."""
        return GPU_BATCH if self._load().device.type == "cuda" else super().batch

    def embed_pictures(self, pictures: NDArray[np.uint8]) -> Floats:
        """(n, side, side, 3) uint8 → (n, dim) float32."""
        loaded = self._load()
        if not len(pictures):
            return np.empty((0, loaded.dim), dtype=np.float32)
        return unit(_run(loaded, pictures))

    @abstractmethod
    def _open(self, device: Any) -> Loaded:
        """The model, in evaluation mode, on the device; `dim` may be 0. Raises what the library raises."""

    def _load(self) -> Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._measured()
            return self._loaded

    def _measured(self) -> Loaded:
        import torch

        try:
            loaded = self._open(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
            side = loaded.side
            dim = int(_run(loaded, np.zeros((1, side, side, 3), dtype=np.uint8)).shape[1])
        except ConfigError:
            raise
        except Exception as error:  # each library has its own way to say that it has no such model
            raise ConfigError(
                f"The {self.package} model {self._model!r} cannot be loaded: {str(error)[:300].rstrip('. ')}.",
                "Check its name, and the way to where its weights are fetched from.",
            ) from error
        return Loaded(loaded.features, side, loaded.mean, loaded.deviation, loaded.device, dim)


def _run(loaded: Loaded, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    import torch

    with torch.inference_mode():
        x = torch.from_numpy(pictures).to(loaded.device).permute(0, 3, 1, 2).float() / 255
        middle, scale = (
            torch.tensor(one, device=loaded.device).view(1, 3, 1, 1) for one in (loaded.mean, loaded.deviation)
        )
        found: NDArray[np.float64] = loaded.features((x - middle) / scale).double().cpu().numpy()
    return found
