"""Any model of the sentence-transformers library, where it is installed: `sentence-transformers:<name or folder>`."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from labelcue.embedders import Embedder, embedders, unit
from labelcue.errors import ConfigError
from labelcue.types import Floats

CHARACTERS = 40_000
"""Of each text; the models' own limits are in tokens and lower."""


@embedders.register("sentence-transformers")
class SentenceTransformers(Embedder):
    """The model's own tokenizer, pooling and prompts, on a GPU where torch sees one; vectors of length 1.

    Never runs code that a model brings along. A model's name without a folder is fetched by the library itself.
    """

    def __init__(self, model: str = "", *, threads: int = 0) -> None:
        """Raises ConfigError where the library or the name is missing; loads nothing yet."""
        if not model:
            raise ConfigError(
                "sentence-transformers needs a model's name.",
                "Name one, as in sentence-transformers:all-MiniLM-L6-v2, or the folder of one.",
            )
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ConfigError(
                "The library sentence-transformers is not installed.",
                "Install it: pip install 'labelcue[sentence-transformers]'",
            )
        self.name = f"sentence-transformers:{model}"
        self._model_name = model
        self._lock = threading.Lock()
        self._loaded: tuple[Any, int] | None = None

    @property
    def dim(self) -> int:
        """The model's; asking loads it."""
        return self._load()[1]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Texts → (n, dim) float32."""
        model, dim = self._load()
        if not texts:
            return np.empty((0, dim), dtype=np.float32)
        return unit(_encode(model, [text[:CHARACTERS] for text in texts]))

    def _load(self) -> tuple[Any, int]:
        with self._lock:
            if self._loaded is None:
                model = _open(self._model_name)
                self._loaded = model, int(_encode(model, ["one"]).shape[1])
            return self._loaded


def _open(name: str) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The sentence-transformers model {name!r} cannot be loaded: {error}.",
            "Check its name, and the way to where models are fetched from; or name a folder that holds it.",
        ) from error


def _encode(model: Any, texts: list[str]) -> Any:
    return model.encode(texts, convert_to_numpy=True, show_progress_bar=False)
