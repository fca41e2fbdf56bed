"""One round of a pool: refit on all labels, rescore every row, rank what may be queued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.labels import kinds
from labelcue.labels.tokens import Tokens, check_tokens
from labelcue.pool.cover import Cover
from labelcue.pool.graph import Graph
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.levered import Levered
from labelcue.pool.outcome import NO_SPANS, Outcome
from labelcue.pool.roster import plain
from labelcue.pool.spread import Spread
from labelcue.pool.standby import Standby
from labelcue.steering import arrange
from labelcue.strategies import Places, Ranking, View, create_strategy, suited
from labelcue.surrogates import Examples, Head, Reading, Refined, Scored, Surrogate, surrogates
from labelcue.surrogates.estimator import Estimator, is_estimator
from labelcue.types import Floats, Ints, Label

HEAD = 100
"""Places that are chosen greedily, unless more are asked for."""
FEW = 4
"""Newly covered rows that are looked for in the same read as the scores: with more, a read for each is no dearer."""
Learned: TypeAlias = tuple[Ints, Floats, Refined, int]
"""Of a round: labelled rows, their targets, what was learned of them, seed."""
NUMBERS = ("temperature", "l2", "trained", "labelled", "share", "fused", "noise", "extra")
"""What a head is beside its weights."""


class Ranker(Levered):
    """A pool with a surrogate and a strategy, and what its latest round found."""

    def __init__(
        self,
        vectors: NDArray[np.floating],
        ids: Sequence[Any] | NDArray[Any] | None,
        classes: Iterable[Label] | None,
        graph: Graph | None,
        newest: bool,
        surrogate: Any,
        bounds: tuple[float, float] | None,
        tokens: Tokens | None = None,
        parts: Mapping[str, Any] | None = None,
    ) -> None:
        own = is_estimator(surrogate)
        self._surrogate: Surrogate = Estimator(surrogate) if own else surrogates.create(surrogate)
        surrogate = type(surrogate).__name__ if own else surrogate
        kind = kinds.create(self._surrogate.kind)
        if bounds is not None:
            kind.limit(bounds)
        if parts is not None:
            kind.compose(**parts)
        self._surrogate_name, taker = surrogate, f"the surrogate {surrogate!r}"
        check_tokens(tokens, self._surrogate.uses_tokens, len(vectors), taker)
        super().__init__(vectors, ids, classes, graph, newest, kind, tokens)
        self._taker = taker
        self._outcome: Outcome | None = None
        self._propensity: Floats | None = None
        """Of the latest queue, in its order, NaN for places that were not drawn; None where none was."""
        self._rounds = 0
        self._places = 0
        """Places of the latest queue that were chosen greedily."""
        self._handed = 0
        """Places of it that were handed out since; with anything else that is said it becomes stale."""

    def set_strategy(self, name: str, params: Mapping[str, Any] | None = None) -> None:
        """Order by another strategy from now on.

        Raises UnknownName, BadRequest for its parameters, WrongSetting where it makes no sense for the labels.
        """
        self._strategy = suited(create_strategy(name, params), self._facts.kind)
        self._strategy_name, self._params = name, dict(params or {})
        self._stale, self._run = True, None

    def round(self, seed: int, full: bool = False, head: int = HEAD) -> Outcome:
        """Refit, rescore and rank everything; `head` places are chosen greedily, one given the others.

        `full`: refit from zero and choose the regularisation again. Reads the vectors once, and once more for each
        item that was labelled or leased since the last round if these are more than a few.
        """
        self._run = None
        labelled, targets = self._labelled()
        refined = self._fit(labelled, targets, seed, full)
        candidates = self._candidates(labelled)
        known = refined.probabilities if refined.head.trained else None
        wishes, learned = self._wishes(candidates, head, known), (labelled, targets, refined, seed)

        def rank(part: Ints, places: int, taken: Ints) -> Ranking:
            rows = candidates if len(part) == len(candidates) else candidates[part]
            cover = self._also(rows, candidates[taken])
            return self._strategy.rank(self._view(rows, cover, places, learned))

        ranking = arrange(wishes, len(candidates), rank)
        self._outcome = self._result(refined, candidates, ranking)
        self._propensity = ranking.propensity
        self._offered = self._offer(wishes, candidates, ranking.order)
        self._places, self._handed, self._stale = min(head, len(candidates)), 0, False
        self._rounds += 1
        return self._outcome

    def standby(self, places: int) -> Standby | None:
        """The first `places` of the latest queue, ready to be placed anew in another thread until the next round is.

        None where the strategy gives no such places, where shares of classes or slices are held, as each place then
        depends on those before it, and after anything was said or handed out.
        """
        run, levers = self._run, self._facts.levers
        if run is None or self._outcome is None or self._stale or self._handed or levers.shares or levers.class_shares:
            return None
        by_lot = {item for item, draw in self._offered.items() if draw is not None}
        return Standby(
            run=run,
            names=self._roster.names,
            ids=self._roster.ids,
            rows=self._roster.order,
            covered=self._cover.covered,
            free=run.free.copy(),
            order=plain(self._outcome.ids[self._outcome.order[:places]]),
            fixed={*self._facts.pinned, *by_lot},
            audits={item for item, draw in self.drawn.items() if draw.stream == "audit"},
        )

    def _view(self, candidates: Ints, cover: Cover, head: int, learned: Learned) -> View:
        """What the strategy may see of some rows; `cover` says what is taken for them."""
        labelled, targets, refined, seed = learned
        model, disagreement = refined.head, refined.disagreement
        probabilities = refined.probabilities if refined.own is None else refined.own
        return View(
            belief=self._facts.kind.believe(probabilities.take(candidates, axis=0), targets),
            squared=cover.squared[candidates],
            trained=model.trained,
            heard=refined.heard,
            labelled=model.labelled,
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

    def _fit(self, labelled: Ints, targets: Floats, seed: int, full: bool) -> Refined:
        surrogate = self._surrogate.suited(self._facts.kind)
        before = Head.blank(self._facts.kind.rows(len(self.classes)), self._matrix.dim)
        if self._outcome:
            old = self._outcome
            before = Head(old.weights, old.bias, **{name: getattr(old, name) for name in NUMBERS})
            before = surrogate.carried(before, old.classes, self.classes)
        examples = Examples(self._matrix.unit(labelled), targets, self._reading(labelled))
        model = surrogate.fit(examples, before, full, np.random.default_rng([seed, 0]))
        logits = self._score_and_cover(model, self._taken(labelled))
        heard = self._facts.hearsay(self._roster) if surrogate.listens else None
        scored = Scored(logits, labelled, self._matrix.unit, lambda: self._grown().edges(), self._tokens, heard)
        refined = surrogate.refine(scored, examples, model, before, full, np.random.default_rng([seed, 2]))
        self._facts.kind.settle(refined.probabilities)
        return refined

    def _reading(self, labelled: Ints) -> Reading | None:
        """What was said of the tokens of the labelled rows, for a surrogate that reads them."""
        if self._tokens is None:
            return None
        items = plain(self._roster.names[labelled])
        return Reading(
            self._tokens, labelled, [list(self._facts.labels[item].values()) for item in items], self.classes
        )

    def _score_and_cover(self, model: Head, taken: Ints) -> Floats:
        """(n, c) logits of every row; counts exactly the rows `taken` as covered, by the same read of the vectors."""
        new = self._cover.new(taken)
        if len(new) > FEW:
            self._cover.set(taken.tolist())
            return self._matrix.product(model.weights, model.bias)
        logits, likeness = self._matrix.product_and_likeness(model.weights, model.bias, new)
        self._cover.set(taken.tolist(), likeness)
        return logits

    def _spread(self, candidates: Ints, cover: Cover) -> Callable[[Floats, float, int], Places]:
        squared = cover.squared[candidates]

        def spread(weight: Floats, power: float, places: int) -> Places:
            if cover is self._cover:
                self._keep(Spread(self._matrix, candidates, squared, weight, power, cover.covered))
            return FarthestFirst(self._matrix, candidates, squared, weight, power, cover.covered).run(places)

        return spread

    def _result(self, refined: Refined, candidates: Ints, ranking: Ranking) -> Outcome:
        """The ranking of candidates as arrays in the order of ids."""
        in_order, squared, model = self._roster.in_order, self._cover.squared, refined.head
        placed = candidates[ranking.order]
        rank = np.full(self._matrix.rows, -1, dtype=np.int64)
        rank[placed] = np.arange(len(placed))
        priority = np.zeros(self._matrix.rows, dtype=np.float32)
        priority[placed] = ranking.priority
        novelty = squared / np.float32(2)
        np.clip(novelty, np.float32(0), np.float32(1), out=novelty)
        novelty[placed] = ranking.novelty
        return Outcome(
            ids=self._roster.ids,
            probabilities=in_order(refined.probabilities),
            priority=in_order(priority),
            novelty=in_order(novelty),
            rank=in_order(rank),
            cover=in_order(squared).copy(),
            weights=model.weights,
            bias=model.bias,
            classes=self.classes,
            found=self._found(refined),
            **{name: getattr(model, name) for name in NUMBERS},
        )

    def _found(self, refined: Refined) -> Floats:
        """(s, 5) predicted spans by their places in the order of ids, those of rows that are gone left out."""
        if refined.found is None:
            return NO_SPANS
        place = np.full(self._matrix.rows, -1, dtype=np.int64)
        place[self._roster.order] = np.arange(len(self._roster))
        found = refined.found.copy()
        found[:, 0] = place[found[:, 0].astype(np.int64)]
        found = found[found[:, 0] >= 0]
        ordered: Floats = found[np.argsort(found[:, 0], kind="stable")]
        return ordered
