"""A run that follows what is covered stands where a run from nothing would."""

import numpy as np
import pytest

from labelcue.pool.graph import Graph
from labelcue.pool.instant import Live
from labelcue.pool.kernel import Kernel
from labelcue.pool.matrix import Matrix

ROWS, WIDTH = 400, 0.8


def pool(seed: int) -> tuple[Kernel, np.ndarray]:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((9, 8))[rng.integers(0, 9, ROWS)] + 0.7 * rng.standard_normal((ROWS, 8))
    graph = Graph()
    graph.grow(Matrix(vectors.astype(np.float32)))
    kernel = Kernel(graph.edges())
    kernel.widen(WIDTH)
    return kernel, rng.random(ROWS, dtype=np.float32)


def from_nothing(live: Live) -> Live:
    return Live(live.kernel, live.weight, live.free, np.flatnonzero(live.covered), live.place)


def same(live: Live, places: int) -> None:
    anew = from_nothing(live)
    np.testing.assert_array_equal(live.best, anew.best)
    np.testing.assert_allclose(live.gain, anew.gain, rtol=0, atol=1e-9)
    (rows, gains), (want, expected) = live.head(places), anew.head(places)
    np.testing.assert_array_equal(rows, want)
    np.testing.assert_allclose(gains, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shuffled", [False, True])
def test_any_steps_lead_to_where_a_run_from_nothing_starts(seed, shuffled):
    kernel, weight = pool(seed)
    rng = np.random.default_rng([seed, 1])
    free = np.ones(ROWS, dtype=bool)
    free[rng.choice(ROWS, 20, replace=False)] = False
    live = Live(kernel, weight, free, rng.choice(ROWS, 15, replace=False), rng.permutation(ROWS) if shuffled else None)
    for _ in range(60):
        covered = np.flatnonzero(live.covered)
        if len(covered) and rng.random() < 0.45:
            live.uncover(int(rng.choice(covered)))
        else:
            live.cover(int(live.head(1)[0][0] if rng.random() < 0.5 else rng.choice(np.flatnonzero(live.free))))
        same(live, int(rng.integers(1, 12)))


def test_places_are_taken_back_to_the_last_bit():
    kernel, weight = pool(0)
    live = Live(kernel, weight, np.ones(ROWS, dtype=bool), np.arange(5))
    before = live.best.copy(), live.gain.copy(), live.free.copy()
    rows, gains = live.head(200)
    assert len(rows) == len(set(rows.tolist())) == 200
    assert (np.diff(gains) <= 0).all()
    for array, was in zip((live.best, live.gain, live.free), before, strict=True):
        np.testing.assert_array_equal(array, was)
    assert live.go(200)[0].tolist() == rows.tolist()
    np.testing.assert_allclose(live.gain, recomputed(live), rtol=0, atol=1e-6)


def recomputed(live: Live) -> np.ndarray:
    edges, kernel = live.kernel.edges, live.kernel.values.astype(np.float64)
    return np.add.reduceat(np.maximum(kernel - live.best[edges.to], 0) * live.weight[edges.to], edges.start[:-1])


def test_following_covers_frees_and_bars():
    kernel, weight = pool(3)
    live = Live(kernel, weight, np.ones(ROWS, dtype=bool), np.array([1, 2]))
    free = np.ones(ROWS, dtype=bool)
    barred = live.head(1)[0]
    free[[2, 40, 41]] = False
    free[barred] = False
    live.follow(np.array([2, 40, 41]), free)
    assert np.flatnonzero(live.covered).tolist() == [2, 40, 41]
    np.testing.assert_array_equal(live.free, free)
    same(live, 20)
    live.follow(np.array([1, 2]), ~np.isin(np.arange(ROWS), [1, 2]))
    assert live.head(1)[0] == barred
    live.follow(np.array([], dtype=np.int64), np.ones(ROWS, dtype=bool))
    assert not live.best.any()
    same(live, 20)


def test_nothing_to_gain_ends_the_head_early():
    kernel, _ = pool(0)
    live = Live(kernel, np.zeros(ROWS, dtype=np.float32), np.ones(ROWS, dtype=bool), np.arange(3))
    assert not len(live.head(5)[0])
    live.cover(7)
    live.uncover(7)
    assert not len(live.head(5)[0])
    few = Live(kernel, np.ones(ROWS, dtype=np.float32), np.arange(ROWS) < 4, np.arange(0))
    assert sorted(few.head(50)[0].tolist()) == [0, 1, 2, 3]


def test_another_width_is_another_sum_however_the_rows_are_dealt_out(monkeypatch):
    monkeypatch.setattr("labelcue.pool.kernel.STEP", 64)
    kernel, weight = pool(0)
    for width in (WIDTH / 2, WIDTH, 2 * WIDTH):
        kernel.widen(width)
        found = kernel.sums(weight)
        values = np.exp(-kernel.edges.squared.astype(np.float64) / width**2) * weight[kernel.edges.to]
        np.testing.assert_allclose(found, np.add.reduceat(values, kernel.edges.start[:-1]), rtol=1e-5)


def test_threads_do_not_change_a_bit(monkeypatch):
    kernel, weight = pool(0)
    one = kernel.sums(weight)
    monkeypatch.setattr("labelcue.pool.kernel.STEP", 64)
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    again = Kernel(kernel.edges)
    again.widen(WIDTH)
    np.testing.assert_array_equal(again.sums(weight), one)
