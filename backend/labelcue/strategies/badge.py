"""BADGE: what would change the model much, and in many directions."""

from __future__ import annotations

import numpy as np

from labelcue.labels import CLASS, SET
from labelcue.strategies import Ranking, Strategy, View, by_places, strategies
from labelcue.strategies.lottery import Lottery
from labelcue.strategies.placing import COPY, spacing
from labelcue.types import Floats, Ints

REFUSED = 1000
"""Refusals after which all distances are brought up to date, which costs about as much as they did."""
COLUMNS = 16
"""Centres of one read of the vectors."""
FARTHEST = np.float32(8)
"""No two gradients are farther apart, squared: |a|² is 2 at the most."""
NOISE = np.float32(4e-6)
"""Share of two squared lengths below which a squared distance is float32 noise: copies have a distance of 0."""


@strategies.register("badge")
class Badge(Strategy):
    """k-means++ on the gradients of the last layer (Ash, Zhang, Krishnamurthy, Langford & Agarwal, ICLR 2020).

    arXiv 1906.03671, algorithm 1: g = (p - onehot(ŷ)) ⊗ x; the first place goes to the longest g, each later one is
    drawn in proportion to the squared distance to the nearest placed one. Two things are ours: what is handed out
    counts as placed, and copies of what is labelled or handed out get no place. Until two classes have been seen g is
    x itself.
    """

    name = "badge"
    summary = "Would change the model much and each in its own way, drawn by lot."
    when = "For large batches between two rounds, once there are some tens of labels."
    kinds = (CLASS, SET)
    diverse = True

    def rank(self, view: View) -> Ranking:
        """By k-means++; the rest by the length of the gradient."""
        slopes = view.belief.slopes() if view.trained else np.ones((view.size, 1), dtype=np.float32)
        run = Seeding(view, slopes)
        picks, values = run.go(view.head)
        return by_places(view, (picks, np.minimum.accumulate(values), spacing(view, picks)), run.lengths)


class Seeding:
    """k-means++ on a ⊗ x, which is never formed: |g_i - g_j|² = |a_i|² + |a_j|² - 2 (a_i·a_j)(x_i·x_j), |x| = 1.

    Kept distances are upper bounds, as distances only fall while places are given. A candidate is drawn by its bound,
    and accepted with the share that its true distance has of it; else its bound is lowered. Each place is therefore
    drawn exactly in proportion to the true distances (rejection sampling), without a read of the vectors for each.
    """

    def __init__(self, view: View, slopes: Floats) -> None:
        """`slopes`: (m, c) the a of each candidate."""
        self.view, self.slopes = view, slopes
        self.lengths: Floats = np.einsum("ij,ij->i", slopes, slopes)
        """(m,) float32 |g|²."""
        self.picks: list[int] = []
        self.values: list[float] = []
        self._centres: list[Floats] = []
        self._seen = np.zeros(view.size, dtype=np.int64)
        self._refused = 0

    def go(self, places: int) -> tuple[Ints, Floats]:
        """(k,) positions in order and their squared distances when they were drawn; k <= places."""
        self._begin(places)
        while len(self.picks) < places and not self._lottery.over:
            position = self._lottery.draw(self.view.rng)
            bound, exact = float(self._lottery.weights[position]), self._exact(position)
            if self.view.rng.random() * bound < exact:
                self._take(position, exact)
                continue
            self._lottery.set(position, exact)
            self._refused += 1
            if self._refused >= REFUSED:
                self._renew()
        return np.array(self.picks, dtype=np.int64), np.array(self.values, dtype=np.float32)

    def _begin(self, places: int) -> None:
        """What is leased comes first; without that, the longest gradient, ties by lot."""
        free = self.view.squared >= COPY
        self._lottery = Lottery(np.where(free, FARTHEST, np.float32(0)))
        vectors, chances = self.view.features.leased()
        if len(vectors):
            slopes = (
                self.view.belief.like(chances).slopes()
                if self.view.trained
                else np.ones((len(vectors), 1), dtype=np.float32)
            )
            self._lottery = Lottery(self._lowered(self._lottery.weights, vectors, slopes))
        elif places > 0 and free.any():
            longest = np.flatnonzero(free & (self.lengths == self.lengths[free].max()))
            first = int(longest[self.view.rng.integers(len(longest))])
            self._take(first, float(self.lengths[first]))
            self._renew()

    def _take(self, position: int, value: float) -> None:
        self.picks.append(position)
        self.values.append(value)
        self._centres.append(self.view.features.unit(np.array([position]))[0])
        self._lottery.set(position, 0)

    def _exact(self, position: int) -> float:
        """The squared distance to the nearest place of now."""
        since = int(self._seen[position])
        if since == len(self.picks):
            return float(self._lottery.weights[position])
        self._seen[position] = len(self.picks)
        here, late = np.array([position]), self.picks[since:]
        likeness = self.view.features.unit(here) @ np.array(self._centres[since:]).T
        near = self._distances(here, likeness, self.slopes[late])
        return float(min(self._lottery.weights[position], near.min()))

    def _renew(self) -> None:
        """Bring every bound up to date."""
        since = int(self._seen.min(initial=len(self.picks)))
        late = self.picks[since:]
        weights = self._lowered(self._lottery.weights, np.array(self._centres[since:]), self.slopes[late])
        self._lottery = Lottery(weights)
        self._seen[:] = len(self.picks)
        self._refused = 0

    def _lowered(self, weights: Floats, vectors: Floats, slopes: Floats) -> Floats:
        """(m,) the smaller of `weights` and the squared distance to the nearest of these centres."""
        every = np.arange(self.view.size)
        for start in range(0, len(vectors), COLUMNS):
            part = slice(start, start + COLUMNS)
            near = self._distances(every, self.view.features.product(vectors[part]), slopes[part])
            weights = np.minimum(weights, near.min(axis=1))
        return weights

    def _distances(self, positions: Ints, likeness: Floats, slopes: Floats) -> Floats:
        """(k, t) float32 squared distances of gradients; `likeness`: (k, t) cosines, overwritten; `slopes`: (t, c)."""
        both = self.lengths[positions][:, None] + np.einsum("ij,ij->i", slopes, slopes)
        likeness *= self.slopes[positions] @ slopes.T
        squared: Floats = both - 2 * likeness
        squared[squared < NOISE * both] = 0
        return squared
