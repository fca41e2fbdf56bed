"""Numbers, times and shares as people read them."""

from __future__ import annotations

import pytest

from labelcue.service.pages import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, words.NOTHING),
        (0.0, "0 seconds"),
        (0.25, "250 ms"),
        (1.9, "1 second"),
        (150, "2 minutes"),
        (3600, "1 hour"),
        (100 * 3600, "4 days"),
        (800 * 86400, "2 years"),
    ],
)
def test_spans(seconds: float | None, said: str) -> None:
    assert words.span(seconds) == said


def test_shares_counts_and_money() -> None:
    assert words.share(0.8349) == "83.5\u202f%"
    assert words.share(float("nan")) == words.NOTHING
    assert words.count(12345.6) == "12,346"
    assert words.money(1240.4, "EUR") == "1,240\u00a0EUR"
    assert words.money(9.5) == "9.50"
    assert words.plural(1, "label") == "1 label"
    assert words.plural(2, "box", "boxes") == "2 boxes"


def test_moments() -> None:
    assert words.moment(1_800_000_000) == "15 Jan 2027, 08:00 UTC"
    assert words.ago(None, 5.0) == "never"
    assert 'datetime="2027-01-15T08:00:00+00:00"' in words.ago(1_800_000_000, 1_800_000_120)
    assert "2 minutes ago" in words.ago(1_800_000_000, 1_800_000_120)


def test_excerpts_are_cut_between_words() -> None:
    assert words.excerpt("a\n\n  b") == "a b"
    assert words.excerpt("alpha beta gamma", 12) == "alpha beta …"


def test_next_to_nothing_is_not_nothing() -> None:
    assert words.share(0.004, 0) == "below 1\u202f%"
    assert words.share(0.0, 0) == "0\u202f%"
    assert words.share(0.998, 0) == "over 99\u202f%"
    assert words.share(1.0, 0) == "100\u202f%"
    assert words.share(0.9999) == "over 99.9\u202f%"
    assert words.share(0.994, 0) == "99\u202f%"
