"""Kept distances are, to the last bit, those of a cover built anew, and lazy places are those of brute force."""

import numpy as np
import pytest

from labelcue.errors import BadRequest
from labelcue.pool import cover as cover_module
from labelcue.pool.cover import Cover
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.matrix import FARTHEST, Matrix

NONE = np.empty(0, dtype=np.int64)


def clustered(rows: int, dim: int, seed: int, clusters: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dim))
    points = centres[rng.integers(0, clusters, rows)] + 0.5 * rng.standard_normal((rows, dim))
    return (points * rng.uniform(0.5, 2, (rows, 1))).astype(np.float32)


def brute_cover(vectors: np.ndarray, covered: list[int]) -> np.ndarray:
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return ((unit[:, None, :] - unit[None, covered, :]) ** 2).sum(-1).min(1)


def anew(matrix: Matrix, covered: list[int]) -> np.ndarray:
    cover = Cover(matrix)
    for row in covered:
        cover.set([*cover.covered.tolist(), row])
    return cover.squared


def test_cover_agrees_with_float64_distances():
    vectors = clustered(700, 24, 0)
    cover = Cover(Matrix(vectors))
    cover.set([3, 50, 600])
    free = np.setdiff1d(np.arange(700), [3, 50, 600])
    np.testing.assert_allclose(cover.squared[free], brute_cover(vectors, [3, 50, 600])[free], atol=2e-6)
    assert (cover.squared[[3, 50, 600]] == -1).all()


def test_nothing_covered_is_as_far_as_can_be():
    cover = Cover(Matrix(clustered(50, 8, 1)))
    assert (cover.squared == FARTHEST).all()
    cover.set([7])
    cover.set([])
    assert (cover.squared == FARTHEST).all()


@pytest.mark.parametrize("many", [1, 10_000])
def test_any_path_to_a_set_gives_the_same_bits(many, monkeypatch):
    monkeypatch.setattr(cover_module, "MANY", many)
    matrix = Matrix(np.concatenate([clustered(900, 33, 2), clustered(900, 33, 2)[:40]]))
    rng = np.random.default_rng(0)
    cover = Cover(matrix)
    for _ in range(12):
        wanted = rng.permutation(matrix.rows)[: rng.integers(0, 60)].tolist()
        cover.set(wanted)
        np.testing.assert_array_equal(cover.squared, anew(matrix, wanted))


def test_the_likeness_of_a_read_spares_another_and_changes_no_bit():
    matrix = Matrix(np.concatenate([clustered(900, 33, 2), clustered(900, 33, 2)[:40]]))
    rng = np.random.default_rng(1)
    weights, bias = rng.standard_normal((3, 33)).astype(np.float32), rng.standard_normal(3).astype(np.float32)
    cover = Cover(matrix)
    for _ in range(12):
        wanted = np.sort(rng.permutation(matrix.rows)[: rng.integers(0, 60)])
        scores, likeness = matrix.product_and_likeness(weights, bias, cover.new(wanted))
        cover.set(wanted, likeness)
        np.testing.assert_array_equal(cover.squared, anew(matrix, wanted.tolist()))
        np.testing.assert_allclose(scores, matrix.product(weights, bias), rtol=1e-5, atol=1e-5)


def test_growing_equals_starting_with_all_rows():
    vectors = clustered(5000, 16, 3)
    cover = Cover(Matrix(vectors[:4100]))
    cover.set(range(0, 4000, 97))
    cover.grow(Matrix(vectors, cover.matrix.scale))
    np.testing.assert_array_equal(cover.squared, anew(Matrix(vectors), list(range(0, 4000, 97))))


def test_restoring_fills_in_unknown_rows():
    matrix = Matrix(clustered(300, 16, 4))
    cover = Cover(matrix)
    cover.set([1, 2, 250])
    again = Cover(matrix)
    known = np.arange(0, 300, 2, dtype=np.int64)
    known = np.union1d(known, [1])
    again.restore(known, cover.squared[known])
    np.testing.assert_array_equal(again.squared, cover.squared)


def brute_force(vectors: np.ndarray, weight: np.ndarray, squared: np.ndarray, places: int) -> list[int]:
    """Sener & Savarese's algorithm 1 in float64, with weights; the first row is given by `squared`."""
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    left, picks = squared.astype(np.float64).copy(), []
    for _ in range(places):
        value = weight * np.sqrt(np.maximum(left, 0))
        value[picks] = -1
        picks.append(int(np.argmax(value)))
        left = np.minimum(left, np.maximum(0, 2 - 2 * unit @ unit[picks[-1]]))
    return picks


@pytest.mark.parametrize("covered", [1, 5, 200])
@pytest.mark.parametrize("weighted", [False, True])
def test_lazy_places_equal_brute_force(covered, weighted, monkeypatch):
    monkeypatch.setattr("labelcue.pool.greedy.FRESH", 64)
    vectors = clustered(3000, 20, 5)
    rng = np.random.default_rng(covered)
    matrix = Matrix(vectors)
    cover = Cover(matrix)
    cover.set(rng.permutation(3000)[:covered].tolist())
    rows = np.flatnonzero(cover.squared >= 0)
    weight = rng.random(len(rows), dtype=np.float32) if weighted else np.ones(len(rows), dtype=np.float32)
    picks, gains, squared = FarthestFirst(matrix, rows, cover.squared[rows], weight, 1.0, cover.covered).run(150)
    assert picks.tolist() == brute_force(vectors[rows], weight, cover.squared[rows], 150)
    assert (np.diff(gains) <= 1e-6).all()
    np.testing.assert_allclose(gains, weight[picks] * np.sqrt(squared), rtol=1e-5)


def test_the_first_place_of_all_is_typical_not_an_outlier():
    rng = np.random.default_rng(0)
    crowd = np.array([1.0, 0, 0, 0]) + 0.1 * rng.standard_normal((200, 4))
    vectors = np.concatenate([crowd, [[-1.0, 0.2, 0, 0]]]).astype(np.float32)
    ones = np.ones(201, dtype=np.float32)
    far = np.full(201, FARTHEST, np.float32)
    picks, _, _ = FarthestFirst(Matrix(vectors), np.arange(201), far, ones, 1.0, NONE).run(2)
    assert picks[0] != 200
    assert picks[1] == 200


def test_copies_of_a_placed_row_get_no_place():
    vectors = np.repeat(clustered(20, 8, 6), 30, axis=0)
    ones = np.ones(600, dtype=np.float32)
    far = np.full(600, FARTHEST, dtype=np.float32)
    picks, _, _ = FarthestFirst(Matrix(vectors), np.arange(600), far, ones, 1.0, NONE).run(20)
    assert len(set((picks // 30).tolist())) == len(picks) == 20


def test_a_pair_has_one_distance_wherever_it_stands():
    vectors = clustered(9000, 37, 7)
    shuffled = np.random.default_rng(0).permutation(9000)
    one, other = Matrix(vectors), Matrix(vectors[shuffled])
    target = int(np.flatnonzero(shuffled == 17)[0])
    np.testing.assert_array_equal(one.squared_to(17)[shuffled], other.squared_to(target))


def test_half_precision_and_memory_maps_are_read_in_place(tmp_path):
    vectors = clustered(500, 12, 8)
    np.save(tmp_path / "v.npy", vectors)
    mapped = Matrix(np.load(tmp_path / "v.npy", mmap_mode="r"))
    assert np.shares_memory(mapped.vectors, mapped.vectors.base)
    np.testing.assert_array_equal(mapped.squared_to(3), Matrix(vectors).squared_to(3))
    half = Matrix(vectors.astype(np.float16))
    assert half.vectors.dtype == np.float16
    np.testing.assert_allclose(half.squared_to(3), mapped.squared_to(3), atol=5e-3)


def test_wrong_shapes_are_refused():
    with pytest.raises(BadRequest, match="shape"):
        Matrix(np.zeros(3, dtype=np.float32))
