"""What ships with the package: what the demo labels, and the tokenizer of `minilm`. The licences stand in NOTICE."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib.resources import files

from labelcue.types import Label


@dataclass(frozen=True, slots=True)
class Example:
    """One item with its right answer: a mail of the SpamAssassin public corpus, or a photograph of a hand."""

    text: str
    """Subject and body as one line, at most 4,000 characters; or the photograph as a `data:` address."""
    label: Label
    """`ham` or `spam`; or the digit that the hand shows."""
    held_out: bool
    """True: accuracy is measured on it, and it is never in the pool."""


def load_mails() -> list[Example]:
    """2,667 mails in a fixed mixed order: 2,000 for the pool and 667 held out, both 68 % ham."""
    return _load("mails.jsonl.gz")


def load_hands() -> list[Example]:
    """1,300 photographs of hands that show a digit, in a fixed mixed order: 1,000 for the pool and 300 held out."""
    return _load("hands.jsonl.gz")


def _load(name: str) -> list[Example]:
    raw = gzip.decompress(files("labelcue.data").joinpath(name).read_bytes())
    return [Example(**json.loads(line)) for line in raw.splitlines()]
