"""Wrong labels are found among right ones, blind for near-copies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labelcue.insights.errors import FEWEST, label_errors, ranked
from labelcue.insights.heldout import HeldOut, folds_of_groups, held_out


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    found = load_digits()
    vectors = found.data[:900].astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), found.target[:900].astype(np.int64)


def test_half_of_the_flags_are_right_and_two_thirds_of_the_errors_are_found(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    vectors, truth = digits
    rng = np.random.default_rng(0)
    wrong = rng.permutation(len(truth))[:45]
    given = truth.copy()
    given[wrong] = (given[wrong] + rng.integers(1, 10, 45)) % 10
    held = held_out(vectors, np.eye(10, dtype=np.float32)[given], 0.1, rng)
    found = label_errors(np.arange(900) + 7, given, held)
    flagged = {one.task - 7 for one in found.suspects}
    assert len(flagged & set(wrong.tolist())) >= 0.5 * len(flagged)
    assert len(flagged & set(wrong.tolist())) >= 0.65 * len(wrong)
    right = [one.suggested == truth[one.task - 7] for one in found.suspects if one.task - 7 in set(wrong.tolist())]
    assert np.mean(right) > 0.8
    assert all(one.given != one.suggested for one in found.suspects)
    assert found.suspects[0].belief < found.suspects[-1].belief + 0.2


def test_the_same_arguments_give_the_same_bits(digits: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, truth = digits
    targets = np.eye(10, dtype=np.float32)[truth[:120]]
    one, two = (held_out(vectors[:120], targets, 0.1, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.probabilities, two.probabilities)
    assert one.probabilities.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-5)


def test_near_copies_share_a_fold_and_have_no_vote(digits: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, truth = digits
    rng = np.random.default_rng(0)
    twice = np.concatenate([vectors[:100], vectors[:100]])
    said = np.concatenate([truth[:100], truth[:100]])
    said[100] = (said[100] + 1) % 10
    found = held_out(twice, np.eye(10, dtype=np.float32)[said], 0.1, rng)
    assert np.array_equal(found.group[:100], found.group[100:])
    fold = folds_of_groups(np.eye(10, dtype=np.float32)[said], found.group, rng)
    assert np.array_equal(fold[:100], fold[100:])
    # Each copy is judged by the others alone, and so the same.
    assert found.probabilities[0] == pytest.approx(found.probabilities[100], abs=1e-5)


def test_conflicting_copies_are_counted() -> None:
    rng = np.random.default_rng(1)
    given = np.array([0, 1] * 20)
    sure = np.full((40, 2), 0.02, dtype=np.float32)
    sure[np.arange(40), given] = 0.98
    given[3] = 0
    group = rng.permutation(40)
    group[:3] = group[3]
    found = label_errors(np.arange(40), given, HeldOut(sure, np.unique(group, return_inverse=True)[1], sure))
    assert [(one.task, one.given, one.suggested, one.copies) for one in found.suspects] == [(3, 0, 1, 1)]


def test_few_labels_or_one_class_say_what_is_missing() -> None:
    flat = np.full((FEWEST, 2), 0.5, dtype=np.float32)
    few = label_errors(np.arange(10), np.arange(10) % 2, HeldOut(flat[:10], np.arange(10), flat[:10]))
    assert (few.suspects, f"{FEWEST - 10} more" in few.sentence) == ((), True)
    one = label_errors(np.arange(FEWEST), np.zeros(FEWEST, dtype=np.int64), HeldOut(flat, np.arange(FEWEST), flat))
    assert "second class" in one.sentence


def test_classes_that_nobody_gave_are_left_out() -> None:
    rng = np.random.default_rng(2)
    given = rng.choice([0, 2], 60)
    probabilities = np.full((60, 4), 0.01, dtype=np.float32)
    probabilities[np.arange(60), given] = 0.97
    probabilities[5] = [0.01, 0.01, 0.97, 0.01] if given[5] == 0 else [0.97, 0.01, 0.01, 0.01]
    assert ranked(given, probabilities).tolist() == [5]
