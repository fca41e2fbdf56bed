"""Forecasts, what random order would have needed, and when to stop."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.insights.curve import learning_curve, rate, target_of
from labelcue.insights.powerlaw import fit, quantiles
from labelcue.insights.stopping import NEXT, stopping
from labelcue.insights.successive import marks, predictions, random_order
from labelcue.insights.yardsticks import kappa
from labelcue.insights.yardsticks.classes import ByClass

AT = np.array([20, 40, 80, 160, 320], dtype=np.int64)


def _right(accuracy: np.ndarray, audits: int, seed: int = 0) -> np.ndarray:
    """Audit tasks of growing difficulty: better models are right on more of them."""
    hardness = np.random.default_rng(seed).random(audits)
    return hardness[None] < np.asarray(accuracy)[:, None]


def _law(at: np.ndarray) -> np.ndarray:
    return 0.97 - 1.6 * at**-0.5


def test_the_law_behind_many_audits_is_found() -> None:
    law = fit(AT, _right(_law(AT), 20_000), np.ones(20_000))
    assert law.mean(320) == pytest.approx(_law(np.array([320]))[0], abs=0.02)
    low, middle, high = law.gain_quantiles(320, 420, (0.1, 0.5, 0.9))
    truth = _law(np.array([420]))[0] - _law(np.array([320]))[0]
    assert low < truth < high
    assert middle == pytest.approx(truth, abs=0.006)
    low, middle, high = law.needed_quantiles(320, 0.92, (0.1, 0.5, 0.9))
    assert low < (1.6 / 0.05) ** 2 - 320 < high


def test_forecasts_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    for seed in range(60):
        law = fit(AT, _right(_law(AT), 100, seed), np.ones(100))
        low, high = law.quantiles(law.accuracy(640), (0.1, 0.9))
        held += low <= _law(np.array([640]))[0] <= high
    assert held / 60 >= 0.75


def test_fewer_audits_give_wider_intervals() -> None:
    widths = []
    for audits in (60, 2000):
        law = fit(AT, _right(_law(AT), audits), np.ones(audits))
        low, high = law.quantiles(law.accuracy(640), (0.1, 0.9))
        widths.append(high - low)
    assert widths[0] > 2 * widths[1]


def test_quantiles_are_weighted() -> None:
    assert quantiles(np.array([3.0, 1.0, 2.0]), np.array([0.1, 0.6, 0.3]), (0.5, 0.8, 0.95)) == [1.0, 2.0, 3.0]


def test_a_target_that_is_out_of_reach_says_so() -> None:
    law = fit(AT, _right(_law(AT), 500), np.ones(500))
    never = target_of(law, 320, 1.0, 5000, 500)
    assert (never.reachable, never.labels) == (False, None)
    assert "out of reach" in never.sentence
    some = target_of(law, 320, 0.9, 5000, 500)
    assert some.labels is not None
    assert some.labels.low <= some.labels.value <= some.labels.high
    assert not target_of(law, 320, 0.95, 330, 500).reachable


def test_the_curve_is_forecast_to_no_more_labels_than_tasks() -> None:
    right = _right(_law(AT), 100)
    curve, law = learning_curve(AT, right, np.ones(100), 700, rate([], 0.0), None)
    assert law is not None
    assert (curve.forecast[0].labels, curve.forecast[-1].labels) == (320, 700)
    assert "all 700 tasks" in curve.sentence
    assert [one.target for one in curve.targets][-1] == 1.0
    few, nothing = learning_curve(AT, right[:, :20], np.ones(20), 700, rate([], 0.0), None)
    assert (few.points, nothing) == ((), None)
    assert "30 more audit labels" in few.sentence


def test_random_order_that_learns_slower_would_have_needed_more() -> None:
    rng = np.random.default_rng(1)
    slow = np.array([10, 20, 40, 75])
    chance = (0.97 - 2.6 * slow**-0.5)[:, None] > rng.random(100)[None]
    curve, _ = learning_curve(
        AT, _right(_law(AT), 100), np.ones(100), 20_000, rate([], 0.0), (slow, chance.astype(float))
    )
    assert curve.random is not None
    assert curve.random.needed is not None
    assert curve.random.saved is not None
    assert curve.random.needed.value > 320
    assert curve.random.needed.low < (2.6 / 1.6) ** 2 * 320 < curve.random.needed.high
    assert "Assumed" in curve.random.assumption


def test_the_rate_leaves_breaks_out() -> None:
    at = [*np.arange(0, 3600, 30), *(36_000 + np.arange(0, 3600, 30))]
    found = rate(np.array(at, dtype=np.float64), 39_600.0)
    assert found.an_hour == pytest.approx(120)
    assert (found.last_hour, found.hours) == (119, pytest.approx(2, abs=0.03))
    assert rate([5.0], 10.0).an_hour is None


def test_marks_rise_to_the_last_label() -> None:
    assert marks(19).tolist() == []
    found = marks(400).tolist()
    assert found[0] >= 20
    assert found[-3:] == [360, 380, 400]
    assert found == sorted(set(found))


def test_models_on_the_way_learn_from_the_first_labels_alone() -> None:
    rng = np.random.default_rng(2)
    side = np.arange(200) % 2
    vectors = (np.eye(4, dtype=np.float32)[side] + 0.1 * rng.standard_normal((200, 4)).astype(np.float32)).astype(
        np.float32
    )
    targets = np.eye(2, dtype=np.float32)[side]
    targets[100:] = targets[100:, ::-1]
    found = predictions(vectors, targets, np.array([20, 100]), vectors[:50], 0.1, 0, ByClass(2))
    assert (found == side[:50]).all()
    at, right = random_order(vectors, np.eye(2, dtype=np.float32)[side], side, 0.1, 0, ByClass(2))
    assert at.tolist() == sorted(at.tolist())
    assert right.shape == (len(at), 200)
    assert right.mean() > 0.95


def test_kappa_is_cohens() -> None:
    one, two = np.array([0, 0, 1, 1, 0, 1, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0, 1, 0, 0, 1, 1])
    assert kappa(one, two, 2) == pytest.approx((0.8 - 0.52) / 0.48)
    assert kappa(one * 0, one * 0, 2) == 1.0


def test_a_model_that_stands_still_says_stop_and_one_that_learns_says_go_on() -> None:
    still = np.tile(np.arange(2000) % 3, (5, 1))
    flat = fit(AT * 10, np.repeat(_right(np.array([0.99]), 3000), 5, axis=0), np.ones(3000))
    found = stopping(AT * 10, still, ByClass(3), flat, 3000)
    assert (found.stable, found.advice) == (True, "stop")
    assert found.gain is not None
    assert found.gain.high < 0.01
    assert len(found.rests_on) == 2
    rising = fit(AT, _right(_law(AT), 300), np.ones(300))
    moving = np.random.default_rng(3).integers(0, 3, (5, 2000))
    more = stopping(AT, moving, ByClass(3), rising, 300)
    assert (more.stable, more.advice) == (False, "go on")
    assert more.cost is not None
    assert more.cost.low == pytest.approx(NEXT * 0.01 / (more.gain.high if more.gain else 0))
    assert stopping(AT, moving, ByClass(3), None, 0).advice == "wait"
