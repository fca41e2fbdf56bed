"""What times the rounds: a made-up graph that is one, and clocks that go away."""

import numpy as np

from labelcue.bench import stages
from labelcue.bench.stages import watched
from labelcue.bench.synthetic import ring_lists
from labelcue.pool.graph import Graph


def test_a_ring_is_a_neighbour_graph():
    graph = Graph()
    graph.take(ring_lists(500, np.random.default_rng(0)))
    edges = graph.edges()
    row = np.repeat(np.arange(500), np.diff(edges.start))
    pairs = set(zip(row.tolist(), edges.to.tolist(), edges.squared.tolist(), strict=True))
    assert len(pairs) == len(edges.to)
    assert pairs == {(there, here, squared) for here, there, squared in pairs}
    assert (edges.to[edges.start[:-1]] == np.arange(500)).all()
    assert 36 < len(edges.to) / 500 < 52
    assert edges.squared.max() < 4


def test_a_small_ring_is_one_too():
    graph = Graph()
    graph.take(ring_lists(9, np.random.default_rng(0)))
    assert len(graph.edges().to) == 9 * 9


class Sleeper:
    def nap(self, much: int) -> int:
        return much + 1


def test_stages_are_timed_while_they_are_watched(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(stages.time, "perf_counter", lambda: float(next(ticks)))
    before = Sleeper.nap
    with watched({"naps_s": [(Sleeper, "nap")], "none_s": []}) as spent:
        assert Sleeper().nap(1) == 2
        assert Sleeper().nap(much=2) == 3
    assert spent == {"naps_s": 2.0, "none_s": 0.0}
    assert Sleeper.nap is before
