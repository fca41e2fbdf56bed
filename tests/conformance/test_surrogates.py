"""Every registered surrogate of classes, on its first day; those of other kinds are in test_label_kinds."""

import numpy as np
import pytest

from labelcue.surrogates import Examples, Head, Surrogate, surrogates


@pytest.fixture(params=[name for name in surrogates.names() if surrogates.create(name).kind == "class"])
def surrogate(request) -> Surrogate:
    return surrogates.create(request.param)


def two_groups(count: int, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    vectors = np.eye(classes, 16)[labels] + 0.2 * rng.standard_normal((count, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def examples(vectors: np.ndarray, labels: np.ndarray, classes: int) -> Examples:
    return Examples(vectors, np.eye(classes, dtype=np.float32)[labels])


def proba(head: Head, vectors: np.ndarray) -> np.ndarray:
    return head.probabilities(vectors @ head.weights.T + head.bias)


def test_name_is_the_registered_one(surrogate):
    assert surrogate.name in surrogates.names()


@pytest.mark.parametrize(("count", "classes"), [(0, 3), (1, 2), (2, 2), (7, 3), (8, 3), (60, 3)])
def test_probabilities_are_probabilities(surrogate, count, classes):
    vectors, labels = two_groups(count, classes)
    head = surrogate.fit(examples(vectors, labels, classes), Head.blank(classes, 16), False, np.random.default_rng(0))
    p = proba(head, two_groups(50)[0])
    assert head.weights.dtype == head.bias.dtype == p.dtype == np.float32
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert p.min() > 0
    assert head.trained == (len(set(labels.tolist())) > 1)
    assert head.labelled == count
    assert head.temperature > 0


def test_it_learns(surrogate):
    vectors, labels = two_groups(200, 4)
    head = surrogate.fit(examples(vectors[:80], labels[:80], 4), Head.blank(4, 16), True, np.random.default_rng(0))
    assert (proba(head, vectors[80:]).argmax(1) == labels[80:]).mean() > 0.95


def test_one_class_and_single_examples(surrogate):
    vectors, _ = two_groups(10)
    head = surrogate.fit(examples(vectors, np.zeros(10, int), 2), Head.blank(2, 16), False, np.random.default_rng(0))
    assert not head.trained
    assert (proba(head, vectors)[:, 0] > 0.5).all()
    alone = surrogate.fit(examples(vectors, np.zeros(10, int), 1), Head.blank(1, 16), False, np.random.default_rng(0))
    np.testing.assert_allclose(proba(alone, vectors), 1)


def test_the_same_arguments_give_the_same_bits(surrogate):
    vectors, labels = two_groups(90, 3)
    before = surrogate.fit(examples(vectors[:60], labels[:60], 3), Head.blank(3, 16), True, np.random.default_rng(1))
    one, two = (surrogate.fit(examples(vectors, labels, 3), before, False, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.bias, two.bias)
    assert (one.temperature, one.l2) == (two.temperature, two.l2)


def test_the_start_is_left_as_it_was(surrogate):
    vectors, labels = two_groups(40)
    before = surrogate.fit(examples(vectors, labels, 2), Head.blank(2, 16), False, np.random.default_rng(1))
    weights = before.weights.copy()
    surrogate.fit(examples(vectors[:20], labels[:20], 2), before, False, np.random.default_rng(1))
    np.testing.assert_array_equal(before.weights, weights)
