"""tfidf-svd: what it learns, keeps and does with what it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelcue.data import load_mails
from labelcue.embedders.tfidf_svd import DIM, FILE_NAME, TfidfSvd
from labelcue.errors import ConfigError, Corrupt

FEW = ["the cat sat on the mat", "the dog ate the cat", "stocks fell on monday"]


@pytest.fixture
def fitted() -> TfidfSvd:
    embedder = TfidfSvd()
    embedder.fit(FEW)
    return embedder


def test_it_parts_spam_from_ham() -> None:
    mails = load_mails()[:400]
    embedder = TfidfSvd()
    embedder.fit(mail.text for mail in mails)
    vectors = embedder.embed([mail.text for mail in mails])
    spam = np.array([mail.label == "spam" for mail in mails])
    nearest = np.argsort(-(vectors @ vectors.T), axis=1)[:, 1]
    assert (spam[nearest] == spam).mean() > 0.9


def test_words_that_it_never_saw_lie_together_and_apart_from_all_else(fitted: TfidfSvd) -> None:
    vectors = fitted.embed(["zebra quagga", "", *FEW, "okapi"])
    assert vectors[0] @ vectors[1] == vectors[0] @ vectors[5] == 1
    assert np.abs(vectors[2:5] @ vectors[0]).max() == 0
    assert fitted.embed(["the cat sat on the mat, zebra"])[0] @ vectors[2] > 0.999


def test_it_has_to_learn_first() -> None:
    with pytest.raises(ConfigError, match="learned no words"):
        TfidfSvd().embed(["a"])
    with pytest.raises(ConfigError, match="finds no words"):
        TfidfSvd().fit(["?", "!"])
    with pytest.raises(ConfigError, match="finds no words in 0 texts"):
        TfidfSvd().fit([])


def test_one_text_and_one_word_are_enough() -> None:
    embedder = TfidfSvd()
    embedder.fit(["hello"])
    assert embedder.embed(["hello hello"]).shape == (1, DIM)


def test_a_damaged_file_is_named(fitted: TfidfSvd, tmp_path: Path) -> None:
    assert not TfidfSvd().load(tmp_path)
    fitted.save(tmp_path)
    whole = (tmp_path / FILE_NAME).read_bytes()
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], whole.replace(b"cat", b'c"t')):
        (tmp_path / FILE_NAME).write_bytes(damaged)
        with pytest.raises(Corrupt, match=FILE_NAME):
            TfidfSvd().load(tmp_path)


def test_arrays_that_do_not_fit_are_named(tmp_path: Path) -> None:
    words = np.frombuffer(b'["a", "b"]', dtype=np.uint8)
    np.savez(tmp_path / FILE_NAME, terms=words, idf=np.ones(2), components=np.ones((3, DIM - 1)))
    with pytest.raises(Corrupt, match="do not fit"):
        TfidfSvd().load(tmp_path)
