"""Files that ship with the package: the demo's mails and the tokenizer of `minilm`. Their licences stand in NOTICE."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib.resources import files

from labelcue.types import Label


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the SpamAssassin public corpus."""

    text: str
    """Subject and body as one line, at most 4,000 characters."""
    label: Label
    """`ham` or `spam`."""
    held_out: bool
    """True: accuracy is measured on it, and it is never in the pool."""


def load_mails() -> list[Mail]:
    """2,667 mails in a fixed mixed order: 2,000 for the pool and 667 held out, both 68 % ham."""
    raw = gzip.decompress(files("labelcue.data").joinpath("mails.jsonl.gz").read_bytes())
    return [Mail(**json.loads(line)) for line in raw.splitlines()]
