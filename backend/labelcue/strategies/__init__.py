"""How a queue is ordered: one strategy a file, registered under its name.

A strategy sees candidates by position, in ascending order of their ids, and never an id or a row of the vectors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from labelcue.errors import WrongSetting
from labelcue.labels import CLASS, LabelKind
from labelcue.labels.belief import Belief
from labelcue.registry import Registry
from labelcue.strategies.params import params_of, read_params
from labelcue.strategies.shuffle import Shuffle
from labelcue.types import Floats, Ints

Places = tuple[Ints, Floats, Floats]
"""(k,) positions in order, (k,) values, (k,) squared distances to what came before them."""


class Neighbours(Protocol):
    """The candidates on the pool's neighbour graph; all arrays are in the order of the candidates."""

    @property
    def scale(self) -> float:
        """Median distance to the twentieth neighbour."""

    def sparseness(self) -> Floats:
        """(m,) float32 distance to the tenth neighbour."""

    def usual_sparseness(self, share: float) -> float:
        """The quantile at `share` of that distance over the whole pool, labelled items included."""

    def copies(self) -> Floats:
        """(m,) float32 number of near-copies of each candidate in the pool, itself included."""

    def closest(self) -> float:
        """Distance of the two nearest covered items, copies left out; infinite where none are neighbours."""

    def mean_distance(self) -> Floats:
        """(m,) float32 mean distance to the twenty nearest: the inverse of how typical a candidate is."""

    def place(self, weight: Floats, width: float, places: int) -> tuple[Places, Floats]:
        """Greedy places by the weight that they newly cover, and the gains (m,) of all when these are placed."""


class Features(Protocol):
    """The vectors, of length one: candidates by position, and what is covered. Read when asked for."""

    @property
    def items(self) -> int:
        """Number of items in the pool, labelled and skipped ones included."""

    def unit(self, positions: Ints) -> Floats:
        """(k, d) float32 copy of some candidates' vectors."""

    def product(self, weights: Floats) -> Floats:
        """(m, c) float32 products of every candidate with (c, d) weights: one read of the vectors."""

    def covered(self) -> Floats:
        """(l, d) float32 vectors of what is labelled or leased."""

    def leased(self) -> tuple[Floats, Floats]:
        """(h, d) vectors and (h, c) probabilities of what is handed out, both float32."""

    def centres(self, count: int) -> Floats:
        """(k, d) float32 centres of k-means over the whole pool, k <= count, whatever is labelled."""


@dataclass(frozen=True, slots=True)
class View:
    """What a strategy may look at; all arrays are in the order of the candidates."""

    belief: Belief
    """What the surrogate says of the candidates, in the measures of their kind of label; flat while nothing is
    trained."""
    squared: Floats
    """(m,) float32 squared distance to the nearest labelled or leased item, 0 to 4; 4 while there is none."""
    trained: bool
    """Whether the surrogate has something to tell apart."""
    labelled: int
    """Number of labelled items."""
    head: int
    """Places to choose greedily, one given the others."""
    spread: Callable[[Floats, float, int], Places]
    """`spread(weight, power, places)`: greedy places by weight times distance^power to what is covered or placed."""
    neighbours: Callable[[], Neighbours]
    """The neighbour graph, brought up to date when asked for: the first time takes seconds to minutes."""
    features: Features
    rng: np.random.Generator
    heard: bool = False
    """Whether predictions are another model's, which labels need not back."""
    disagreement: Floats | None = None
    """(m,) float32 nats of mutual information among the members of a committee; None where there is no committee."""

    @property
    def probabilities(self) -> Floats:
        """(m, k) float32 predictions: calibrated probabilities of the classes or labels, or what numbers have."""
        return self.belief.said

    @property
    def counts(self) -> Floats:
        """(g,) float32 number of labels of each class; an item on which annotators differ is shared out."""
        return self.belief.counts

    @property
    def size(self) -> int:
        """Number of candidates, m."""
        return len(self.squared)


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order of all candidates."""

    order: Ints
    """(m,) int64 positions, the next one first."""
    priority: Floats
    """(m,) float32 in the order of `order`: 0 to 1, never rising, 1 for the first."""
    novelty: Floats
    """(m,) float32 in the order of `order`: cosine distance, at most 1, to the nearest labelled, leased or earlier
    place of the greedy head; the head does not count for what comes after it."""
    propensity: Floats | None = None
    """(m,) float32 above 0, in the order of `order`: the chance that each had to be drawn at its place, given those
    before it; None where the order is not drawn by lot."""


class Strategy(ABC):
    """Orders candidates. Stateless: the same view gives the same order."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """What it does, in one plain sentence for admins."""
    when: ClassVar[str] = ""
    """When to use it, in one plain sentence for admins."""
    uncertain: ClassVar[bool] = True
    """Whether the order depends on what the surrogate says."""
    diverse: ClassVar[bool] = False
    """Whether each place of the head depends on the places before it."""
    understudy: ClassVar[str] = ""
    """The strategy that serves until the neighbour graph has grown; empty for those that do without the graph."""
    kinds: ClassVar[tuple[str, ...]] = (CLASS,)
    """Kinds of label for which it makes sense."""

    @abstractmethod
    def rank(self, view: View) -> Ranking:
        """The order of every candidate, each exactly once."""


strategies: Registry[Strategy] = Registry("labelcue.strategies")


def create_strategy(name: str, params: Mapping[str, Any] | None = None) -> Strategy:
    """Build a strategy by name; raises UnknownName, or BadRequest that names a parameter."""
    return strategies.create(name, **read_params(name, params_of(strategies.create(name)), params or {}))


def makes_sense(strategy: Strategy, kind: LabelKind) -> bool:
    """Whether the strategy can order by what a model says of such labels."""
    return (kind.like or kind.name) in strategy.kinds


def suited(strategy: Strategy, kind: LabelKind) -> Strategy:
    """The strategy itself. Raises WrongSetting where it makes no sense for this kind of label."""
    if not makes_sense(strategy, kind):
        others = (name for name in strategies.names() if makes_sense(strategies.create(name), kind))
        raise WrongSetting(
            "strategy",
            f"The strategy {strategy.name!r} makes no sense for labels that are {kind.takes}.",
            f"Choose one of: {', '.join(others)}.",
        )
    return strategy


def by_gain(view: View, gain: Floats) -> Ranking:
    """Rank by a gain that does not depend on the other places; ties in the order of the seed."""
    order = descending(gain, view.rng)
    return ranking_of(view, order, gain[order])


def ranking_of(view: View, order: Ints, gain: Floats, propensity: Floats | None = None) -> Ranking:
    """The ranking of an order with (m,) gains that fall along it."""
    return Ranking(order, _relative(gain), _novelty(view.squared[order]), propensity)


def by_places(view: View, places: Places, static: Floats) -> Ranking:
    """Rank by greedy places first, then by a static gain; `static` is (m,)."""
    head, gains, squared = places
    last = static.copy()
    last[head] = -np.inf
    tail = descending(last, view.rng)[: view.size - len(head)]
    floor = float(gains[-1] / gains[0]) if len(gains) and gains[0] > 0 else 1.0
    priority = np.concatenate([np.minimum.accumulate(_relative(gains)), np.float32(floor) * _relative(static[tail])])
    novelty = _novelty(np.concatenate([squared, view.squared[tail]]))
    return Ranking(np.concatenate([head, tail]), priority, novelty)


def descending(gain: Floats, rng: np.random.Generator) -> Ints:
    """(m,) positions, the largest gain first; ties in the order of the seed."""
    shuffle = Shuffle(rng)
    bits = (np.float32(0) - gain).view(np.uint32)
    # Numbers whose order is that of the floats, each above its lot: one sort of plain integers, the fastest there is.
    keys = np.where(bits >> 31, ~bits, bits | np.uint32(2**31)).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= shuffle.lots(len(gain))
    keys.sort()
    return shuffle.positions(keys.astype(np.uint32))


def _relative(gains: Floats) -> Floats:
    """Gains in their order as shares of the first, 0 to 1."""
    if not len(gains) or gains[0] <= 0:
        return np.zeros(len(gains), dtype=np.float32)
    shares: Floats = np.clip(gains / gains[0], 0, 1).astype(np.float32, copy=False)
    return shares


def _novelty(squared: Floats) -> Floats:
    return np.minimum(np.float32(1), np.maximum(squared, np.float32(0)) / np.float32(2))
