"""Lazy places are those of brute force, and what is covered is counted exactly."""

import numpy as np
import pytest

from labelcue.pool import instant
from labelcue.pool.cover import Cover
from labelcue.pool.graph import Graph
from labelcue.pool.herd import Herd
from labelcue.pool.kernel import Kernel
from labelcue.pool.matrix import Matrix

ROWS, WIDTH = 260, 0.8
Pool = tuple[Matrix, Graph]


def made(seed: int = 0) -> tuple[Pool, np.ndarray]:
    """A pool and its (n, n) kernel, 0 where there is no edge."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((6, 9))[rng.integers(0, 6, ROWS)] + 0.6 * rng.standard_normal((ROWS, 9))
    vectors[200:210] = vectors[:10]
    matrix, graph = Matrix(vectors.astype(np.float32)), Graph()
    graph.grow(matrix)
    edges = graph.edges()
    kernel = np.zeros((ROWS, ROWS))
    kernel[np.repeat(np.arange(ROWS), np.diff(edges.start)), edges.to] = np.exp(-edges.squared / WIDTH**2)
    return (matrix, graph), kernel


def gains_of(kernel: np.ndarray, weight: np.ndarray, covered: list[int]) -> np.ndarray:
    best = kernel[covered].max(axis=0) if covered else np.zeros(len(kernel))
    return (weight * np.maximum(kernel - best, 0)).sum(axis=1)


def herd(pool: Pool, rows: np.ndarray, covered: list[int], live: np.ndarray | None = None) -> Herd:
    matrix, graph = pool
    cover = Cover(matrix)
    cover.set(covered)
    return Herd(Kernel(graph.edges()), cover, rows, np.ones(ROWS, dtype=bool) if live is None else live)


@pytest.mark.parametrize("covered", [[], [3, 77, 140]])
@pytest.mark.parametrize("reserve", [1, 8])
def test_lazy_places_are_those_of_brute_force(covered, reserve, monkeypatch):
    monkeypatch.setattr(instant, "RESERVE", reserve)
    pool, kernel = made()
    rows = np.setdiff1d(np.arange(ROWS), [*covered, 9, 50])
    weight = np.random.default_rng(1).random(len(rows)).astype(np.float32)
    whole = np.zeros(ROWS)
    whole[rows] = weight
    (picks, gains, squared), rest = herd(pool, rows, covered).place(weight, WIDTH, 40)
    unit = pool[0].unit(np.arange(ROWS)).astype(np.float64)
    taken = list(covered)
    for pick, gain, distance in zip(rows[picks], gains, squared, strict=True):
        near = ((unit[taken] - unit[pick]) ** 2).sum(axis=1).min(initial=4)
        assert distance == pytest.approx(near, abs=1e-5)
        want = gains_of(kernel, whole, taken)
        assert want[pick] >= want[np.setdiff1d(rows, taken)].max() - 1e-6
        assert gain == pytest.approx(want[pick], abs=1e-6)
        taken.append(int(pick))
    np.testing.assert_allclose(rest, gains_of(kernel, whole, taken)[rows], atol=1e-6)


def test_places_end_when_nothing_is_left_to_gain():
    pool, _ = made()
    rows = np.arange(ROWS)
    weight = np.zeros(ROWS, dtype=np.float32)
    assert not len(herd(pool, rows, []).place(weight, WIDTH, 5)[0][0])
    (picks, _, _), _ = herd(pool, rows[:20], []).place(np.ones(20, dtype=np.float32), WIDTH, 50)
    assert len(set(picks.tolist())) == len(picks) <= 20


def test_copies_are_counted_and_dead_rows_are_not():
    pool, _ = made()
    rows = np.arange(ROWS)
    live = np.ones(ROWS, dtype=bool)
    counts = herd(pool, rows, [], live).copies()
    assert (counts[:10] == 2).all()
    assert (counts[200:210] == 2).all()
    assert counts.sum() == ROWS + 20
    live[200] = False
    assert herd(pool, rows, [], live).copies()[0] == 1


def test_the_closest_covered_pair_leaves_copies_out():
    pool, kernel = made()
    assert herd(pool, np.arange(ROWS), []).closest() == np.inf
    assert herd(pool, np.arange(ROWS), [0, 200]).closest() == np.inf
    edges = pool[1].edges()
    near = edges.to[edges.start[5] : edges.start[6]]
    other = int(near[edges.squared[edges.start[5] : edges.start[6]] > 0.02][0])
    assert herd(pool, np.arange(ROWS), [5, other]).closest() == pytest.approx(
        WIDTH * np.sqrt(-np.log(kernel[5, other])), rel=1e-5
    )
