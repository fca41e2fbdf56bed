"""The neighbour graph is exact, symmetric, and the same whatever the steps in which the rows came."""

import numpy as np
import pytest

from labelcue.pool import growing as growing_module
from labelcue.pool.graph import DEGREE, Graph
from labelcue.pool.growing import Growing
from labelcue.pool.matrix import Matrix


def clustered(rows: int, dim: int = 24, seed: int = 0, clusters: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dim))
    points = centres[rng.integers(0, clusters, rows)] + 0.5 * rng.standard_normal((rows, dim))
    return (points * rng.uniform(0.5, 2, (rows, 1))).astype(np.float32)


def distances(vectors: np.ndarray) -> np.ndarray:
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    squared = 2 - 2 * unit @ unit.T
    np.fill_diagonal(squared, np.inf)
    return squared


def grown(vectors: np.ndarray, *steps: int) -> Graph:
    graph = Graph()
    for rows in (*steps, len(vectors)):
        graph.grow(Matrix(vectors[:rows]))
    return graph


def same(one: Graph, other: Graph) -> None:
    np.testing.assert_array_equal(one.squared, other.squared)
    for name in ("start", "to", "squared"):
        np.testing.assert_array_equal(getattr(one.edges(), name), getattr(other.edges(), name), strict=True)


def test_every_row_knows_its_nearest():
    vectors = clustered(5300)
    np.testing.assert_allclose(grown(vectors).squared, np.sort(distances(vectors), axis=1)[:, :DEGREE], atol=2e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_any_steps_give_the_same_bits(dtype):
    vectors = np.concatenate([clustered(5000, seed=1), clustered(5000, seed=1)[:90]]).astype(dtype)
    same(grown(vectors), grown(vectors, 1, 40, 41, 1500, 4096, 4097))


def test_edges_are_symmetric_with_a_loop_at_each_row_the_nearest_first():
    vectors = clustered(700)
    edges = grown(vectors).edges()
    source = np.repeat(np.arange(700), np.diff(edges.start))
    known = dict(zip(zip(source.tolist(), edges.to.tolist(), strict=True), edges.squared.tolist(), strict=True))
    assert len(known) == len(edges.to)
    assert all(known[there, here] == squared for (here, there), squared in known.items())
    assert all(known[row, row] == 0 for row in range(700))
    assert (np.diff(edges.squared)[np.diff(source) == 0] >= 0).all()
    near = np.argsort(distances(vectors), axis=1)[:, :DEGREE]
    assert {(row, int(other)) for row in range(700) for other in near[row]} <= known.keys()


@pytest.mark.parametrize("rows", [1, 2, 20, DEGREE + 1])
def test_small_pools_know_every_row(rows):
    edges = grown(clustered(rows)).edges()
    assert np.diff(edges.start).tolist() == [rows] * rows


def test_a_pool_of_copies_is_no_burden():
    graph = grown(np.repeat(clustered(2), 3000, axis=0))
    assert (graph.squared == 0).all()


def waited(growing: Growing, vectors: np.ndarray) -> Graph:
    assert not growing.ready(vectors)
    assert growing._thread is not None
    growing._thread.join()
    assert growing.ready(vectors)
    return growing.graph


def test_large_steps_grow_beside_the_rounds(monkeypatch, tmp_path):
    monkeypatch.setattr(growing_module, "AT_ONCE", 1000)
    vectors, growing = clustered(300), Growing(tmp_path / "graph.npz")
    assert growing.ready(vectors[:40])
    same(waited(growing, vectors), grown(vectors))


def test_what_has_grown_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(growing_module, "AT_ONCE", 1000)
    path, vectors = tmp_path / "graph.npz", clustered(300)
    first = waited(Growing(path), vectors[:200])
    with monkeypatch.context() as patch:
        patch.setattr(Graph, "_join", None)
        same(waited(Growing(path), vectors[:200]), first)
    same(waited(Growing(path), vectors), grown(vectors))


@pytest.mark.parametrize("damage", ["other vectors", "fewer vectors", "broken file"])
def test_a_file_that_does_not_fit_is_made_anew(monkeypatch, tmp_path, damage):
    monkeypatch.setattr(growing_module, "AT_ONCE", 1000)
    path, vectors = tmp_path / "graph.npz", clustered(300)
    waited(Growing(path), vectors)
    if damage == "other vectors":
        vectors = clustered(300, seed=8)
    elif damage == "fewer vectors":
        vectors = vectors[:250]
    else:
        path.write_bytes(path.read_bytes()[:5000])
    same(waited(Growing(path), vectors), grown(vectors))
