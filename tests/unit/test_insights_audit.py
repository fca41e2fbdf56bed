"""Accuracy from audits: the interval holds the truth, and few labels say so."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.insights.audit import ENOUGH, audit, by_group, weights
from labelcue.insights.intervals import exact, weighted_share, wilson

CLASSES = ("ham", "spam")


def test_the_intervals_are_those_of_the_textbooks() -> None:
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert exact(9, 10) == pytest.approx((0.5550, 0.9975), abs=1e-4)
    assert exact(0, 10)[0] == 0
    assert exact(10, 10)[1] == 1


def test_equal_weights_give_the_exact_interval() -> None:
    right = np.array([True] * 45 + [False] * 5)
    found = weighted_share(right, np.full(50, 7.0))
    assert (found.value, found.n) == (0.9, 50)
    assert (found.low, found.high) == pytest.approx(exact(45, 50))
    with pytest.raises(ValueError, match="nothing"):
        weighted_share(right[:0], np.empty(0))


@pytest.mark.parametrize("truth", [0.7, 0.95])
@pytest.mark.parametrize("uneven", [False, True])
def test_the_interval_holds_the_truth_in_93_of_100_replays(truth: float, uneven: bool) -> None:
    rng = np.random.default_rng(0)
    pool = 4000
    right = rng.permutation(pool) < truth * pool
    held = 0
    for _ in range(300):
        # As the pool is used up, those that are left are drawn more often, and are easier than those taken.
        left = np.linspace(pool, pool / 4, 80) if uneven else np.full(80, pool)
        rows = rng.integers(0, pool, 80)
        found = weighted_share(right[rows], left / left.mean())
        held += found.low <= right.mean() <= found.high
    assert held / 300 >= 0.93


def test_weights_are_the_inverse_chances_and_their_mean_where_none_was_logged() -> None:
    assert weights(np.array([0.1, 0.2, np.nan], dtype=np.float32)) == pytest.approx([10 / 7.5, 5 / 7.5, 1.0])
    assert weights(np.array([np.nan], dtype=np.float32)) == pytest.approx([1.0])
    assert len(weights(np.empty(0, dtype=np.float32))) == 0


def test_too_few_audit_labels_say_how_many_are_missing_and_show_no_accuracy() -> None:
    said = np.zeros(ENOUGH - 3, dtype=np.int64)
    found = audit(said, said, np.full(len(said), 0.01, dtype=np.float32), CLASSES)
    assert (found.missing, found.accuracy, found.classes) == (3, None, ())
    assert found.sentence == "Not enough audit labels yet: 3 more."


def test_enough_audit_labels_give_accuracy_classes_and_confusion() -> None:
    said = np.array([0] * 60 + [1] * 40)
    predicted = np.array([0] * 57 + [1] * 3 + [1] * 30 + [0] * 10)
    found = audit(said, predicted, np.full(100, 0.01, dtype=np.float32), CLASSES)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(0.87)
    assert found.confusion == ((57, 3), (10, 30))
    shares = [one.accuracy.value for one in found.classes if one.accuracy]
    assert shares == pytest.approx([0.95, 0.75])
    assert "87.0%" in found.sentence


def test_groups_without_audits_have_no_accuracy() -> None:
    found = by_group(np.array([1, -1, 1]), ["a", "b"], np.array([True, True, False]), np.ones(3))
    assert found[0].accuracy is None
    assert found[1].accuracy is not None
    assert (found[1].accuracy.value, found[1].n) == (0.5, 2)
