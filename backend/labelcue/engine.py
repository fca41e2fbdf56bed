"""Cue: vectors, labels and a strategy in memory; what to label next comes out. It knows no Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest, Corrupt, LabelCueError
from labelcue.pool.archive import read_archive, write_archive
from labelcue.pool.facts import Facts
from labelcue.pool.graph import Graph
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.items import Items
from labelcue.pool.outcome import Outcome
from labelcue.pool.roster import ItemId, plain
from labelcue.strategies import Places, Ranking, View, create_strategy
from labelcue.strategies.measures import margin
from labelcue.strategies.reasons import reason_for
from labelcue.surrogates import Examples, Head, Refined, Scored, surrogates
from labelcue.types import Floats, Ints, Label, Ranked, TaskId

HEAD = 100
"""Places that `next` and `rank` choose greedily, unless more are asked for."""
__all__ = ["Cue", "Outcome"]

FORMAT = "labelcue-cue-1"
ARRAYS = ("ids", "probabilities", "priority", "novelty", "rank", "cover", "weights", "bias")
NUMBERS = ("temperature", "l2", "trained", "labelled", "share", "fused")


class Cue(Items):
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
        surrogate: str = "logistic",
        graph: Graph | None = None,
    ) -> None:
        """`vectors` (n, d) float32 or float16 are adopted without a copy, memory-mapped or not, of any length but 0.

        `ids`, whole numbers or strings, default to 0 to n - 1; one that comes again stands for its last row. With
        `classes` None they are learned from the labels, in the order in which they appear. Raises BadRequest that
        names vectors with NaN, infinity or no length, and UnknownName for strategy and surrogate. `graph` may be one
        that an earlier Cue made of the first of these rows, for strategies that need it; it grows with this one.
        """
        super().__init__(vectors, ids, classes, graph)
        self.seed = seed
        self.set_strategy(strategy, params)
        self._surrogate_name = surrogate
        self._surrogate = surrogates.create(surrogate)
        self._outcome: Outcome | None = None
        self._propensity: Floats | None = None
        """Of the latest queue, in its order; None where it was not drawn by lot."""
        self._rounds = 0
        self._places = 0
        """Places of the latest queue that were chosen greedily."""

    def set_strategy(self, name: str, params: Mapping[str, Any] | None = None) -> None:
        """Order by another strategy from now on; raises UnknownName, or BadRequest for its parameters."""
        self._strategy = create_strategy(name, params)
        self._strategy_name, self._params = name, dict(params or {})
        self._stale = True

    def next(self, k: int = 1) -> list[ItemId]:
        """The next `k` ids in order, which are leased by this. Raises BadRequest where fewer are left."""
        queue = self._queue(k)
        if k < 1 or len(queue) < k:
            raise BadRequest(f"Asked for the next {k} items; {len(queue)} are left.", "Ask for 1 to that many.")
        outcome = self._current()
        ids = plain(outcome.ids[queue[:k]])
        self._facts.leased.update(ids)
        return ids

    def rank(self, n: int = HEAD) -> list[Ranked]:
        """The first `n` of the queue, or all that is left, with reasons; nothing is leased."""
        queue, outcome = self._queue(n)[:n], self._current()
        unsure = margin(outcome.probabilities[queue]) if outcome.trained else np.ones(len(queue), dtype=np.float32)
        most = float(outcome.novelty.max(initial=0))
        speaks, drawn = self._speak(queue), self._drawn(queue)
        return [
            Ranked(
                id=cast(TaskId, item),
                priority=float(outcome.priority[place]),
                uncertainty=float(doubt),
                novelty=float(outcome.novelty[place]),
                reason=reason_for(
                    self._strategy,
                    outcome.classes,
                    outcome.probabilities[place] if outcome.trained else None,
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
        """(m, c) float32 calibrated probabilities, in the order of `classes`."""
        places = self._roster.positions(ids)
        return self._fresh(0).probabilities[places]

    def round(self, seed: int, full: bool = False, head: int = HEAD) -> Outcome:
        """Refit, rescore and rank everything; `head` places are chosen greedily, one given the others.

        `full`: refit from zero and choose the regularisation again. Reads the vectors once, and once more for each
        item that was labelled or leased since the last round.
        """
        labelled, targets = self._labelled()
        self._cover.set(np.union1d(labelled, self._leased()).tolist())
        refined = self._fit(labelled, targets, seed, full)
        model, probabilities = refined.head, refined.probabilities
        candidates = self._candidates(labelled)
        view = View(
            probabilities=probabilities[candidates],
            squared=self._cover.squared[candidates],
            trained=model.trained,
            labelled=model.labelled,
            counts=targets.sum(axis=0),
            head=min(head, len(candidates)),
            spread=self._spread(candidates),
            neighbours=lambda: self._herd(candidates),
            features=self._features(candidates, labelled, probabilities),
            rng=np.random.default_rng([seed, 1]),
            disagreement=None if refined.disagreement is None else refined.disagreement[candidates],
        )
        ranking = self._strategy.rank(view)
        self._outcome = self._result(model, probabilities, candidates, ranking)
        self._propensity = ranking.propensity
        self._places, self._stale = view.head, False
        self._rounds += 1
        return self._outcome

    def restore(self, outcome: Outcome) -> None:
        """Go on from an earlier round, after the facts have been told again: the next round gives the same bits.

        Items that came since are filled in. Raises BadRequest where the vectors have other dimensions.
        """
        if outcome.weights.ndim != 2 or outcome.weights.shape[1] != self._matrix.dim:
            raise BadRequest(
                f"The saved weights are {outcome.weights.shape}, the vectors have {self._matrix.dim} dimensions.",
                "Restore what the same embedder gave, or start without it.",
            )
        present = np.isin(outcome.ids, self._roster.ids)
        self._cover.restore(self._roster.rows(outcome.ids[present]), outcome.cover[present])
        self._facts.order_classes(outcome.classes)
        self._outcome, self._places, self._stale = outcome, 0, True
        self._propensity = None

    def save(self, path: str | Path) -> None:
        """Write everything, the vectors included, to one .npz file, whole or not at all."""
        arrays = {"vectors": self._matrix.vectors, "names": self._roster.names, "live": self._roster.live}
        arrays["squared"] = self._cover.squared
        meta: dict[str, Any] = {
            "format": FORMAT,
            "seed": self.seed,
            "strategy": [self._strategy_name, self._params],
            "surrogate": self._surrogate_name,
            "facts": self._facts.as_json(),
            "rounds": self._rounds,
            "places": self._places,
            "stale": self._stale,
        }
        if self._outcome:
            body = {name: getattr(self._outcome, name) for name in (*ARRAYS, *NUMBERS, "classes")}
            arrays |= {f"outcome.{name}": body.pop(name) for name in ARRAYS}
            meta["outcome"] = body
        if self._propensity is not None:
            arrays["propensity"] = self._propensity
        write_archive(Path(path), meta, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Cue:
        """What `save` wrote, without pickle; raises Corrupt where the file is damaged or something else."""
        meta, arrays = read_archive(Path(path))
        try:
            return cls._from(meta, arrays)
        except (KeyError, TypeError, ValueError, LabelCueError) as error:
            raise Corrupt(f"{path} is not a saved Cue: {error}.", "Restore it from a backup.") from error

    @classmethod
    def _from(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Cue:
        if meta["format"] != FORMAT:
            raise ValueError(f"its format is {meta['format']!r}")
        name, params = meta["strategy"]
        cue = cls(
            arrays["vectors"], arrays["names"], name, seed=meta["seed"], params=params, surrogate=meta["surrogate"]
        )
        cue._facts = Facts.from_json(meta["facts"])
        cue._roster.keep(arrays["live"])
        cue._cover.squared = arrays["squared"]
        if "outcome" in meta:
            body = dict(meta["outcome"]) | {name: arrays[f"outcome.{name}"] for name in ARRAYS}
            cue._outcome = Outcome(**body | {"classes": tuple(body["classes"])})
        cue._propensity = arrays.get("propensity")
        cue._rounds, cue._places, cue._stale = meta["rounds"], meta["places"], meta["stale"]
        return cue

    def _current(self) -> Outcome:
        if self._outcome is None:
            raise BadRequest("Nothing has been ranked.", "Call round() first.")
        return self._outcome

    def _fresh(self, head: int) -> Outcome:
        """The latest outcome, after a round where something was said since."""
        if self._stale or self._outcome is None:
            return self.round(self.seed + self._rounds, head=max(head, HEAD))
        return self._outcome

    def _queue(self, k: int) -> Ints:
        """Places in `ids` of what may be served, in order; the first `k` are placed greedily, one given the others."""
        queue = self._unserved(self._fresh(k))
        last = min(k, len(queue)) - 1
        if last >= 0 and self._current().rank[queue[last]] >= self._places:
            queue = self._unserved(self.round(self.seed + self._rounds, head=max(k, HEAD)))
        return queue

    def _unserved(self, outcome: Outcome) -> Ints:
        """Places in `ids` of the queue, without what was leased since."""
        served = np.zeros(len(outcome.ids), dtype=bool)
        served[self._roster.positions(list(self._facts.leased))] = True
        order = outcome.order
        left: Ints = order[~served[order]]
        return left

    def _speak(self, queue: Ints) -> list[float] | list[None]:
        """As how many items each place counts beside itself; None for strategies that do without the graph."""
        if not self._strategy.understudy:
            return [None] * len(queue)
        rows, waiting = self._roster.order, self._current().rank >= 0
        return [float(one) for one in self._spoken_for(rows[queue], rows[waiting])]

    def _drawn(self, queue: Ints) -> list[float] | list[None]:
        """The chance that each place was drawn with; None where the order was not drawn."""
        if self._propensity is None:
            return [None] * len(queue)
        return [float(one) for one in self._propensity[self._current().rank[queue]]]

    def _fit(self, labelled: Ints, targets: Floats, seed: int, full: bool) -> Refined:
        before = Head.blank(len(self.classes), self._matrix.dim)
        if self._outcome:
            old = self._outcome
            before = Head(
                old.weights, old.bias, old.temperature, old.l2, old.trained, old.labelled, old.share, old.fused
            )
            before = before.for_classes(old.classes, self.classes)
        examples = Examples(self._matrix.unit(labelled), targets)
        model = self._surrogate.fit(examples, before, full, np.random.default_rng([seed, 0]))
        logits = self._matrix.product(model.weights, model.bias)
        scored = Scored(logits, labelled, self._matrix.unit, lambda: self._grown().edges())
        return self._surrogate.refine(scored, examples, model, before, full, np.random.default_rng([seed, 2]))

    def _spread(self, candidates: Ints) -> Callable[[Floats, float, int], Places]:
        squared = self._cover.squared[candidates]

        def spread(weight: Floats, power: float, places: int) -> Places:
            return FarthestFirst(self._matrix, candidates, squared, weight, power).run(places)

        return spread

    def _result(self, model: Head, probabilities: Floats, candidates: Ints, ranking: Ranking) -> Outcome:
        """The ranking of candidates as arrays in the order of ids."""
        order, squared = self._roster.order, self._cover.squared
        placed = candidates[ranking.order]
        rank = np.full(self._matrix.rows, -1, dtype=np.int64)
        rank[placed] = np.arange(len(placed))
        priority = np.zeros(self._matrix.rows, dtype=np.float32)
        priority[placed] = ranking.priority
        novelty = np.clip(squared / np.float32(2), np.float32(0), np.float32(1))
        novelty[placed] = ranking.novelty
        return Outcome(
            ids=self._roster.ids,
            probabilities=probabilities[order],
            priority=priority[order],
            novelty=novelty[order],
            rank=rank[order],
            cover=squared[order],
            weights=model.weights,
            bias=model.bias,
            classes=self.classes,
            **{name: getattr(model, name) for name in NUMBERS},
        )
