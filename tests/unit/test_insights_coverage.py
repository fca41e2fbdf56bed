"""What the labels reach, and the map."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.insights.audit import Sample
from labelcue.insights.coverage import Audited, balance, copies, outliers, reach, slices
from labelcue.insights.mapping import MOST, pool_map, principal
from labelcue.pool.graph import Graph
from labelcue.pool.matrix import Matrix


def _unit(rng: np.random.Generator, n: int, d: int = 8) -> np.ndarray:
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_curve_rises_from_the_labels_to_the_farthest_task() -> None:
    squared = np.array([0, 0.2, 0.4, 2.0], dtype=np.float32)
    found = reach(squared, 0.15)
    assert found is not None
    assert (found.covered, found.farthest) == (0.5, 1.0)
    assert (found.curve[0], found.curve[-1]) == ((0.0, 0.25), (1.0, 1.0))
    assert all(a[1] <= b[1] for a, b in zip(found.curve, found.curve[1:], strict=False))
    assert reach(np.full(3, np.inf, dtype=np.float32), 0.1) is None


def test_balance_names_classes_without_labels() -> None:
    found = balance(np.array([0] * 30 + [1] * 10), np.array([0, 1, 2, 2]), ("a", "b", "c"))
    assert (found.labels, found.ratio, found.absent) == ((30, 10, 0), 3.0, ("c",))
    assert found.predicted == (0.25, 0.25, 0.5)
    assert found.effective == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))
    empty = balance(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), ("a",))
    assert (empty.ratio, empty.effective) == (None, 0.0)


def test_slices_below_the_threshold_stand_first_with_the_reason() -> None:
    rng = np.random.default_rng(1)
    values = ["big"] * 600 + ["rare"] * 200 + [None] * 200
    labelled = np.zeros(1000, dtype=bool)
    labelled[:200] = True
    squared = np.full(1000, 0.05, dtype=np.float32)
    squared[600:800] = 1.0
    rows = np.concatenate([rng.permutation(600)[:60], 600 + rng.permutation(200)[:20]])
    right = np.concatenate([np.ones(60, dtype=bool), np.zeros(20, dtype=bool)])
    seen = Sample(right, np.full(80, 1 / 80), np.zeros(0, dtype=bool), np.zeros(0))
    audited = Audited(rows, rows[:0], seen, 0.75)
    found, total = slices({"source": values}, labelled, squared, 0.1, audited)
    assert (total, [one.name for one in found]) == (2, ["rare", "big"])
    assert len(found[0].flags) == 3
    assert not found[1].flags
    assert (found[1].tasks, found[1].labelled, found[1].covered) == (600, 200, 1.0)


def test_thousands_of_slices_are_counted_and_the_first_thousand_listed() -> None:
    values = [f"s{number % 5000}" for number in range(20_000)]
    found, total = slices({"id": values}, np.zeros(20_000, dtype=bool), np.full(20_000, np.inf, np.float32), 0.1)
    assert (total, len(found)) == (5000, 1000)
    assert found[0].covered is None


def test_near_copies_and_outliers_come_from_the_graph() -> None:
    rng = np.random.default_rng(2)
    centre = _unit(rng, 1)
    vectors = centre + 0.25 * _unit(rng, 200)
    vectors[7] = -centre
    vectors = np.concatenate([vectors, vectors[3:6], vectors[3:4]]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    graph = Graph()
    graph.grow(Matrix(vectors))
    place = np.arange(len(vectors))
    place[5] = -1
    found = copies(graph.edges(), place, len(vectors))
    groups = {frozenset(group) for group in found.groups}
    assert any({3, 200, 203} <= group for group in groups)
    assert 5 not in {row for group in found.groups for row in group}
    assert found.spared >= 3
    assert outliers(graph.edges().tenth)[0][0] == 7
    assert outliers(np.empty(0, dtype=np.float32)) == ()


def test_the_map_keeps_neighbours_together_and_is_the_same_each_time() -> None:
    rng = np.random.default_rng(3)
    side = np.repeat([0, 1], 60)
    vectors = (_unit(rng, 2)[side] + 0.2 * _unit(rng, 120)).astype(np.float32)
    rows, places = pool_map(vectors.__getitem__, 120, np.arange(3), 0)
    again = pool_map(vectors.__getitem__, 120, np.arange(3), 0)[1]
    assert np.array_equal(places, again)
    assert (rows.tolist(), places.shape, float(np.abs(places).max())) == (list(range(120)), (120, 2), 1.0)
    nearest = ((places[:, None] - places) ** 2).sum(axis=2)
    np.fill_diagonal(nearest, np.inf)
    assert (side[nearest.argmin(axis=1)] == side).mean() > 0.95


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_small_pools_are_shown_on_their_main_axes(n: int) -> None:
    rows, places = pool_map(_unit(np.random.default_rng(4), n).__getitem__, n, np.arange(0), 0)
    assert (len(rows), places.shape, np.isfinite(places).all()) == (n, (n, 2), True)


def test_large_pools_show_the_labelled_tasks_and_a_share_of_the_rest() -> None:
    from labelcue.insights.mapping import chosen

    rows = chosen(10 * MOST, np.arange(40), 0)
    assert (len(rows), len(np.unique(rows)), rows[:40].tolist()) == (MOST, MOST, list(range(40)))


def test_principal_axes_are_those_of_the_singular_values() -> None:
    vectors = _unit(np.random.default_rng(5), 50, 6)
    centred = vectors - vectors.mean(axis=0)
    found = principal(vectors, 2)
    expected = np.linalg.svd(centred, full_matrices=False)[1][:2]
    assert np.linalg.norm(found, axis=0) == pytest.approx(expected, rel=1e-4)
