"""Cue: vectors, labels and a strategy in memory; what to label next comes out. It knows no Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest, Corrupt, NotFound
from labelcue.pool.cover import Cover
from labelcue.pool.graph import Graph
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.levered import Levered
from labelcue.pool.outcome import Outcome
from labelcue.pool.roster import ItemId, plain
from labelcue.pool.saved import Saved, read_saved, write_saved
from labelcue.steering import arrange
from labelcue.strategies import Places, Ranking, View, create_strategy
from labelcue.strategies.measures import margin
from labelcue.strategies.reasons import reason_for
from labelcue.surrogates import Examples, Head, Refined, Scored, surrogates
from labelcue.types import Floats, Ints, Label, Ranked, TaskId

HEAD = 100
"""Places that `next` and `rank` choose greedily, unless more are asked for."""
Learned: TypeAlias = tuple[Ints, Floats, Refined, int]
"""Of a round: labelled rows, their targets, what was learned of them, seed."""
STATE = ("rounds", "places", "handed", "stale")
"""Attributes that say where the queue stands."""
NUMBERS = ("temperature", "l2", "trained", "labelled", "share", "fused")
"""What a head is beside its weights."""
__all__ = ["Cue", "Outcome"]


class Cue(Levered):
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
        facts: Mapping[str, Any] | None = None,
        newest: bool = False,
    ) -> None:
        """`vectors` (n, d) float32 or float16 are adopted without a copy, memory-mapped or not, of any length but 0.

        `ids`, whole numbers or strings, default to 0 to n - 1. With `classes` None they are learned from the labels,
        in the order in which they appear. Raises BadRequest that names vectors with NaN, infinity or no length, and
        ids that come twice; UnknownName for strategy and surrogate. `graph` may be one that an earlier Cue made of the
        first of these rows, for strategies that need it; it grows with this one. `facts`: what another Cue's `facts`
        gave, classes included. `newest`: an id that comes again stands for its last row.
        """
        super().__init__(vectors, ids, classes, graph, newest)
        self.seed = int(seed)
        self.set_strategy(strategy, params)
        self._surrogate_name, self._taker = surrogate, f"the surrogate {surrogate!r}"
        self._surrogate = surrogates.create(surrogate)
        self._outcome: Outcome | None = None
        self._propensity: Floats | None = None
        """Of the latest queue, in its order, NaN for places that were not drawn; None where none was."""
        self._rounds = 0
        self._places = 0
        """Places of the latest queue that were chosen greedily."""
        self._handed = 0
        """Places of it that were handed out since; with anything else that is said it becomes stale."""
        if facts is not None:
            self._tell(facts)

    def set_strategy(self, name: str, params: Mapping[str, Any] | None = None) -> None:
        """Order by another strategy from now on; raises UnknownName, or BadRequest for its parameters."""
        self._strategy = create_strategy(name, params)
        self._strategy_name, self._params = name, dict(params or {})
        self._stale = True

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

    def rank(self, n: int = HEAD) -> list[Ranked]:
        """The first `n` of the queue, or all that is left, with reasons; nothing is leased. Raises BadRequest."""
        if _bad_count(n):
            raise BadRequest(f"Asked for the first {n} of the queue.", "Ask for 1 or more.")
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
                reason=self._wish(item)
                or reason_for(
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
        self._cover.set(self._taken(labelled).tolist())
        refined = self._fit(labelled, targets, seed, full)
        candidates = self._candidates(labelled)
        wishes, learned = self._wishes(candidates, head), (labelled, targets, refined, seed)

        def rank(part: Ints, places: int, taken: Ints) -> Ranking:
            cover = self._also(candidates[part], candidates[taken])
            return self._strategy.rank(self._view(candidates[part], cover, places, learned))

        ranking = arrange(wishes, len(candidates), rank)
        self._outcome = self._result(refined, candidates, ranking)
        self._propensity = ranking.propensity
        self._offered = self._offer(wishes, candidates, ranking.order, ranking.propensity)
        self._places, self._handed, self._stale = min(head, len(candidates)), 0, False
        self._rounds += 1
        return self._outcome

    def _view(self, candidates: Ints, cover: Cover, head: int, learned: Learned) -> View:
        """What the strategy may see of some rows; `cover` says what is taken for them."""
        labelled, targets, refined, seed = learned
        model, probabilities, disagreement = refined.head, refined.probabilities, refined.disagreement
        return View(
            probabilities=probabilities[candidates],
            squared=cover.squared[candidates],
            trained=model.trained,
            labelled=model.labelled,
            counts=targets.sum(axis=0),
            head=min(head, len(candidates)),
            spread=self._spread(candidates, cover),
            neighbours=lambda: self._herd(candidates, cover),
            features=self._features(candidates, cover, labelled, probabilities),
            rng=np.random.default_rng([seed, 1]),
            disagreement=None if disagreement is None else disagreement[candidates],
        )

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
        pool = {"vectors": self._matrix.vectors, "names": self._roster.names, "live": self._roster.live}
        made = {"strategy": self._strategy_name, "seed": self.seed, "params": self._params}
        made["surrogate"] = self._surrogate_name
        state = {name: getattr(self, f"_{name}") for name in STATE} | {"offered": list(self._offered.items())}
        pool["squared"] = self._cover.squared
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
        cue = cls(saved.pool["vectors"], saved.pool["names"], **saved.made, newest=True)
        cue._roster.keep(saved.pool["live"])
        cue._tell(saved.facts)
        cue._cover.squared = saved.pool["squared"]
        cue._outcome, cue._propensity = saved.outcome, saved.pool.get("propensity")
        for name in STATE:
            setattr(cue, f"_{name}", saved.state[name])
        cue._offered = dict(saved.state["offered"])
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

    def _spread(self, candidates: Ints, cover: Cover) -> Callable[[Floats, float, int], Places]:
        squared = cover.squared[candidates]

        def spread(weight: Floats, power: float, places: int) -> Places:
            return FarthestFirst(self._matrix, candidates, squared, weight, power, self._cover.covered).run(places)

        return spread

    def _result(self, refined: Refined, candidates: Ints, ranking: Ranking) -> Outcome:
        """The ranking of candidates as arrays in the order of ids."""
        order, squared, model = self._roster.order, self._cover.squared, refined.head
        placed = candidates[ranking.order]
        rank = np.full(self._matrix.rows, -1, dtype=np.int64)
        rank[placed] = np.arange(len(placed))
        priority = np.zeros(self._matrix.rows, dtype=np.float32)
        priority[placed] = ranking.priority
        novelty = np.clip(squared / np.float32(2), np.float32(0), np.float32(1))
        novelty[placed] = ranking.novelty
        return Outcome(
            ids=self._roster.ids,
            probabilities=refined.probabilities[order],
            priority=priority[order],
            novelty=novelty[order],
            rank=rank[order],
            cover=squared[order],
            weights=model.weights,
            bias=model.bias,
            classes=self.classes,
            **{name: getattr(model, name) for name in NUMBERS},
        )


def _bad_count(k: object) -> bool:
    return isinstance(k, bool) or not isinstance(k, (int, np.integer)) or bool(k < 1)
