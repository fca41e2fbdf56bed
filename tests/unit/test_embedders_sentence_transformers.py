"""sentence-transformers: what it says where the library is missing, and what it asks of it where it is there."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from labelcue.embedders import embedders
from labelcue.errors import ConfigError


class FakeModel:
    def __init__(self, name: str, trust_remote_code: bool) -> None:
        if name == "missing":
            raise OSError("no such model")
        assert not trust_remote_code

    def encode(self, texts: list[str], convert_to_numpy: bool, show_progress_bar: bool) -> Any:
        assert convert_to_numpy
        assert not show_progress_bar
        return np.array([[len(text), 1, 0] for text in texts], dtype=np.float64)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.__spec__ = ModuleSpec("sentence_transformers", None)
    module.SentenceTransformer = FakeModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


@pytest.mark.skipif(importlib.util.find_spec("sentence_transformers") is not None, reason="the library is installed")
def test_without_the_library_it_says_how_to_get_it() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'labelcue\[sentence-transformers\]'"):
        embedders.create("sentence-transformers:all-MiniLM-L6-v2")


def test_without_a_name_it_asks_for_one() -> None:
    with pytest.raises(ConfigError, match="needs a model's name"):
        embedders.create("sentence-transformers")


@pytest.mark.usefixtures("library")
def test_vectors_have_the_models_length_and_length_one() -> None:
    embedder = embedders.create("sentence-transformers:some/model")
    assert embedder.name == "sentence-transformers:some/model"
    assert embedder.dim == 3
    vectors = embedder.embed(["abc", "abcd" * 50_000])
    np.testing.assert_allclose(vectors, [[3 / 10**0.5, 1 / 10**0.5, 0], [1, 1 / 40_000, 0]], rtol=1e-6)
    assert vectors.dtype == np.float32
    assert embedder.embed([]).shape == (0, 3)


@pytest.mark.usefixtures("library")
def test_a_model_that_cannot_be_loaded_is_named() -> None:
    with pytest.raises(ConfigError, match="'missing' cannot be loaded: no such model"):
        _ = embedders.create("sentence-transformers:missing").dim
