"""Cue: vectors, labels and a strategy in memory; what to label next comes out. It knows no Label Studio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest, Corrupt, NotFound
from labelcue.labels import NUMBER, SPANS
from labelcue.labels.number import DEVIATION, MEAN
from labelcue.labels.spans import found_in
from labelcue.labels.tokens import Tokens
from labelcue.pool.graph import Graph
from labelcue.pool.levers import Draw
from labelcue.pool.outcome import Outcome
from labelcue.pool.roster import ItemId, plain
from labelcue.pool.saved import TOKENS, Saved, read_saved, write_saved
from labelcue.ranking import HEAD, Ranker
from labelcue.strategies.reasons import reason_for
from labelcue.surrogates.estimator import Estimator
from labelcue.tables import column, labels_in, rows_of
from labelcue.types import Floats, Ints, Label, Ranked, TaskId


class Found(NamedTuple):
    """A predicted span."""

    start: int
    end: int
    """The first place behind it."""
    label: Label
    probability: float


class Numbers(NamedTuple):
    """Predicted numbers."""

    mean: Floats
    """(m,) float32."""
    deviation: Floats
    """(m,) float32 predictive standard deviation, that of the labels themselves included."""


STATE = ("rounds", "places", "handed", "stale")
"""Attributes that say where the queue stands."""
INSTANT = 50
"""Places that `rerank` gives."""
__all__ = ["Cue", "Numbers", "Outcome"]


class Cue(Ranker):
    """An ordered pool. One thread at a time; with one number of BLAS threads the same calls give the same bits."""

    def __init__(
        self,
        vectors: NDArray[np.floating],
        ids: Sequence[Any] | NDArray[Any] | None = None,
        strategy: str = "herding",
        classes: Iterable[Label] | None = None,
        seed: int = 0,
        *,
        params: Mapping[str, Any] | None = None,
        surrogate: Any = "logistic",
        bounds: tuple[float, float] | None = None,
        parts: Mapping[str, Any] | None = None,
        graph: Graph | None = None,
        facts: Mapping[str, Any] | None = None,
        newest: bool = False,
        tokens: Sequence[Any] | Tokens | None = None,
    ) -> None:
        """`vectors` (n, d) float32 or float16 are adopted without a copy, memory-mapped or not, of any length but 0.

        `ids`, whole numbers or strings, default to 0 to n - 1. With `classes` None they are learned from the labels,
        in the order in which they appear. `surrogate`: a name, or a classifier with scikit-learn's `fit` and
        `predict_proba`. What a label is depends on it; `bounds` are those of labels that are numbers, which have no
        classes, and `parts` of labels that have several: {"parts": [{name, kind, classes, weight}, ...], "combine":
        "mean" or "max"}. Raises BadRequest that names vectors with NaN, infinity or no length, and ids that come twice;
        UnknownName for strategy and surrogate. `graph` may be one that an earlier Cue made of the first of these rows,
        for strategies that need it; it grows with this one. `facts`: what another Cue's `facts` gave, classes included.
        `newest`: an id that comes again stands for its last row. `tokens`: for spans, of each item a pair (states
        (t, r), offsets (t, 2)): a vector for each token of its text, and where that stands.
        """
        read = tokens if tokens is None or isinstance(tokens, Tokens) else Tokens.of(tokens)
        super().__init__(vectors, ids, classes, graph, newest, surrogate, bounds, read, parts)
        self.seed = int(seed)
        self.set_strategy(strategy, params)
        if facts is not None:
            self._tell(facts)

    @classmethod
    def from_table(
        cls,
        table: Any,
        *,
        vectors: Any = None,
        text: str = "",
        ids: str = "",
        labels: str = "",
        embedder: str = "minilm",
        **made: Any,
    ) -> Cue:
        """Of a pandas or Polars frame, a Hugging Face dataset, or a dict of columns: one item a row.

        `vectors` is a column of vectors, or an array, frame or tensor with a row each; or `text` a column that
        `embedder` reads. `ids` and `labels` are columns; a row without a label has none. The rest as for Cue. Raises
        BadRequest.
        """
        names = column(table, ids) if ids else None
        cue = cls(rows_of(table, vectors, text, embedder), names, **made)
        cue.label(labels_in(table, labels, names) if labels else {})
        return cue

    def next(self, k: int = 1) -> list[ItemId]:
        """The next `k` ids in order, which are leased by this. Raises BadRequest where fewer are left."""
        left = len(self._candidates(self._labelled()[0])) if self._stale else len(self._current().order) - self._handed
        if _bad_count(k) or k > left:
            raise BadRequest(f"Asked for the next {k} items; {left} are left.", "Ask for 1 to that many.")
        queue = self._queue(k)
        ids = plain(self._current().ids[queue[:k]])
        self._hand_out(ids)
        self._handed += k
        return ids

    def rerank(self, k: int = INSTANT) -> list[ItemId]:
        """The first `k` ids of the queue as if what was said since the last round had been known to it; none is leased.

        Milliseconds at any size: weights and predictions are those of that round, what is covered is that of now. So
        it serves until the next round. Without such a state, or where admins set shares, the queue of a round.
        """
        ids = self._followed(k)
        if ids is None:
            queue = self._queue(k)[:k]
            ids = plain(self._current().ids[queue])
        return ids

    def rank(self, n: int = HEAD) -> list[Ranked]:
        """The first `n` of the queue, or all that is left, with reasons; nothing is leased. Raises BadRequest."""
        if _bad_count(n):
            raise BadRequest(f"Asked for the first {n} of the queue.", "Ask for 1 or more.")
        queue, outcome = self._queue(n)[:n], self._current()
        unsure, kind = self._doubt(outcome.probabilities[queue]), self._facts.kind
        most = float(outcome.novelty.max(initial=0))
        speaks, drawn = self._speak(queue), self._drawn(queue)
        return [
            Ranked(
                id=cast(TaskId, item),
                priority=float(outcome.priority[place]),
                uncertainty=float(doubt),
                novelty=float(outcome.novelty[place]),
                reason=self._wish(item)
                or reason_for(
                    self._strategy,
                    kind.opinion(outcome.classes, outcome.probabilities[place]) if outcome.trained else "",
                    float(outcome.novelty[place]),
                    most,
                    loud,
                    chance,
                ),
                propensity=chance,
            )
            for item, place, doubt, loud, chance in zip(
                plain(outcome.ids[queue]), queue, unsure, speaks, drawn, strict=True
            )
        ]

    def predict_proba(self, ids: Sequence[ItemId]) -> Floats:
        """(m, c) float32 calibrated probabilities, in the order of `classes`; those of a set's labels are independent.

        Raises BadRequest where labels are numbers.
        """
        if self._facts.kind.name == NUMBER:
            raise BadRequest("Numbers have no probabilities.", "Call predict, which gives mean and deviation.")
        if self._facts.kind.name == SPANS:
            raise BadRequest("Items have no probabilities of spans.", "Call predict, which gives the spans of each.")
        if self._facts.kind.keyed:
            raise BadRequest("Labels of several parts have no single probabilities.", "Call predict_parts.")
        places = self._roster.positions(ids)
        return self._fresh(0).probabilities[places]

    def predict(self, ids: Sequence[ItemId]) -> Numbers | list[list[Found]]:
        """Of numbers mean and standard deviation of what a label would be; the spans of each item, by their start.

        Raises BadRequest where labels are neither.
        """
        if self._facts.kind.name == SPANS:
            places, outcome = self._roster.positions(ids), self._fresh(0)
            each = [found_in(outcome.classes, outcome.said(int(place))) for place in places]
            return [[Found(*span, likely) for span, likely in one] for one in each]
        if self._facts.kind.name != NUMBER:
            raise BadRequest(
                f"{self._taker.capitalize()} predicts no numbers.", "Call predict_proba, which gives probabilities."
            )
        said = self._fresh(0).probabilities[self._roster.positions(ids)]
        return Numbers(said[:, MEAN].copy(), said[:, DEVIATION].copy())

    def predict_parts(self, ids: Sequence[ItemId]) -> list[dict[str, float]]:
        """For each item what is predicted of all parts, as {"topic.spam": 0.9, "stars.mean": 3.5}; those that are not
        trained are missing."""
        outcome = self._fresh(0)
        said = outcome.probabilities[self._roster.positions(ids)]
        return [self._facts.kind.titled(outcome.classes, one) for one in said]

    @property
    def kind(self) -> dict[str, Any]:
        """The kind of its labels, as JSON."""
        return self._facts.kind.as_json()

    def save(self, path: str | Path) -> None:
        """Write everything, the vectors included, to one .npz file, whole or not at all.

        Raises BadRequest with a classifier of yours, which no file can hold without running what it says.
        """
        if isinstance(self._surrogate, Estimator):
            raise BadRequest(
                f"A Cue with a {self._surrogate_name} of yours is not saved.",
                "Keep cue.facts as JSON, and pass them with the classifier to a new Cue.",
            )
        pool = {"vectors": self._matrix.vectors, "names": self._roster.names, "live": self._roster.live}
        made = {"strategy": self._strategy_name, "seed": self.seed, "params": self._params}
        made["surrogate"] = self._surrogate_name
        if self._facts.kind.keyed:
            made["parts"] = {name: self.kind[name] for name in ("parts", "combine")}
        state = {name: getattr(self, f"_{name}") for name in STATE} | {"offered": list(self._offered.items())}
        pool["squared"] = self._cover.squared
        if self._tokens is not None:
            pool |= {f"tokens.{name}": np.asarray(getattr(self._tokens, name)) for name in TOKENS}
        if self._propensity is not None:
            pool["propensity"] = self._propensity
        write_saved(Path(path), Saved(pool, made, self._facts.as_json(), state, self._outcome))

    @classmethod
    def load(cls, path: str | Path) -> Cue:
        """What `save` wrote, without pickle; raises Corrupt where the file is damaged or something else."""
        try:
            return cls._from(read_saved(Path(path)))
        except (KeyError, TypeError, ValueError, BadRequest, NotFound) as error:
            raise Corrupt(f"{path} is not a saved Cue: {error}.", "Restore it from a backup.") from error

    @classmethod
    def _from(cls, saved: Saved) -> Cue:
        arrays = [saved.pool[f"tokens.{name}"] for name in TOKENS if f"tokens.{name}" in saved.pool]
        tokens = Tokens(*arrays) if arrays else None
        cue = cls(saved.pool["vectors"], saved.pool["names"], **saved.made, newest=True, tokens=tokens)
        cue._roster.keep(saved.pool["live"])
        cue._tell(saved.facts)
        cue._cover.squared = saved.pool["squared"]
        cue._outcome, cue._propensity = saved.outcome, saved.pool.get("propensity")
        for name in STATE:
            setattr(cue, f"_{name}", saved.state[name])
        cue._offered = {item: None if draw is None else Draw(*draw) for item, draw in saved.state["offered"]}
        return cue

    def _current(self) -> Outcome:
        if self._outcome is None:
            raise BadRequest("Nothing has been ranked.", "Call round() first.")
        return self._outcome

    def _doubt(self, said: Floats) -> Floats:
        """(m,) uncertainty by (m, k) predictions; 1 while nothing is trained."""
        if not self._current().trained:
            return np.ones(len(said), dtype=np.float32)
        return self._facts.kind.believe(said, np.empty((0, said.shape[1]), dtype=np.float32)).doubt()

    def _fresh(self, head: int) -> Outcome:
        """The latest outcome, after a round where something was said since."""
        if self._stale or self._outcome is None:
            return self.round(self.seed + self._rounds, head=max(head, HEAD))
        return self._outcome

    def _queue(self, k: int) -> Ints:
        """Places in `ids` of what may be served, in order; the first `k` are placed greedily, one given the others."""
        left = self._fresh(k).order[self._handed :]
        if len(left) and self._handed + min(k, len(left)) > self._places:
            left = self.round(self.seed + self._rounds, head=max(k, HEAD)).order
        return left

    def _speak(self, queue: Ints) -> list[float] | list[None]:
        """As how many items each place counts beside itself; None for strategies that do without the graph."""
        if not self._strategy.understudy:
            return [None] * len(queue)
        rows, waiting = self._roster.order, self._current().rank >= 0
        return [float(one) for one in self._spoken_for(rows[queue], rows[waiting])]

    def _drawn(self, queue: Ints) -> list[float | None]:
        """The chance that each place was drawn with; None for those that were not drawn."""
        if self._propensity is None:
            return [None] * len(queue)
        chances = self._propensity[self._current().rank[queue]]
        return [None if np.isnan(one) else float(one) for one in chances]


def _bad_count(k: object) -> bool:
    return isinstance(k, bool) or not isinstance(k, (int, np.integer)) or bool(k < 1)
