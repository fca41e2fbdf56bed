"""Strategies that go by clusters: typiclust and cluster-margin, and the clusters themselves."""

import numpy as np
import pytest

from labelcue.labels.measures import margin
from labelcue.pool.clusters import Clusters
from labelcue.pool.matrix import Matrix
from labelcue.strategies import create_strategy
from views import some_pool, unit, view_of


def islands(sizes: list[int], seed: int = 0, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors on islands far apart, and the island of each."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    return unit(np.eye(len(sizes), dim)[group] + 0.12 * rng.standard_normal((len(group), dim))), group


def flat(rows: int) -> np.ndarray:
    return np.full((rows, 2), 0.5)


def test_centres_find_islands_and_do_not_depend_on_what_is_asked_before():
    vectors, group = islands([40, 40, 40, 40])
    matrix, rows, clusters = Matrix(vectors.astype(np.float32)), np.arange(160), Clusters()
    centres = clusters.centres(matrix, rows, 4)
    assert centres is clusters.centres(matrix, rows, 4)
    own = (vectors @ centres.T).argmax(axis=1)
    assert len({(int(a), int(b)) for a, b in zip(own, group, strict=True)}) == 4
    clusters.centres(matrix, rows, 7)
    np.testing.assert_array_equal(clusters.centres(matrix, rows, 4), centres)
    np.testing.assert_array_equal(Clusters().centres(matrix, rows, 4), centres)
    assert clusters.centres(matrix, rows, 500).shape == (160, 12)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, rtol=1e-5)


def test_centres_of_copies():
    vectors = np.repeat(islands([2, 2])[0], 50, axis=0)
    centres = Clusters().centres(Matrix(vectors.astype(np.float32)), np.arange(200), 30)
    assert centres.shape == (30, 12)
    assert np.isfinite(centres).all()


def test_typiclust_takes_the_densest_of_the_largest_uncovered_islands():
    vectors, group = islands([60, 50, 40, 30, 20])
    labelled = np.flatnonzero(group == 1)[:1].tolist()
    view = view_of(vectors, flat(200), labelled=labelled, head=4)
    ranking = create_strategy("typiclust").rank(view)
    rows = np.setdiff1d(np.arange(200), labelled)
    picks = rows[ranking.order[:4]]
    assert group[picks].tolist() == [0, 2, 3, 4]
    apart = np.sqrt(np.maximum(2 - 2 * vectors @ vectors.T, 0))
    typical = 1 / np.sort(apart, axis=1)[:, 1:21].mean(axis=1)
    for pick in picks:
        same = np.flatnonzero(group == group[pick])
        assert typical[pick] == pytest.approx(typical[same].max(), rel=1e-4)


def test_typiclust_goes_to_covered_islands_when_no_other_is_left(monkeypatch):
    monkeypatch.setattr("labelcue.strategies.typiclust.MOST", 3)
    vectors, group = islands([30, 20, 10])
    labelled = [0, 1, 30]
    view = view_of(vectors, flat(60), labelled=labelled, head=4)
    rows = np.setdiff1d(np.arange(60), labelled)
    ranking = create_strategy("typiclust").rank(view)
    assert group[rows[ranking.order[:4]]].tolist() == [2, 1, 0, 2]


@pytest.mark.parametrize("seed", range(3))
def test_cluster_margin_deals_the_closest_calls_out_small_clusters_first(seed):
    vectors, probabilities = some_pool(300, 3, 4)
    view = view_of(vectors, probabilities, head=20, seed=seed)
    ranking = create_strategy("cluster-margin", {"batch": 20, "times": 3}).rank(view)
    doubt, picks = margin(view.probabilities), ranking.order[:20]
    rank = np.sort(doubt)[::-1]
    assert rank[59] > rank[60]
    among = np.flatnonzero(doubt >= rank[59])
    own = (vectors @ view.features.centres(30).T).argmax(axis=1)
    size = np.bincount(own[among], minlength=30)
    assert set(picks) <= set(among)
    assert (np.diff(size[own[picks[: (size > 0).sum()]]]) >= 0).all()
    assert len(set(own[picks])) == min(20, (size > 0).sum())
    assert (np.diff(doubt[ranking.order[20:]]) <= 0).all()


def test_a_long_head_of_cluster_margin_is_a_row_of_batches():
    vectors, probabilities = some_pool(300, 3, 4)
    view = view_of(vectors, probabilities, head=40)
    ranking = create_strategy("cluster-margin", {"batch": 5, "times": 2}).rank(view)
    doubt = margin(view.probabilities)
    for start in range(0, 40, 5):
        left = ranking.order[start:]
        least = np.sort(doubt[left])[::-1][9]
        assert (doubt[left[:5]] >= least).all()


def test_cluster_margin_goes_past_copies():
    vectors, probabilities = some_pool(30, 3)
    copies, chances = np.repeat(vectors, 50, axis=0), np.repeat(probabilities, 50, axis=0)
    ranking = create_strategy("cluster-margin").rank(view_of(copies, chances, labelled=[0], head=40))
    rows = np.setdiff1d(np.arange(1500), [0])[ranking.order]
    assert sorted(rows[:29] // 50) == list(range(1, 30))


def test_clusters_stay_the_same_whatever_is_labelled():
    vectors, probabilities = some_pool(100, 3)
    few, many = view_of(vectors, probabilities), view_of(vectors, probabilities, labelled=range(50), leased=[60, 55])
    np.testing.assert_array_equal(few.features.centres(10), many.features.centres(10))
    assert few.features.items == many.features.items == 100
    assert many.features.covered().shape == (52, 7)
    held, chances = many.features.leased()
    np.testing.assert_allclose(held, vectors[[55, 60]], rtol=1e-5)
    np.testing.assert_allclose(chances, probabilities[[55, 60]], rtol=1e-5)


@pytest.mark.parametrize("name", ["badge", "typiclust", "cluster-margin", "power-margin", "hardness", "bald", "random"])
@pytest.mark.parametrize("trained", [False, True])
def test_the_same_view_has_the_same_order(name, trained):
    vectors, probabilities = some_pool(80, 3)
    strategy = create_strategy(name)
    one, two = (
        strategy.rank(view_of(vectors, probabilities, labelled=[3, 4], leased=[9], trained=trained)) for _ in range(2)
    )
    np.testing.assert_array_equal(one.order, two.order)
    np.testing.assert_array_equal(one.novelty, two.novelty)


@pytest.mark.parametrize("name", ["badge", "typiclust", "cluster-margin"])
def test_novelty_is_the_distance_to_what_came_before(name):
    vectors, probabilities = some_pool(80, 3)
    ranking = create_strategy(name).rank(view_of(vectors, probabilities, labelled=[3, 4], head=12))
    rows = np.setdiff1d(np.arange(80), [3, 4])[ranking.order]
    before = [3, 4]
    for row, novelty in zip(rows[:12], ranking.novelty, strict=False):
        assert novelty == pytest.approx(min(1, 1 - (vectors[before] @ vectors[row]).max()), abs=1e-5)
        before.append(int(row))


@pytest.mark.parametrize("disputed", [None, True])
def test_bald_goes_by_the_committee_and_by_entropy_without_one(disputed):
    vectors, probabilities = some_pool(50, 3)
    nats = np.random.default_rng(0).random(50).astype(np.float32) if disputed else None
    order = create_strategy("bald").rank(view_of(vectors, probabilities, disagreement=nats)).order
    by = nats if disputed else -(probabilities * np.log(probabilities)).sum(axis=1)
    assert (np.diff(by[order]) <= 3e-4).all()
