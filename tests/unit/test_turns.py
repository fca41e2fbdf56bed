"""Shares hold at every place, and lots are fair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelcue.pool.turns import alternate, lots, take_turns


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=9), st.integers(0, 60))
def test_every_prefix_holds_every_share_to_within_one(parts, before):
    shares = np.array(parts) / sum(parts)
    plenty = np.full(len(parts), 1000)
    none = np.zeros(len(parts), dtype=np.int64)
    turns = take_turns(shares, none, plenty, 200)
    had = np.cumsum(turns[:, None] == np.arange(len(parts)), axis=0)
    assert np.abs(had - shares * np.arange(1, 201)[:, None]).max() <= 1 - 1 / (2 * len(parts) - 2) + 1e-9
    again = take_turns(shares, np.bincount(turns[:before], minlength=len(parts)), plenty, 200 - before)
    np.testing.assert_array_equal(again, turns[before:])


def test_where_one_has_nothing_left_the_others_go_on():
    turns = take_turns(np.array([0.5, 0.3, 0.2]), np.zeros(3, dtype=np.int64), np.array([2, 50, 4]), 20)
    assert np.bincount(turns).tolist() == [2, 14, 4]
    assert take_turns(np.array([1.0, 0.0]), np.zeros(2, dtype=np.int64), np.array([3, 9]), 5).tolist() == [
        0,
        0,
        0,
        1,
        1,
    ]


def test_lots_depend_on_the_id_and_the_seed_alone():
    for ids in (np.arange(1000), np.array([f"mail-{row}" for row in range(1000)])):
        keys = lots(ids, 3)
        assert len(np.unique(keys)) == 1000
        np.testing.assert_array_equal(lots(ids[500:], 3), keys[500:])
        np.testing.assert_array_equal(lots(ids.astype("U40") if ids.dtype.kind == "U" else ids, 3), keys)
        assert (np.argsort(lots(ids, 4)) != np.argsort(keys)).mean() > 0.9


def test_lots_are_uniform_over_seeds():
    first = np.array([lots(np.arange(10), seed).argmin() for seed in range(4000)])
    expected = 400
    chi2 = ((np.bincount(first, minlength=10) - expected) ** 2 / expected).sum()
    assert chi2 < 27.9  # 99.9 % of chi-squared with 9 degrees of freedom


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("before", [(0, 0), (3, 40), (9, 1)])
def test_two_alternate_as_they_would_take_turns(share, before):
    mine = alternate(share, before, (500, 500), 300)
    by_turns = take_turns(np.array([share, 1 - share]), np.array(before), np.array([500, 500]), 300) == 0
    assert np.abs(np.cumsum(mine) - np.cumsum(by_turns)).max() <= 1  # where both are due at once, rounding decides
    if before == (0, 0):
        assert np.abs(np.cumsum(mine) - share * np.arange(1, 301)).max() <= 1


def test_of_two_one_goes_on_where_the_other_has_nothing_left():
    assert alternate(0.5, (0, 0), (2, 500), 50).sum() == 2
    assert alternate(0.2, (0, 0), (500, 3), 50).sum() == 47
