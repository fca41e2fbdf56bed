"""Whatever people do in Label Studio and however its webhooks are lost: after one poll the ledger is equal."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile_house import ACTIONS, House, act, deliver_badly

step = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 7), st.integers(1, 4))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(step, min_size=10, max_size=60), st.integers(0, 10_000), st.booleans())
def test_after_one_poll_the_ledger_is_equal(steps: list[Any], seed: int, reuse_ids: bool) -> None:
    house, rng = House(), random.Random(seed)
    house.ls.reuse_ids = reuse_ids
    house.ls.import_tasks([{"text": f"first {number}"} for number in range(3)])
    for action, pick, user in steps:
        if action == "webhooks":
            deliver_badly(house, rng)
        elif action == "poll":
            house.reconciler.poll()
            house.assert_equal()
        else:
            act(house, action, pick, user)
    deliver_badly(house, rng)
    house.reconciler.poll()
    house.assert_equal()
