"""Large pools are compared by cells: nearly exact, told how nearly, and still a function of the rows alone."""

from pathlib import Path

import numpy as np
import pytest
from test_graph import clustered, distances, grown, same, waited

from labelcue.pool import cells, growing, lists
from labelcue.pool import graph as graphs
from labelcue.pool.copies import Copies
from labelcue.pool.graph import DEGREE, Graph, Halted
from labelcue.pool.growing import Growing
from labelcue.pool.matrix import Matrix


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells from 600 rows on, a sixth of which each row looks into."""
    monkeypatch.setattr(graphs, "WHOLE", 600)
    monkeypatch.setattr(graphs, "CROWD", 500)
    monkeypatch.setattr(cells, "DENSITY", 2.0)
    monkeypatch.setattr(cells, "VISITS", 8)


def measured(graph: Graph, vectors: np.ndarray, sample: int = 500) -> float:
    return lists.recall(Matrix(vectors), graph.keys, sample, np.random.default_rng(0))


@pytest.mark.usefixtures("few")
def test_cells_find_most_of_the_nearest():
    vectors = clustered(3000)
    graph = grown(vectors)
    nearest = np.sort(distances(vectors), axis=1)[:, :DEGREE]
    truth = np.mean(graph.squared <= nearest[:, -1:] + 1e-6)
    assert 0.9 < truth < 1
    assert measured(graph, vectors) == pytest.approx(truth, abs=0.02)
    assert (graph.squared >= nearest - 2e-6).all(), "distances are exact, whichever rows were found"


def test_an_exact_graph_has_recall_one():
    vectors = np.concatenate([clustered(400), clustered(400)[:50]])
    assert measured(grown(vectors), vectors) == 1.0
    assert measured(grown(vectors[:5]), vectors[:5]) == 1.0


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_any_steps_give_the_same_bits(dtype):
    vectors = np.concatenate([clustered(1500, seed=1), np.repeat(clustered(1, seed=2), 70, axis=0), clustered(1100)])
    vectors = vectors.astype(dtype)
    once = grown(vectors)
    same(once, grown(vectors, 500, 601, 640, 1199, 1201, 1550, 2400))
    same(once, grown(vectors))
    assert once.cells is not None
    assert once.cells.trained == 2400


@pytest.mark.usefixtures("few")
def test_near_copies_in_any_number_depend_on_no_steps():
    rng = np.random.default_rng(4)
    near = np.repeat(clustered(1), 900, axis=0) * (1 + rng.choice([0, 1e-7, 3e-7], (900, 24)))
    vectors = np.concatenate([clustered(700), near]).astype(np.float32)[rng.permutation(1600)]
    same(grown(vectors), grown(vectors, 650, 651, 1000, 1203, 1500))


@pytest.mark.parametrize("rows", [1, 20, 600, 700])
@pytest.mark.usefixtures("few")
def test_lists_are_told_by_the_edges(rows):
    graph = grown(clustered(rows))
    keys = graph.keys.copy()
    graph.edges()
    np.testing.assert_array_equal(graph.keys, keys, strict=True)


def test_copies_are_folded_and_the_lists_are_what_they_would_be(monkeypatch):
    vectors = np.concatenate([clustered(300), np.repeat(clustered(1, seed=5), 150, axis=0), clustered(60, seed=6)])
    vectors = vectors[np.random.default_rng(0).permutation(len(vectors))]
    graph = grown(vectors, 200)
    assert graph._copies.folded.sum() == 150 - DEGREE - 1
    monkeypatch.setattr(Copies, "grow", lambda copies, rows: setattr(copies, "folded", np.zeros(len(rows), dtype=bool)))
    monkeypatch.setattr(Copies, "lists", lambda copies, start, stop: (np.empty(0, dtype=int), lists.empty(0)))
    plain = grown(vectors)
    np.testing.assert_array_equal(graph.keys, plain.keys)


@pytest.mark.usefixtures("few")
def test_a_pool_of_copies_beyond_the_whole_is_no_burden():
    graph = grown(np.repeat(clustered(2), 700, axis=0))
    assert (graph.squared == 0).all()


def test_a_graph_that_is_halted_forgets_everything():
    graph, matrix = grown(clustered(100)), Matrix(clustered(200))
    graph.halt()
    with pytest.raises(Halted):
        graph.grow(matrix)
    assert graph.rows == 0
    assert len(graph.keys) == 0


@pytest.mark.usefixtures("few")
def test_cells_are_kept_and_grow_on(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(growing, "AT_ONCE", 1000)
    path, vectors = tmp_path / "graph.npz", clustered(1500)
    first = Growing(path)
    waited(first, vectors[:1300])
    assert 0.9 < first.recall < 1
    assert first.words == {"rows": 1300, "of": 1300, "recall": round(first.recall, 4)}
    second = Growing(path)
    with monkeypatch.context() as patch:
        patch.setattr(Graph, "_grow", None)
        second.resume(vectors)
    assert second.words["rows"] == 1300
    assert second.recall == first.recall
    same(second.graph, first.graph)
    with monkeypatch.context() as patch:
        patch.setattr(cells.Cells, "of", None)
        waited(second, vectors)
    same(second.graph, grown(vectors))


@pytest.mark.usefixtures("few")
def test_a_graph_of_other_cells_is_made_anew(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(growing, "AT_ONCE", 1000)
    path, vectors = tmp_path / "graph.npz", clustered(900)
    waited(Growing(path), vectors)
    monkeypatch.setattr(cells, "VISITS", 5)
    again = Growing(path)
    again.resume(vectors)
    assert again.graph.rows == 0
    same(waited(again, vectors), grown(vectors))


def test_a_stopped_learner_leaves_no_thread(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(growing, "AT_ONCE", 1000)
    one = Growing(tmp_path / "graph.npz")
    one.ready(clustered(6000, dim=64))
    one.stop()
    assert one._thread is not None
    assert not one._thread.is_alive()


@pytest.mark.usefixtures("few")
def test_pairs_are_fewer_by_cells():
    graph = Graph()
    assert graph.pairs(600) == 600 * 599 // 2
    assert graph.pairs(4800) < 0.4 * 4800 * 4799 / 2
    graph.take(lists.empty(4800))
    assert graph.pairs(4801) < 4800
