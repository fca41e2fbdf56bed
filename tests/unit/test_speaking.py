"""What a place speaks for, and the words for it."""

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.labels.choice import Choice
from labelcue.pool.graph import Graph
from labelcue.pool.matrix import Matrix
from labelcue.pool.speaking import mean_distance, speaks_for
from labelcue.strategies import create_strategy
from labelcue.strategies.reasons import reason_for

ROWS = 150


def made(rows: int = ROWS):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((5, 8))[rng.integers(0, 5, rows)] + 0.5 * rng.standard_normal((rows, 8))
    matrix, graph = Matrix(vectors.astype(np.float32)), Graph()
    graph.grow(matrix)
    edges = graph.edges()
    kernel = np.zeros((rows, rows))
    kernel[np.repeat(np.arange(rows), np.diff(edges.start)), edges.to] = np.exp(-edges.squared / edges.scale**2)
    return matrix, edges, kernel


@pytest.mark.parametrize("covered", [[], [4, 90]])
def test_it_counts_what_nothing_before_speaks_for(covered):
    _, edges, kernel = made()
    rows = np.array([10, 11, 60, 149])
    waiting = np.ones(ROWS, dtype=bool)
    waiting[[*covered, 20, 30]] = False
    told = speaks_for(edges, rows, np.array(covered, dtype=np.int64), waiting)
    before = list(covered)
    for row, one in zip(rows, told, strict=True):
        best = kernel[before].max(axis=0) if before else np.zeros(ROWS)
        rise = np.maximum(kernel[row] - best, 0) * waiting
        assert one == pytest.approx(rise.sum() - rise[row], abs=1e-4)
        before.append(int(row))


def test_the_mean_distance_is_that_to_the_twenty_nearest():
    matrix, edges, _ = made()
    unit = matrix.unit(np.arange(ROWS)).astype(np.float64)
    apart = np.sqrt(np.maximum(2 - 2 * unit @ unit.T, 0))
    np.fill_diagonal(apart, 0)
    rows = np.array([3, 149, 70])
    np.testing.assert_allclose(mean_distance(edges, rows), np.sort(apart, axis=1)[rows, 1:21].mean(axis=1), rtol=1e-4)
    few, edges, _ = made(4)
    unit = few.unit(np.arange(4)).astype(np.float64)
    apart = np.sqrt(np.maximum(2 - 2 * unit @ unit.T, 0))
    np.fill_diagonal(apart, 0)
    np.testing.assert_allclose(mean_distance(edges, np.arange(4)), apart.sum(axis=1) / 3, rtol=1e-3)
    assert mean_distance(made(1)[1], np.array([0])) == 0


@pytest.mark.parametrize(
    ("others", "words"),
    [(0.4, "speaks for itself alone"), (1.2, "about 1 item like it"), (22.9, "about 23 items like it"), (None, "")],
)
def test_the_number_is_said_in_plain_words(others, words):
    opinion = Choice().opinion(("ham", "spam"), np.array([0.52, 0.48], np.float32))
    said = reason_for(create_strategy("herding"), opinion, 0.41, 1.0, others)
    start = "the model hesitates between ham and spam (0.52/0.48); distance 0.41 from what is labelled"
    assert said.startswith(start)
    assert said.endswith(words or "comes before it")


def test_copies_are_spoken_for_once():
    rng = np.random.default_rng(1)
    alone = np.eye(12)[:6] + 0.01 * rng.standard_normal((6, 12))
    vectors = np.concatenate([np.repeat(alone[:1], 41, axis=0), alone])
    cue = Cue(vectors.astype(np.float32))
    reasons = [one.reason for one in cue.rank(46)]
    first = next(reason for reason in reasons if "about" in reason)
    assert "speaks for about 4" in first
    assert sum("speaks for itself alone" in reason for reason in reasons) >= 40


def test_strategies_without_the_graph_do_not_make_one_for_a_reason():
    vectors = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
    for name in ("margin", "coreset", "coreset-margin", "badge"):
        assert all("speaks for" not in one.reason for one in Cue(vectors, strategy=name).rank(5))
    for name in ("herding", "typiclust"):
        assert all("speaks for" in one.reason for one in Cue(vectors, strategy=name).rank(5))
