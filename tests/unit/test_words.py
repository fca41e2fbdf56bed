"""Texts → words: where they stand, how they look, and what the model says of them."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.embedders import words
from labelcue.embedders.words import MOST_WORDS, WIDTH, WordReader, looks, places_of


@pytest.fixture(scope="module")
def reader() -> WordReader:
    return WordReader(threads=1)


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in places_of(text)]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("(see Ann's 2002-10-07)", ["(", "see", "Ann's", "2002-10-07", ")"]),
        ("ann@mail.org, $1,000.", ["ann@mail.org", ",", "$", "1,000", "."]),
        ("  two\r\n\tlines  ", ["two", "lines"]),
        ("王先生 2024年", ["王", "先", "生", "2024", "年"]),
        ("😀😀 Zoë", ["😀", "😀", "Zoë"]),
        ("...", [".", ".", "."]),
        ("", []),
    ],
)
def test_words_are_what_people_would_mark(text: str, want: list[str]) -> None:
    assert split(text) == want


def test_offsets_count_characters_whatever_their_bytes(reader: WordReader) -> None:
    text = "😀 Ann 😀😀 Lee é"
    (found,) = reader.read([text])
    assert [text[start:end] for start, end in found.offsets] == ["😀", "Ann", "😀", "😀", "Lee", "é"]


def test_states_do_not_depend_on_what_is_read_beside_them(reader: WordReader) -> None:
    texts = ["Ann paid $5 on Monday.", "short", "a much longer text about " + "many different things " * 90]
    together = reader.read(texts)
    for text, one in zip(texts, together, strict=True):
        (alone,) = reader.read([text])
        np.testing.assert_array_equal(alone.offsets, one.offsets)
        np.testing.assert_allclose(alone.states.astype(float), one.states.astype(float), atol=2e-3)
        assert one.states.shape == (len(one.offsets), WIDTH)
        assert one.states.dtype == np.float16


def test_words_that_mean_alike_are_near(reader: WordReader) -> None:
    monday, tuesday, banana = (one.states[0, 14:].astype(float) for one in reader.read(["monday", "tuesday", "banana"]))
    assert np.linalg.norm(monday - tuesday) < np.linalg.norm(monday - banana)


def test_looks_are_what_lower_case_hides() -> None:
    text = "Ann PAID 12 a1 (x@y.de) 2002 http://a"
    seen = dict(zip(split(text), looks(text, places_of(text)), strict=True))
    assert seen["Ann"][0] == 1
    assert seen["PAID"][1] == 1
    assert seen["12"][2] == 1
    assert seen["a1"][3] == 1
    assert seen["x@y.de"][12] == 1
    assert seen["2002"][10] == 1
    assert seen["http://a"][13] == 1


def test_long_texts_and_junk_are_bounded(reader: WordReader) -> None:
    found = reader.read(
        ["word " * 20_000, "x" * 300_000, "-" * 300_000, "a-" * 100_000, "\u0301" * 1000, " " * 5000, ""]
    )
    assert [len(one.offsets) for one in found[:2]] == [MOST_WORDS, 1]
    assert all(len(one.offsets) <= MOST_WORDS and np.isfinite(one.states).all() for one in found)
    assert [len(one.offsets) for one in found[5:]] == [0, 0]


def test_axes_of_another_version_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "AXES_SHA256", "0" * 64)
    with pytest.raises(Exception, match=r"minilm-words\.safetensors is not the file"):
        WordReader().read(["a"])
