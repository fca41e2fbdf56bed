"""How large frontiers are and when they rotate: rules, without any Label Studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcue.delivery.frontier import HEAD, LARGEST, SPARE, Pace, View, highest, number_of, version_of
from labelcue.delivery.record import KEPT, FrontierRecord
from labelcue.types import TaskId


def view(wanted: range | list[int], held: range | list[int], **changes: Any) -> View:
    words: dict[str, Any] = {"rate": 0.0, "gap": 5.0, "until_allowed": 0.0, "least": 200}
    return View(wanted=[TaskId(one) for one in wanted], held=[TaskId(one) for one in held], **{**words, **changes})


def test_versions_are_told_from_those_of_predict_and_of_backends() -> None:
    assert version_of(7) == "cue-queue-7"
    assert [number_of(name) for name in ("cue-queue-7", "cue-7", "LabelCue", "", None, "xcue-queue-7")] == [
        7,
        *[None] * 5,
    ]
    assert highest(["cue-queue-9", "cue-queue-10", "cue-300", "v1"]) == 10
    assert highest([]) == 0


def test_nothing_is_due_when_everything_is_labelled() -> None:
    assert view([], []).reason == ""
    assert view([], [], until_allowed=9).reason == ""


def test_a_first_frontier_is_due_at_once() -> None:
    assert view(range(1000), []).reason == "empty"
    assert view(range(1000), []).size == 200


@given(st.floats(0, 50), st.floats(0, 300), st.integers(0, 5000))
def test_a_frontier_holds_four_times_what_is_used_until_the_next(rate: float, gap: float, pool: int) -> None:
    one = view(range(pool), [], rate=rate, gap=gap)
    assert one.size >= min(pool, 200)
    assert one.size >= min(pool, LARGEST, 4 * rate * gap)
    assert one.size <= min(pool, LARGEST)


def test_only_a_difference_in_the_head_is_worth_a_rotation() -> None:
    order = list(range(1000))
    assert view(order, order[:200]).reason == ""
    assert view([*order[:HEAD], 999, *order[HEAD:999]], order[:200]).reason == ""
    assert view([*order[: HEAD - 1], 999, *order[HEAD - 1 : 999]], order[:200]).reason == "new order"
    # With a faster pace more places count: those that are used up before the rotation after this one.
    assert view([*order[:HEAD], 999, *order[HEAD:999]], order[:200], rate=4.0).reason == "new order"


def test_a_thinned_frontier_is_filled_up_unless_nothing_is_left_to_add() -> None:
    assert view(range(100, 1000), range(100, 200)).reason == ""
    assert view(range(101, 1000), range(101, 200)).reason == "thinned"
    assert view(range(170, 200), range(170, 200)).reason == ""


def test_before_its_time_a_frontier_rotates_only_when_it_would_run_dry() -> None:
    assert view([5, 4, 3], [3, 4, 5, 6, 7], until_allowed=30).reason == ""
    held = range(100, 200)
    assert view(range(100, 1000), held, until_allowed=30, rate=2.5).reason == ""
    assert view(range(100, 1000), held, until_allowed=30, rate=3.3).reason == "running dry"
    assert view(range(1000), range(SPARE), until_allowed=30).reason == "running dry"
    assert view(range(1000), [], until_allowed=30).reason == "running dry"
    assert view(range(3), range(3), until_allowed=30).reason == ""


def test_the_pace_follows_bursts_and_forgets() -> None:
    pace = Pace()
    assert pace.rate(0.0) == 0.0
    for second in range(60):
        pace.note(float(second), 2)
    assert pace.rate(59.0) == 2.0
    assert 0.19 < pace.rate(300.0) < 0.21
    assert pace.rate(2000.0) == 0.0


def test_the_record_says_what_was_served_when_and_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "projects" / "7" / "frontiers.jsonl"
    record = FrontierRecord(path)
    assert (record.lines(), record.tasks_of("cue-queue-1")) == ([], ())
    for number in range(1, 2 * KEPT):
        record.switching(version_of(number), [TaskId(number), TaskId(1)], None if number % 2 else 0.9, 10.0 * number)
        record.serving(version_of(number), 10.0 * number + 1)
    assert len(record.lines()) < 2 * KEPT
    last = version_of(2 * KEPT - 1)
    assert record.lines()[-2:] == [
        {"version": last, "ids": [2 * KEPT - 1, 1], "shown_from": None, "switching": 7990.0},
        {"version": last, "serving": 7991.0},
    ]
    with path.open("a") as file:
        file.write('{"version": "cue-queue-9')  # the process died here
    again = FrontierRecord(path)
    assert again.tasks_of(last) == (2 * KEPT - 1, 1)
    assert [again.shown_from(version_of(2 * KEPT - back)) for back in (1, 2)] == [None, 0.9]
    assert again.shown_from("cue-queue-9") is None  # nothing was switched to it


def test_a_record_that_does_not_say_what_was_shown_counts_as_shown(tmp_path: Path) -> None:
    path = tmp_path / "frontiers.jsonl"
    path.write_text('{"version": "cue-queue-3", "ids": [1], "switching": 1.0}\n')
    assert FrontierRecord(path).shown_from("cue-queue-3") == 0.0


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_times_of_rotations_keep_within_their_share(rate: float) -> None:
    """A day of changing orders: the share holds whatever the pace, as long as nothing runs dry."""
    now = busy = 0.0
    last, allowed = 0.5, 0.0
    held = 200.0
    while now < 3600:
        one = View(range(5000), range(1, int(held)), rate, last / 0.1, allowed - now, 200)  # type: ignore[arg-type]
        if one.reason:
            busy += last
            allowed, held = now + last / 0.1, float(one.size)
        now += 0.5
        held = max(0.0, held - 0.5 * rate)
        assert held > 0
    assert busy <= 0.1 * now + last
