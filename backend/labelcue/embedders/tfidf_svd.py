"""Weighted word counts, reduced to 256 dimensions: needs no weights, and any language that parts its words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.embedders import Embedder, embedders, unit
from labelcue.errors import ConfigError, Corrupt
from labelcue.types import Floats

DIM = 256
TERMS = 20_000
"""Most words and pairs of words that count; the components take 4 · 255 · 20,000 bytes = 20 MB."""
FIT_TEXTS = 20_000
"""Texts that a fit reads at most; more change the components little and cost memory."""
CHARACTERS = 20_000
"""Of each text, so that one giant text is bounded."""
WEAK = 1e-6
"""A projection shorter than this has no direction worth the name."""
FILE_NAME = "tfidf-svd.npz"


@embedders.register("tfidf-svd")
class TfidfSvd(Embedder):
    """Latent semantic analysis (Deerwester et al. 1990): tf-idf of words and word pairs, then a truncated SVD.

    It learns its words from the texts of `fit` and from no others: words that only later texts bring are not seen. A
    text of nothing but such words gets the one direction that is kept for that (the last dimension), where all of its
    kind lie together, at right angles to everything else. To take up new words, fit again and embed everything anew.
    """

    needs_fit = True
    name = "tfidf-svd"

    def __init__(self, *, threads: int = 0) -> None:
        self._terms: list[str] = []
        self._idf: NDArray[np.float64] = np.empty(0)
        self._components: Floats = np.empty((0, DIM - 1), dtype=np.float32)
        self._vectorizer: Any = None

    @property
    def dim(self) -> int:
        """256, whatever the texts; where they span fewer dimensions the rest is zero."""
        return DIM

    def fit(self, texts: Iterable[str]) -> None:
        """Learn words and components from the first 20,000 texts. Raises ConfigError where they hold no word."""
        from sklearn.utils.extmath import randomized_svd

        read = [text[:CHARACTERS] for text in islice(texts, FIT_TEXTS)]
        vectorizer = _vectorizer(min_df=2 if len(read) >= 100 else 1, max_features=TERMS)
        try:
            counts = vectorizer.fit_transform(read)
        except ValueError as error:
            raise ConfigError(
                f"tfidf-svd finds no words in {len(read)} texts ({error}).", "Import texts first, or choose minilm."
            ) from error
        size = min(DIM - 1, *counts.shape)
        _, _, axes = randomized_svd(counts, size, n_iter=4, random_state=0)
        components = np.zeros((counts.shape[1], DIM - 1), dtype=np.float32)
        components[:, :size] = axes.T
        self._adopt(list(vectorizer.get_feature_names_out()), vectorizer.idf_, components)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Texts → (n, 256) float32; of each the first 20,000 characters count. Raises ConfigError before a fit."""
        if self._vectorizer is None:
            raise ConfigError("tfidf-svd has learned no words yet.", "Call prepare with the pool's texts first.")
        if not texts:
            return np.empty((0, DIM), dtype=np.float32)
        counts = self._vectorizer.transform([text[:CHARACTERS] for text in texts])
        out = np.zeros((len(texts), DIM), dtype=np.float32)
        out[:, :-1] = counts.astype(np.float32) @ self._components
        out[np.linalg.norm(out, axis=1) < WEAK] = np.eye(DIM, dtype=np.float32)[-1]
        return unit(out)

    def save(self, folder: Path) -> None:
        """Write words, weights and components to `folder/tfidf-svd.npz`, whole or not at all."""
        words = np.frombuffer(json.dumps(self._terms).encode(), dtype=np.uint8)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{FILE_NAME}.part"
        with part.open("wb") as file:
            np.savez(file, terms=words, idf=self._idf, components=self._components)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / FILE_NAME)

    def load(self, folder: Path) -> bool:
        """Take up what `save` wrote, False where there is nothing; raises Corrupt."""
        path = folder / FILE_NAME
        if not path.is_file():
            return False
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                terms = [str(term) for term in json.loads(kept["terms"].tobytes())]
                idf, components = kept["idf"], kept["components"]
            if idf.shape != (len(terms),) or components.shape != (len(terms), DIM - 1):
                raise ValueError("its arrays do not fit each other")
        except Exception as error:  # zipfile, zlib, json and numpy each have their own way to say "broken"
            raise Corrupt(f"{path} cannot be read: {error}.", "Delete its folder; all is embedded anew.") from error
        self._adopt(terms, idf, components)
        return True

    def _adopt(self, terms: list[str], idf: NDArray[np.float64], components: Floats) -> None:
        vectorizer = _vectorizer(vocabulary=terms)
        vectorizer.idf_ = idf
        self._terms, self._idf, self._components = terms, idf, components
        self._vectorizer = vectorizer


def _vectorizer(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode", **options)
