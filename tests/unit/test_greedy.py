"""Lazy places are those of brute force in float64, whatever is tied, copied, weightless or kept from before."""

import numpy as np
import pytest

from labelcue.pool import greedy, screen
from labelcue.pool.cover import Cover
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.largest import largest
from labelcue.pool.matrix import FARTHEST, Matrix

SAME = 1e-12


def brute_force(vectors, covered, weight, power, places, first=None):
    """Sener & Savarese's algorithm 1 over all pairs in float64: equal values to the lower row, until all are 0."""
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    squared = np.maximum(2 - 2 * unit @ unit.T, 0)
    squared[squared < SAME] = 0
    taken, picks = list(covered), []
    while len(picks) < places:
        left = squared[:, taken].min(axis=1) if taken else np.full(len(unit), FARTHEST)
        value = weight.astype(np.float64) * left ** (power / 2)
        value[taken] = 0
        if value.max() <= 0:
            break
        best = first if not taken else int(np.flatnonzero(value >= value.max() * (1 - SAME))[0])
        taken.append(best)
        picks.append(best)
    return picks


def places(matrix, cover, weight, power, number):
    rows = np.flatnonzero(cover.squared >= 0)
    run = FarthestFirst(matrix, rows, cover.squared[rows], weight[rows], power, cover.covered)
    picks, gains, squared = run.run(number)
    assert len(gains) == len(squared) == len(picks)
    return rows[picks].tolist()


def scattered(rng, rows, dim):
    return rng.standard_normal((rows, dim)).astype(np.float32)


def copied(rng, rows, dim):
    """Each direction three times, at lengths that are powers of two: the same direction to the last bit."""
    few = scattered(rng, rows // 3, dim)
    return rng.permutation(np.concatenate([few, 2 * few, few / 4]))


def gridded(rng, rows, dim):
    """Corners of a cube and its edges: most distances are tied exactly, or are but for the rounding of float32."""
    return rng.integers(-1, 2, (rows, dim)).astype(np.float32) + np.float32(0.25)


def nearly_tied(rng, rows, dim):
    """Mirror images that differ by about 1e-7, less than float32 distances can tell."""
    half = scattered(rng, rows // 2, dim)
    half[:, 0] = 0
    mirrored = half + np.float32(1e-7) * rng.standard_normal(half.shape).astype(np.float32)
    half[:, 0], mirrored[:, 0] = 0.3, -0.3
    pivot = np.zeros((1, dim), dtype=np.float32)
    pivot[0, 1] = 1
    return np.concatenate([pivot, half, mirrored])


POOLS = [scattered, copied, gridded, nearly_tied]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("power", "weighted"), [(1.0, False), (1.0, True), (0.5, True), (0.0, True)])
def test_places_are_those_of_float64_brute_force(pool, seed, power, weighted, monkeypatch):
    monkeypatch.setattr(greedy, "FRESH", (16, 1024)[seed % 2])
    monkeypatch.setattr(greedy, "MOST", (64, 8192)[seed % 2])
    rng = np.random.default_rng(seed)
    vectors = pool(rng, 360, (3, 8, 40)[seed % 3])
    weight = np.ones(len(vectors), dtype=np.float32)
    if weighted:
        weight = rng.choice(np.array([0, 0.25, 0.5, 1], dtype=np.float32), len(vectors))
    matrix = Matrix(vectors)
    cover = Cover(matrix)
    cover.set([0, *rng.permutation(len(vectors))[:seed].tolist()])
    for number in (70, 2000):
        wanted = brute_force(vectors, cover.covered.tolist(), weight, power, number)
        assert places(matrix, cover, weight, power, number) == wanted


@pytest.mark.parametrize("pool", POOLS)
def test_places_after_adds_and_removals_are_those_of_brute_force(pool):
    rng = np.random.default_rng(9)
    vectors = pool(rng, 300, 12)
    matrix, weight = Matrix(vectors), np.ones(len(vectors), dtype=np.float32)
    cover = Cover(matrix)
    for _ in range(8):
        cover.set(rng.permutation(len(vectors))[: rng.integers(1, 60)].tolist())
        wanted = brute_force(vectors, cover.covered.tolist(), weight, 1.0, 40)
        assert places(matrix, cover, weight, 1.0, 40) == wanted


@pytest.mark.parametrize("pool", POOLS)
def test_places_from_nothing_are_those_of_brute_force_from_the_same_first(pool):
    vectors = pool(np.random.default_rng(3), 330, 9)
    matrix, weight = Matrix(vectors), np.ones(len(vectors), dtype=np.float32)
    found = places(matrix, Cover(matrix), weight, 1.0, 1000)
    assert found == brute_force(vectors, [], weight, 1.0, 1000, first=found[0])


@pytest.mark.parametrize("pool", POOLS)
def test_the_same_places_come_again_whatever_the_blocks(pool, monkeypatch):
    vectors = pool(np.random.default_rng(4), 600, 24)
    matrix, weight = Matrix(vectors), np.ones(len(vectors), dtype=np.float32)
    cover = Cover(matrix)
    cover.set([5, 17])
    rows = np.flatnonzero(cover.squared >= 0)
    runs = []
    for fresh in (8, 64, 1024):
        monkeypatch.setattr(greedy, "FRESH", fresh)
        run = FarthestFirst(matrix, rows, cover.squared[rows], weight[rows], 1.0, cover.covered)
        runs.append([part.tobytes() for part in run.run(200)])
    assert runs[0] == runs[1] == runs[2]


def test_many_copies_of_what_is_covered_end_the_places():
    rng = np.random.default_rng(5)
    few = scattered(rng, 4, 16)
    vectors = np.concatenate([np.repeat(few, 1500, axis=0), scattered(rng, 3, 16)])
    matrix, weight = Matrix(vectors), np.ones(len(vectors), dtype=np.float32)
    cover = Cover(matrix)
    cover.set([0, 1500])
    assert sorted(places(matrix, cover, weight, 1.0, 50)) == [3000, 4500, 6000, 6001, 6002]


@pytest.mark.parametrize("coarse", [True, False])
@pytest.mark.parametrize("pool", POOLS)
def test_a_rough_product_never_misses_the_nearest(pool, coarse, monkeypatch):
    monkeypatch.setattr(screen, "coarse_pays", lambda: coarse)
    monkeypatch.setattr(screen, "MANY", 1)
    vectors = pool(np.random.default_rng(6), 900, 48)
    matrix = Matrix(vectors)
    rows, targets = np.arange(0, matrix.rows, 2), np.arange(1, matrix.rows, 4)
    exact = np.min([matrix.squared_to(int(row)) for row in targets], axis=0)[rows]
    far = np.full(len(rows), FARTHEST, dtype=np.float32)
    np.testing.assert_array_equal(matrix.nearest(rows, targets, far), exact)
    np.testing.assert_array_equal(matrix.nearest(rows, targets, exact), exact)


def test_the_error_of_a_kept_distance_is_within_its_bound():
    for dim in (1, 7, 384, 2048):
        vectors = scattered(np.random.default_rng(dim), 400, dim) + np.float32(1)
        matrix, rows = Matrix(vectors), np.arange(400)
        run = FarthestFirst(matrix, rows, np.zeros(400, np.float32), np.ones(400, np.float32), 1.0, rows[:0])
        precise = matrix.precise(rows, np.full(400, 7))
        assert np.abs(matrix.squared_to(7) - precise).max() < run.error / 2


@pytest.mark.parametrize("size", [1, 7, 400, 20_000])
@pytest.mark.parametrize("shape", ["random", "flat", "steps", "rising", "one high"])
def test_the_largest_are_found_whatever_the_numbers_look_like(shape, size):
    rng = np.random.default_rng(3)
    values = {
        "random": rng.random(20_000),
        "flat": np.ones(20_000),
        "steps": rng.integers(0, 3, 20_000),
        "rising": np.arange(20_000),
        "one high": np.eye(1, 20_000, 13)[0],
    }[shape].astype(np.float32)
    found, others = largest(values, size)
    assert len(found) == size
    assert bool(np.all(np.diff(found) > 0))
    expected = np.sort(values)[::-1]
    assert np.array_equal(np.sort(values[found])[::-1], expected[:size])
    assert others == (expected[size] if size < len(values) else -np.inf)
