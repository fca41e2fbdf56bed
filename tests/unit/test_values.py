"""Times compare as text, ids are ids, and copies fit every store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import Trimmer, digest, timestamp


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-11-21T01:43:20.030457Z", "2026-11-21T01:43:20.030457Z"),
        ("2026-11-21T01:43:20Z", "2026-11-21T01:43:20.000000Z"),
        ("2026-11-21T01:43:20.5Z", "2026-11-21T01:43:20.500000Z"),
        ("2026-11-21T01:43:20.1234567Z", "2026-11-21T01:43:20.123456Z"),
        ("2026-11-21T01:43:20+00:00", "2026-11-21T01:43:20.000000Z"),
        ("2026-11-21 01:43:20", "2026-11-21T01:43:20.000000Z"),
        ("2026-11-21T01:43:20.03+02:30", "2026-11-20T23:13:20.030000Z"),
        ("2026-12-31T23:30:00-0100", "2027-01-01T00:30:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_times_become_utc_with_microseconds(text: str, canonical: str) -> None:
    assert timestamp(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-21",
        "2026-13-01T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-01:00",
        "2026-11-21T01:43:20Zjunk",
        "٢٠٢٦-11-21T01:43:20Z",
        "1" * 100_000,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        timestamp(text)


MOMENTS = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1))
Zones = tuple[timezone, timezone]
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(one=MOMENTS, other=MOMENTS, zones=st.tuples(ZONES, ZONES))
def test_the_order_of_text_is_the_order_of_time(
    one: datetime, other: datetime, zones: tuple[timezone, timezone]
) -> None:
    aware = [moment.replace(tzinfo=zone) for moment, zone in zip((one, other), zones, strict=True)]
    texts = [timestamp(moment.isoformat()) for moment in aware]
    assert (texts[0] < texts[1]) == (aware[0] < aware[1])


@pytest.mark.parametrize(
    ("value", "copied", "cut"),
    [
        ({"b": 1, "a": [True, None, 1.5]}, {"a": [True, None, 1.5], "b": 1}, False),
        ("abc" * 10, "abcabcabca", True),
        ({"a": float("inf")}, {"a": None}, True),
        ("x\ud800y", "x\ufffdy", False),
        ({"\udc00": "\U0001f600"}, {"\ufffd": "\U0001f600"}, False),
        ([[]] * 1000, [[]] * 50, True),
        ({"a": 10**400}, {"a": 10**400}, False),
        ({"a": 10**400, "b": 1}, {"a": 10**400}, True),
        ({"a" * 11: 1, "b": 1}, {"b": 1}, True),
        ({"a" * 10: "x" * 11}, {"a" * 10: "x" * 10}, True),
    ],
)
def test_copies_are_whole_until_they_must_be_cut(value: Any, copied: Any, cut: bool) -> None:
    trimmer = Trimmer(budget=102, longest=10)
    assert trimmer.copy(value) == copied
    assert trimmer.cut == cut


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert len(digest(None)) == 16
