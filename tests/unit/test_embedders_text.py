"""What text a task has."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcue.embedders import digest_of, readable_texts, text_of
from labelcue.embedders.text import strip_tags
from labelcue.errors import TaskUnreadable


@pytest.mark.parametrize(
    ("value", "text"), [("Hello", "Hello"), (7, "7"), (2.5, "2.5"), (0, "0"), (" kept as it is\n", " kept as it is\n")]
)
def test_strings_and_numbers_are_text(value: Any, text: str) -> None:
    assert text_of({"text": value, "other": 1}, "text") == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"body": "x", "id": 1}, r"no field 'text'\. It has 'body', 'id'"),
        ({}, "It has none at all"),
        ({"text": ""}, "is empty"),
        ({"text": " \n\t\u2003"}, "is empty"),
        ({"text": None}, "is empty"),
        ({"text": True}, "holds a bool"),
        ({"text": [{"author": "a", "text": "b"}]}, "holds a list"),
        ({"text": {"a": 1}}, "holds a dict"),
    ],
)
def test_what_is_no_text_is_named(data: dict[str, Any], reason: str) -> None:
    with pytest.raises(TaskUnreadable, match=reason):
        text_of(data, "text")


def test_lone_surrogates_are_replaced_and_pairs_are_joined() -> None:
    assert text_of({"text": "a\ud800b \ud83d\ude00"}, "text") == "a\ufffdb \U0001f600"


def test_tags_are_no_text_in_hypertext_alone() -> None:
    data = {"text": "<p>Dear <b>Ann</b>,</p><p>see &lt;me&gt;</p>"}
    assert text_of(data, "text", html=True) == "Dear Ann, see <me>"
    assert text_of(data, "text") == data["text"]
    with pytest.raises(TaskUnreadable, match="empty"):
        text_of({"text": "<p><br/></p>"}, "text", html=True)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("L<b>abel</b>Cue", "LabelCue"),
        ("<td>a</td><td>b</td>", "a b"),
        ('<a title="x > y" href=z>in</a>', "in"),
        ("a <!-- not <b>this</b> --> b", "a b"),
        ("<style>p{color:red}</style><SCRIPT>if (a<b) c()</script >seen", "seen"),
        ("<![if !mso]>seen<![endif]><?php no ?>", "seen"),
        ("1 < 2 and 3 > 2 &amp; 5&nbsp;<6", "1 < 2 and 3 > 2 & 5 <6"),
        ("before <a href='never closed", "before"),
        ("<!DOCTYPE html><html><head><title>t</title></head><body>b</body></html>", "b"),
    ],
)
def test_a_reader_sees(markup: str, text: str) -> None:
    assert strip_tags(markup) == text


@pytest.mark.parametrize(
    "piece", ["<", "<!--", "<a ", "</", '<a b="', "<![CDATA[", "<script>", "<script></scrip>", "</script ", "&#", "='"]
)
def test_adversarial_markup_takes_no_longer_than_other(piece: str) -> None:
    start = time.process_time()
    strip_tags("<script>" + piece * (200_000 // len(piece)))
    strip_tags(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 2


@given(st.text(alphabet=st.sampled_from("<>/!-&;=\"' abspcrit\n"), max_size=80))
def test_any_markup_can_be_read(markup: str) -> None:
    assert strip_tags(markup) == " ".join(strip_tags(markup).split())


def test_a_fit_passes_over_what_cannot_be_read() -> None:
    tasks: list[dict[str, Any]] = [{"text": "a"}, {}, {"text": None}, {"text": 2}]
    assert list(readable_texts(tasks, "text")) == ["a", "2"]


def test_digests_are_sixteen_bytes_of_the_content() -> None:
    assert digest_of("ä") == digest_of("ä".encode())
    assert len({digest_of(text) for text in ("a", "b", "")}) == 3
    assert len(digest_of("")) == 16
