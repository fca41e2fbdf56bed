"""timm and open-clip: what they say where the library is missing, and what is asked of it where it is there."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from labelcue.embedders import embedders
from labelcue.embedders.images import BATCH
from labelcue.errors import ConfigError

SIDE, DIM = 12, 6
NAMES = {"timm": "timm:tiny", "open-clip": "open-clip:tiny/weights"}


class Means(nn.Module):
    """Mean and deviation of each channel; `encode_image` and `visual` as a CLIP has them."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = SimpleNamespace(image_size=(SIDE, SIDE), image_mean=(0.5,) * 3, image_std=(0.25,) * 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1:] == (3, SIDE, SIDE)
        assert not self.training
        return torch.cat([x.mean(dim=(2, 3)), x.std(dim=(2, 3)) + 1], dim=1)

    encode_image = forward


def create(name: str, pretrained: object, num_classes: int = 0) -> Means:
    """As both libraries do."""
    if name != "tiny":
        raise RuntimeError("Unknown model")
    assert pretrained in (True, "weights")
    assert num_classes == 0
    return Means()


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"input_size": (3, SIDE, SIDE), "mean": (0.5,) * 3, "std": (0.25,) * 3}
    for name in ("timm", "open_clip"):
        module: Any = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.create_model = create
        module.data = SimpleNamespace(resolve_model_data_config=lambda _model: told)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("kind", NAMES)
def test_pictures_are_scaled_as_the_model_wants_them(kind: str) -> None:
    embedder: Any = embedders.create(NAMES[kind])
    assert (embedder.name, embedder.side, embedder.dim, embedder.reads) == (NAMES[kind], SIDE, DIM, "image")
    assert embedder.batch == (64 if torch.cuda.is_available() else BATCH)
    pictures = np.random.default_rng(0).integers(0, 255, (5, SIDE, SIDE, 3), dtype=np.uint8)
    vectors = embedder.embed_pictures(pictures)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    scaled = (pictures / 255 - 0.5) / 0.25
    wanted = np.concatenate([scaled.mean(axis=(1, 2)), scaled.std(axis=(1, 2), ddof=1) + 1], axis=1)
    np.testing.assert_allclose(vectors, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-5)
    assert embedder.embed_pictures(pictures[:0]).shape == (0, DIM)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("name", ["timm:other", "open-clip:other/weights", "open-clip:tiny"])
def test_a_model_that_cannot_be_loaded_is_named(name: str) -> None:
    embedder = embedders.create(name)
    with pytest.raises(ConfigError) as wrong:
        _ = embedder.dim
    assert wrong.value.remedy


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("kind", NAMES)
def test_without_a_name_it_asks_for_one(kind: str) -> None:
    with pytest.raises(ConfigError, match="needs a model's name"):
        embedders.create(kind)
