"""Accuracy from audits: the interval holds the truth, and few labels say so."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.insights.audit import ENOUGH, Sample, audit, by_group, sample
from labelcue.insights.intervals import exact, weighted_share, wilson

CLASSES = ("ham", "spam")
NONE = np.empty(0, dtype=np.int64)


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


def test_the_pools_accuracy_is_found_though_the_strategy_takes_the_hard_tasks_first() -> None:
    rng = np.random.default_rng(1)
    pool, audits, held, values = 2000, 80, 0, []
    right = np.arange(pool) > 300
    for _ in range(200):
        left, rows, chances, taken = np.arange(pool), [], [], []
        for _ in range(audits):
            chances.append(1 / len(left))
            place = int(rng.integers(len(left)))
            rows.append(left[place])
            left = np.delete(left, place)
            taken.append(left[:5])
            left = left[5:]
        after = np.repeat(np.arange(1, audits + 1), 5)
        seen = sample(right[rows], np.array(chances, dtype=np.float32), right[np.concatenate(taken)], after)
        assert seen.weight.sum() + seen.sure.sum() == pytest.approx(1)
        found = seen.share(slice(None), slice(None))
        assert found is not None
        held += found.low <= right.mean() <= found.high
        values.append(found.value)
    assert held / 200 >= 0.93
    assert np.mean(values) == pytest.approx(right.mean(), abs=0.01)


def _plain(right: np.ndarray, propensity: np.ndarray | None = None) -> Sample:
    chance = np.full(len(right), 1e-5, dtype=np.float32) if propensity is None else propensity
    return sample(right, chance, np.zeros(0, dtype=bool), NONE)


def test_draws_without_a_logged_chance_count_as_the_usual_one() -> None:
    seen = _plain(np.ones(3, dtype=bool), np.array([0.001, np.nan, 0.001], dtype=np.float32))
    assert seen.weight == pytest.approx([1 / 3] * 3, abs=0.001)
    assert _plain(np.ones(2, dtype=bool), np.array([np.nan] * 2, dtype=np.float32)).weight == pytest.approx([0.5, 0.5])


def test_too_few_audit_labels_say_how_many_are_missing_and_show_no_accuracy() -> None:
    said = np.zeros(ENOUGH - 3, dtype=np.int64)
    found = audit(said, said, NONE, _plain(said == said), CLASSES)
    assert (found.missing, found.accuracy, found.classes) == (3, None, ())
    assert found.sentence == "Not enough audit labels yet: 3 more."


def test_enough_audit_labels_give_accuracy_classes_and_confusion() -> None:
    said = np.array([0] * 60 + [1] * 40)
    predicted = np.array([0] * 57 + [1] * 3 + [1] * 30 + [0] * 10)
    found = audit(said, predicted, NONE, _plain(said == predicted), CLASSES)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(0.87, abs=1e-3)
    assert found.confusion == ((57, 3), (10, 30))
    shares = [one.accuracy.value for one in found.classes if one.accuracy]
    assert shares == pytest.approx([0.95, 0.75], abs=1e-3)
    assert "87.0%" in found.sentence


def test_groups_without_audits_have_no_accuracy() -> None:
    seen = _plain(np.array([True, True, False]))
    found = by_group(np.array([1, -1, 1]), NONE, ["a", "b"], seen)
    assert found[0].accuracy is None
    assert found[1].accuracy is not None
    assert (found[1].accuracy.value, found[1].n) == (pytest.approx(0.5, abs=1e-3), 2)
