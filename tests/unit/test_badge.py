"""Factorised k-means++ picks what explicit gradients pick, and draws in proportion to the squared distances."""

import numpy as np
import pytest

from labelcue.labels.measures import gradients
from labelcue.strategies import badge, create_strategy
from labelcue.strategies.badge import Seeding
from labelcue.strategies.lottery import Lottery
from views import some_pool, view_of


def explicit(probabilities: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(n, c * d) float64 gradient embeddings."""
    slopes = probabilities.copy()
    slopes[np.arange(len(slopes)), slopes.argmax(axis=1)] -= 1
    return np.einsum("nc,nd->ncd", slopes, vectors).reshape(len(vectors), -1)


def by_brute_force(embedding: np.ndarray, places: int, refused_at: int, seed: int, held: np.ndarray | None = None):
    """The same lot, with all (n, c * d) numbers at hand and nothing lazy but the bounds that are drawn by."""
    rng = np.random.default_rng(seed)
    picks: list[int] = []
    rows, refused = len(embedding), 0

    def exact() -> np.ndarray:
        centres = embedding[picks] if held is None else np.concatenate([held, embedding[picks]])
        squared = ((embedding[:, None] - centres) ** 2).sum(axis=2).min(axis=1)
        squared[picks] = 0
        return squared

    if held is None:
        length = (embedding**2).sum(axis=1)
        longest = np.flatnonzero(length > length.max() - 1e-9)
        picks.append(int(longest[rng.integers(len(longest))]))
    bound = exact()
    while len(picks) < places:
        running = np.cumsum(bound)
        pick = int(np.searchsorted(running, rng.random() * running[-1], side="right"))
        now = exact()
        if rng.random() * bound[pick] < now[pick]:
            picks.append(pick)
            bound[pick] = 0
            continue
        bound[pick], refused = now[pick], refused + 1
        if refused == refused_at:
            bound, refused = now, 0
    assert len(picks) <= rows
    return picks


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("refused", [3, 10**9])
def test_the_picks_are_those_of_explicit_gradients(seed, classes, refused, monkeypatch):
    monkeypatch.setattr(badge, "REFUSED", refused)
    vectors, probabilities = some_pool(150, classes, seed)
    picks, values = Seeding(view_of(vectors, probabilities, seed=seed), gradients(probabilities)).go(60)
    embedding = explicit(probabilities, vectors)
    assert picks.tolist() == by_brute_force(embedding, 60, refused, seed)
    for place in range(1, 60):
        near = ((embedding[picks[place]] - embedding[picks[:place]]) ** 2).sum(axis=1).min()
        assert values[place] == pytest.approx(near, abs=1e-5)


def test_what_is_handed_out_counts_as_placed():
    vectors, probabilities = some_pool(120, 3, 1)
    leased = [100, 7, 31]
    view = view_of(vectors, probabilities, leased=leased, seed=5)
    free = np.setdiff1d(np.arange(120), leased)
    embedding = explicit(probabilities, vectors)
    picks, _ = Seeding(view, gradients(probabilities[free])).go(30)
    assert picks.tolist() == by_brute_force(embedding[free], 30, badge.REFUSED, 5, embedding[sorted(leased)])


@pytest.mark.parametrize("refused", [1, 2, 10**9])
def test_each_place_is_drawn_by_the_squared_distance(refused, monkeypatch):
    monkeypatch.setattr(badge, "REFUSED", refused)
    vectors, probabilities = some_pool(9, 3, 2)
    embedding = explicit(probabilities, vectors)
    squared = ((embedding[:, None] - embedding) ** 2).sum(axis=2)
    first = int((embedding**2).sum(axis=1).argmax())
    draws, pairs = 4000, np.zeros((9, 9))
    for seed in range(draws):
        view = view_of(vectors, probabilities, seed=seed)
        picks, _ = Seeding(view, gradients(view.probabilities)).go(3)
        assert picks[0] == first
        pairs[picks[1], picks[2]] += 1
    second = squared[first] / squared[first].sum()
    third = np.minimum(squared[first], squared)
    want = second[:, None] * third / third.sum(axis=1, keepdims=True)
    spread = np.sqrt(want * (1 - want) / draws)
    assert (np.abs(pairs / draws - want) <= 4.5 * spread + 1e-9).all()


def test_copies_and_certain_items_come_last():
    vectors, probabilities = some_pool(40, 3)
    copies, chances = np.repeat(vectors, 5, axis=0), np.repeat(probabilities, 5, axis=0)
    view = view_of(copies, chances, labelled=[0, 5], head=200)
    ranking = create_strategy("badge").rank(view)
    rows = np.setdiff1d(np.arange(200), [0, 5])[ranking.order]
    assert sorted(rows[:38] // 5) == list(range(2, 40))


def test_nothing_to_tell_apart_leaves_the_order_to_the_seed():
    vectors, _ = some_pool(20, 2)
    certain = np.tile(np.array([1.0, 0.0]), (20, 1))
    ranking = create_strategy("badge").rank(view_of(vectors, certain))
    assert sorted(ranking.order) == list(range(20))
    assert sorted(create_strategy("badge").rank(view_of(vectors[:1], certain[:1])).order) == [0]


def test_a_lottery_draws_by_weight_and_never_what_weighs_nothing():
    weights = np.zeros(3000, dtype=np.float32)
    weights[[0, 1023, 1024, 2999]] = [1, 2, 3, 4]
    lottery, rng = Lottery(weights), np.random.default_rng(0)
    lottery.set(1024, 0)
    drawn = np.bincount([lottery.draw(rng) for _ in range(7000)], minlength=3000)
    assert set(np.flatnonzero(drawn)) == {0, 1023, 2999}
    np.testing.assert_allclose(drawn[[0, 1023, 2999]] / 7000, np.array([1, 2, 4]) / 7, atol=0.02)
    for place in (0, 1023, 2999):
        assert not lottery.over
        lottery.set(place, 0)
    assert lottery.over
