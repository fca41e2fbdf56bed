"""Farthest-first places that are given anew are those of a run over all rows."""

import numpy as np
import pytest

from labelcue.pool import spread
from labelcue.pool.cover import Cover
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.matrix import Matrix
from labelcue.pool.spread import Spread

ROWS = 500


def begun(seed: int, power: float) -> tuple[Spread, Cover, np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((9, 8))[rng.integers(0, 9, ROWS)] + 0.6 * rng.standard_normal((ROWS, 8))
    vectors[300:330] = vectors[:30]
    matrix = Matrix(vectors.astype(np.float32))
    cover = Cover(matrix)
    cover.set(rng.choice(ROWS, 12, replace=False).tolist())
    rows = np.flatnonzero(cover.squared >= 0)
    rows = rows[rng.random(len(rows)) < 0.9]
    weight = rng.random(ROWS, dtype=np.float32)
    begins = Spread(matrix, rows, cover.squared[rows].copy(), weight[rows], power, cover.covered)
    return begins, cover, weight, rows, rng


def over_all(cover: Cover, weight: np.ndarray, rows: np.ndarray, power: float, places: int) -> list[int]:
    squared = cover.squared[rows]
    run = FarthestFirst(cover.matrix, rows, squared, weight[rows], power, cover.covered)
    return rows[run.run(places)[0]].tolist()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_places_are_those_of_a_run_over_all_rows(seed, power, monkeypatch):
    monkeypatch.setattr(spread, "HAND", (16, 4096)[seed % 2])
    begins, cover, weight, rows, rng = begun(seed, power)
    covered, free = cover.covered, begins.free.copy()
    for _ in range(12):
        head = begins.head(10)[0].tolist()
        assert head == over_all(cover, weight, rows[free[rows]], power, 10)
        gone = int(head[0] if rng.random() < 0.6 else rng.choice(np.flatnonzero(free)))
        free[gone] = False
        if rng.random() < 0.8:
            covered = np.union1d(covered, [gone])
            cover.set(covered.tolist())
        assert begins.follow(covered, free.copy())
    assert len(begins.head(ROWS)[0]) == len(over_all(cover, weight, rows[free[rows]], power, ROWS))


def test_what_would_raise_a_value_is_refused():
    begins, cover, _, rows, _ = begun(0, 1.0)
    free = begins.free.copy()
    assert begins.follow(cover.covered, free)
    assert not begins.follow(cover.covered[1:], free)
    assert not begins.follow(cover.covered[:0], free)
    returned = free.copy()
    returned[np.setdiff1d(np.arange(ROWS), rows)[0]] = True
    assert not begins.follow(cover.covered, returned)
