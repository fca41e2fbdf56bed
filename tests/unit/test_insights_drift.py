"""New tasks against old ones: quiet where nothing changed, loud where something did."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.insights.drift import FEWEST, apart, drift, newest


def _pool(rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    vectors = rng.standard_normal((n, 8)).astype(np.float32)
    vectors[:, 0] += shift
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_newest_import_begins_after_the_last_pause_of_an_hour() -> None:
    found = newest(np.array([0.0, 10.0, 5000.0, 90_000.0, 90_100.0]))
    assert found.tolist() == [False, False, False, True, True]
    assert not newest(np.array([0.0, 10.0])).any()
    assert len(newest(np.empty(0))) == 0


def test_nothing_changed_gives_few_alarms_and_p_is_uniform() -> None:
    rng = np.random.default_rng(0)
    pool = _pool(rng, 400)
    found = []
    for seed in range(60):
        new = np.zeros(400, dtype=bool)
        new[np.random.default_rng(seed).permutation(400)[:60]] = True
        found.append(drift(pool.__getitem__, new, seed))
    p = np.array([one.p for one in found])
    assert not any(one.alarm for one in found)
    assert (p < 0.1).mean() < 0.25
    assert 0.35 < p.mean() < 0.65


def test_a_change_raises_the_alarm_and_names_what_to_do() -> None:
    rng = np.random.default_rng(1)
    pool = np.concatenate([_pool(rng, 300), _pool(rng, 60, 2.0)])
    found = drift(pool.__getitem__, np.arange(360) >= 300, 0)
    assert found.alarm
    assert found.p is not None
    assert found.p < 0.01
    assert "label some of them" in found.sentence
    assert (found.new, found.old) == (60, 300)


@pytest.mark.parametrize("new", [0, FEWEST - 1])
def test_too_few_new_tasks_are_not_tested(new: int) -> None:
    pool = _pool(np.random.default_rng(2), 100)
    found = drift(pool.__getitem__, np.arange(100) < new, 0)
    assert (found.p, found.alarm) == (None, False)


def test_a_classifier_tells_sides_apart_as_often_as_it_can() -> None:
    rng = np.random.default_rng(3)
    side = np.arange(200) % 2 == 0
    same, other = _pool(rng, 200), _pool(rng, 200)
    other[side, 0] += 3
    assert apart(same, side, 1.0, rng) == pytest.approx(0.5, abs=0.12)
    assert apart(other, side, 1.0, rng) > 0.95
