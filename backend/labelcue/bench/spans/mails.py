"""Pieces of real mails with spans that rules find: links, addresses, dates, amounts of money and names of people.

No person has marked them, so that what the rules miss counts as no span.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from labelcue.data import load_mails
from labelcue.types import Span

WORDS = 60
"""Words of a piece; pieces of fewer than a fifth of them are left out."""
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|"
    "Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]*day)?,? +)?"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
RULES = {
    "link": r"\bhttps?://[^\s<>\"]+|\bwww\.[^\s<>\"]+",
    "address": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "date": rf"{_DAY}(?:{_NTH} (?:of )?{_MONTH}\.?,? \d{{4}}|{_MONTH}\.? {_NTH}(?:,? \d{{4}})?|{_NTH} {_MONTH}|"
    r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{2,4})\b",
    "amount": r"(?:US)?[$€£] ?\d[\d,]*(?:\.\d+)?(?: ?(?:million|billion|thousand|k|m)\b)?|"
    r"\b\d[\d,]*(?:\.\d+)? (?:dollars|euros|pounds|cents|million|billion)\b|\b\d+(?:\.\d+)?%",
}
"""Where two of them overlap, the earlier one stands."""
_NAME = re.compile(r"\b([A-Z][a-z]+(?: [A-Z]\.)?(?: [A-Z][a-z]+){1,2})(?= wrote\b|\s*<|\s*\[mailto| \()")
_NO_NAME = frozenset(
    ["Mailing", "List", "The", "New", "Linux", "Users", "Free", "Internet", "Yahoo", "Dear", "Click", "Web", "Address"]
)


def pieces(count: int, seed: int = 0) -> tuple[list[str], list[set[Span]]]:
    """(n,) texts, one of each mail, and the spans of each. The same count and seed give the same."""
    rng, texts, spans = np.random.default_rng(seed), list[str](), list[set[Span]]()
    mails = [mail.text for mail in load_mails()]
    known = {name for mail in mails for name in _NAME.findall(mail)}
    people = sorted((name for name in known if not _NO_NAME & set(name.split())), key=len, reverse=True)
    rules = {**RULES, "name": rf"\b(?:{'|'.join(map(re.escape, people))})\b"}
    for mail in mails[: 2 * count]:
        words = list(re.finditer(r"\S+", mail))
        first = int(rng.integers(0, max(1, len(words) - WORDS)))
        part = words[first : first + WORDS]
        if len(part) * 5 >= WORDS and len(texts) < count:
            texts.append(mail[part[0].start() : part[-1].end()])
            spans.append(set(_found(texts[-1], rules)))
    return texts, spans


def _found(text: str, rules: dict[str, str]) -> Iterator[Span]:
    taken: list[tuple[int, int]] = []
    for label, rule in rules.items():
        for match in re.finditer(rule, text):
            start, end = match.span()
            if not any(start < behind and before < end for before, behind in taken):
                taken.append((start, end))
                yield start, end, label
