"""Strategies of scikit-activeml beside ours, where it is installed: `skactiveml:badge` and its like.

They are told of the same labels and asked for the same batches, and their model is the engine's surrogate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from labelcue.bench.efficiency.pools import Pool
from labelcue.errors import ConfigError, UnknownName
from labelcue.pool.outcome import Outcome
from labelcue.types import Floats, Ints

PREFIX = "skactiveml:"
MOST_BYTES = 4e9
"""A strategy whose arrays would be larger is left out: they are dense, and several runs may share the machine."""
Size: TypeAlias = Callable[[int, int, int], float]
"""Rows, dimensions and classes → about how many bytes a query holds at once."""

KINDS: dict[str, tuple[str, Size]] = {
    "coreset": ("CoreSet", lambda rows, dim, classes: 8.0 * rows * (2 * dim + 100)),
    "badge": ("Badge", lambda rows, dim, classes: 16.0 * rows * dim * classes),
    "typiclust": ("TypiClust", lambda rows, dim, classes: 8.0 * rows * (2 * dim + 400)),
    "probcover": ("ProbCover", lambda rows, dim, classes: 12.0 * rows * rows),
    "dropquery": ("DropQuery", lambda rows, dim, classes: 8.0 * rows * (3 * dim + 400)),
    "maxherding": ("MaxHerding", lambda rows, dim, classes: 24.0 * rows * rows),
}
"""Name here → its class there, and what it needs."""
WITH_MODEL = {"badge", "dropquery"}
CLUSTERING = {"typiclust", "probcover", "dropquery"}


def is_other(strategy: str) -> bool:
    """Whether a name means a strategy of scikit-activeml."""
    return strategy.startswith(PREFIX)


def check_other(strategy: str) -> None:
    """Raises UnknownName for a strategy that is not here, and ConfigError where scikit-activeml is not installed."""
    if strategy.removeprefix(PREFIX) not in KINDS:
        names = ", ".join(PREFIX + name for name in KINDS)
        raise UnknownName(f"There is nothing called {strategy!r} among the peers.", f"Choose one of: {names}.")
    try:
        import skactiveml  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"{strategy} needs scikit-activeml, which is not installed.",
            "Install the extra: pip install 'labelcue[bench-peers]'.",
        ) from error


def too_large(strategy: str, pool: Pool, classes: int) -> str:
    """Why a strategy cannot run on this pool; empty where it can."""
    rows, dim = pool.vectors.shape
    needed = KINDS[strategy.removeprefix(PREFIX)][1](rows, dim, classes)
    if needed <= MOST_BYTES:
        return ""
    return f"{strategy} needs about {needed / 1e9:.0f} GB for {rows} items, more than {MOST_BYTES / 1e9:.0f} GB."


class Other:
    """One strategy of scikit-activeml on one pool."""

    def __init__(self, strategy: str, pool: Pool, classes: int, seed: int) -> None:
        """Raises as `check_other` does."""
        check_other(strategy)
        self._name = strategy.removeprefix(PREFIX)
        self._pool = pool
        self._classes = classes
        self._seed = seed
        options: dict[str, Any] = {"random_state": seed}
        if self._name in CLUSTERING:
            options["cluster_algo_dict"] = {"random_state": seed}
        if self._name == "probcover":
            options["n_classes"] = classes
        from skactiveml import pool as theirs

        self._strategy = getattr(theirs, KINDS[self._name][0])(**options)

    def choose(self, outcome: Outcome, order: Sequence[int], told: int, take: int) -> list[int]:
        """The next `take` rows after `order`, of which the first `told` are labelled and the rest in flight."""
        said = np.full(len(self._pool.said), np.nan)
        said[order[:told]] = self._pool.said[order[:told]]
        free = np.setdiff1d(np.arange(len(said)), order)
        options = {"clf": self._model(outcome), "fit_clf": False} if self._name in WITH_MODEL else {}
        found = self._strategy.query(self._pool.vectors, said, candidates=free, batch_size=take, **options)
        return [int(row) for row in found]

    def _model(self, outcome: Outcome) -> Any:
        """The engine's surrogate as scikit-activeml wants a classifier; fitted already."""
        from skactiveml.base import SkactivemlClassifier

        rng, classes = np.random.default_rng([self._seed, outcome.labelled]), self._classes

        class Fitted(SkactivemlClassifier):  # type: ignore[misc]
            def fit(self, X: Floats, y: Ints, sample_weight: Floats | None = None) -> Fitted:
                return self

            def predict_proba(self, X: Floats) -> Floats:
                return _probabilities(outcome, X)

            def predict(self, X: Floats) -> Ints:
                if not outcome.trained:
                    return rng.integers(0, classes, len(X))
                likeliest: Ints = _probabilities(outcome, X).argmax(axis=1)
                return likeliest

        return Fitted(classes=list(range(classes)))


def _probabilities(outcome: Outcome, vectors: Floats) -> Floats:
    logits = (vectors @ outcome.weights.T + outcome.bias) / outcome.temperature
    logits -= logits.max(axis=1, keepdims=True)
    likely: Floats = np.exp(logits)
    likely /= likely.sum(axis=1, keepdims=True)
    return likely
