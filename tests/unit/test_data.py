"""The mails and photographs that ship with the package."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from importlib.resources import files

from labelcue.data import load_hands, load_mails
from labelcue.embedders.picture import read_picture


def test_a_quarter_is_held_out_and_both_parts_have_the_same_share_of_spam() -> None:
    mails = load_mails()
    counts = Counter((mail.held_out, mail.label) for mail in mails)
    assert counts == {(False, "ham"): 1369, (False, "spam"): 631, (True, "ham"): 457, (True, "spam"): 210}


def test_every_mail_has_a_text_of_its_own() -> None:
    texts = [" ".join(mail.text.lower().split()) for mail in load_mails()]
    assert len(set(texts)) == len(texts)
    assert all(0 < len(text) <= 4000 for text in texts)


def test_the_order_is_mixed_and_always_the_same() -> None:
    mails = load_mails()
    assert mails == load_mails()
    for start in range(0, len(mails) - 200, 200):
        part = mails[start : start + 200]
        assert 0.2 < sum(mail.label == "spam" for mail in part) / 200 < 0.45
        assert 0.15 < sum(mail.held_out for mail in part) / 200 < 0.36


def test_photographs_are_small_pictures_of_ten_digits() -> None:
    hands = load_hands()
    assert Counter(one.held_out for one in hands) == {False: 1000, True: 300}
    assert {one.label for one in hands} == set("0123456789")
    assert min(Counter(one.label for one in hands).values()) > 100
    assert len({one.text for one in hands}) == len(hands)
    for one in hands[::100]:
        raw = base64.b64decode(one.text.removeprefix("data:image/jpeg;base64,"))
        assert read_picture(raw, 48, threading.Lock()).std() > 5


def test_what_ships_is_small() -> None:
    assert len(files("labelcue.data").joinpath("hands.jsonl.gz").read_bytes()) < 2_000_000
