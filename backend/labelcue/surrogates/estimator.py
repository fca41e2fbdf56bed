"""Anybody's classifier as the surrogate of a Cue: whatever has scikit-learn's `fit` and `predict_proba`."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from labelcue.errors import BadRequest
from labelcue.surrogates import Examples, Head, Refined, Scored, Surrogate
from labelcue.types import Floats

BLOCK = 8192
"""Rows that are predicted at a time."""


def is_estimator(surrogate: object) -> bool:
    """Whether it is an estimator, and no name of a surrogate. Raises BadRequest for what is neither."""
    if isinstance(surrogate, str):
        return False
    if callable(getattr(surrogate, "fit", None)) and callable(getattr(surrogate, "predict_proba", None)):
        return True
    raise BadRequest(
        f"The surrogate is {type(surrogate).__name__}, which has no fit and predict_proba.",
        "Pass a classifier with both, as scikit-learn's, or the name of a surrogate.",
    )


class Estimator(Surrogate):
    """Fits a fresh copy each round, on vectors of length one, each item with the class that most annotators gave.

    It is not registered: it lives in the process that passed it. Its probabilities are taken as they are.
    """

    name = "estimator"
    summary = "A classifier of yours."
    when = "In notebooks, where you have a model of your own."

    def __init__(self, estimator: Any) -> None:
        self._blank = estimator
        self._fitted: Any = None

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """No weights: what it says is its own matter. Where one class is labelled there is nothing to fit."""
        blank = Head.blank(*before.weights.shape)
        trained = examples.classes_seen > 1
        if trained:
            self._fitted = _copy(self._blank)
            self._fitted.fit(examples.vectors, examples.targets.argmax(axis=1))
        return replace(blank, trained=trained and len(self._fitted.classes_) > 1, labelled=len(examples))

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """(n, c) of the pool, in blocks; a class that nobody gave yet has 0."""
        rows, classes = scored.logits.shape
        if not head.trained:
            return Refined(head.probabilities(scored.logits), head)
        said = np.zeros((rows, classes), dtype=np.float32)
        places = np.asarray(self._fitted.classes_, dtype=np.int64)
        for start in range(0, rows, BLOCK):
            block = np.arange(start, min(start + BLOCK, rows))
            said[np.ix_(block, places)] = self._said(scored.unit(block))
        return Refined(said, head)

    def _said(self, vectors: Floats) -> Floats:
        said: Floats = np.asarray(self._fitted.predict_proba(vectors), dtype=np.float32)
        if said.shape != (len(vectors), len(self._fitted.classes_)) or not np.isfinite(said).all():
            raise BadRequest(
                f"{type(self._blank).__name__} gave probabilities of shape {said.shape} for {len(vectors)} items, or "
                "such as are not finite.",
                f"It has to give ({len(vectors)}, {len(self._fitted.classes_)}) numbers.",
            )
        return said


def _copy(estimator: Any) -> Any:
    """Unfitted, where it is scikit-learn's; else as it is, copied."""
    if hasattr(estimator, "get_params"):
        from sklearn.base import clone

        return clone(estimator)
    return deepcopy(estimator)
