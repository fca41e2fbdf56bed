"""Lots are all different, read back, and favour nobody."""

import numpy as np
import pytest

from labelcue.strategies import descending
from labelcue.strategies.shuffle import Shuffle


@pytest.mark.parametrize("count", [0, 1, 2, 70_000])
def test_lots_are_read_back(count):
    shuffle = Shuffle(np.random.default_rng(3))
    lots = shuffle.lots(count)
    assert len(np.unique(lots)) == count
    np.testing.assert_array_equal(shuffle.positions(lots), np.arange(count))


def test_each_of_equals_is_first_as_often():
    first = [descending(np.zeros(5, dtype=np.float32), np.random.default_rng(seed))[0] for seed in range(1000)]
    assert np.bincount(first, minlength=5).min() > 150
    pairs = [descending(np.zeros(100, dtype=np.float32), np.random.default_rng(seed)) for seed in range(300)]
    following = np.mean([(np.diff(order) == 1).sum() for order in pairs])
    assert 0.5 < following < 1.5


def test_gains_fall_along_the_order():
    gain = np.random.default_rng(0).integers(-3, 4, 5000).astype(np.float32)
    order = descending(gain, np.random.default_rng(1))
    assert (np.diff(gain[order]) <= 0).all()
    np.testing.assert_array_equal(np.sort(order), np.arange(5000))
    special = np.array([0.0, -0.0, np.inf, 1e-38, -np.inf], dtype=np.float32)
    assert descending(special, np.random.default_rng(0)).tolist()[:2] == [2, 3]
