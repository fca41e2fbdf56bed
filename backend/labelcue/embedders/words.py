"""Texts → words: a vector for each, and where it stands. What the tagger of spans learns on.

A word is what stands between spaces, without the signs before and behind it, which are words of their own: `(see
Ann's 2002-10-07)` has five, so that dates, amounts and addresses are one each; and so is each Chinese or Japanese sign.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from labelcue.embedders.minilm import DIM, TOKENS, batches_of, hidden_of, model_of, tokenizer_of
from labelcue.embedders.running import check, cores
from labelcue.types import Floats, Ints

NAME = "minilm-words@1"
WIDTH = 96
"""Dimensions of a word: how it looks, then the state of its tokens along their principal axes."""
MOST_WORDS = 512
"""Words of a text that are read, about 3,000 characters; what follows is never in a span."""
MOST_TOKENS = 1024
"""Tokens of a text that are read: so many words of junk have many more."""
WINDOW = TOKENS - 2
"""Tokens that the model sees at a time, as it was trained."""
CHUNK = 64
"""Texts that are read at a time."""
LOOKS = 0.3
"""Weight of how a word looks, against states of length one."""
AXES_SHA256 = "3b28470d148ff6d79ca818578db9b619a5f5892866898c0419de3bca9ece72bd"
_EACH = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_EACH}]|[^\W_{_EACH}](?:[^\s{_EACH}]*[^\W_{_EACH}])?|\S")


class Words(NamedTuple):
    """Of one text."""

    states: NDArray[np.float16]
    """(t, WIDTH)."""
    offsets: NDArray[np.int32]
    """(t, 2) where each word begins, and the first place behind it."""


class WordReader:
    """MiniLM's states of the tokens of each word, averaged, along fixed axes, and how the word looks.

    Axes: the first principal ones of the words of the mails that come with the package. Safe to use from several
    threads; weights are loaded at the first use.
    """

    name, width = NAME, WIDTH

    def __init__(self, *, threads: int = 0) -> None:
        """`threads`: 0 takes every core."""
        self._threads = threads or cores()
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, Floats, Floats] | None = None

    def read(self, texts: Sequence[str]) -> list[Words]:
        """The words of each text. Offsets count characters as Python does, and as Label Studio does."""
        found: list[Words] = []
        for start in range(0, len(texts), CHUNK):
            found += self._chunk([text[: MOST_WORDS * TOKENS] for text in texts[start : start + CHUNK]])
        return found

    def _chunk(self, texts: Sequence[str]) -> list[Words]:
        tokenizer, session, mean, axes = self._load()
        places = [places_of(text) for text in texts]
        ends = [int(place[-1, 1]) if len(place) else 0 for place in places]
        cut = [text[:end] for text, end in zip(texts, ends, strict=True)]
        encoded = tokenizer.encode_batch(cut, add_special_tokens=False)
        hidden = _states(tokenizer, session, [one.ids[:MOST_TOKENS] for one in encoded])
        out = []
        for text, place, one, states in zip(cut, places, encoded, hidden, strict=True):
            means = _means(place, np.array(one.offsets[:MOST_TOKENS], dtype=np.int64).reshape(-1, 2), states)
            seen = means.any(axis=1, keepdims=True)
            columns = [LOOKS * looks(text, place), np.where(seen, (means - mean) @ axes, 0)]
            out.append(Words(np.column_stack(columns).astype(np.float16), place.astype(np.int32)))
        return out

    def _load(self) -> tuple[Any, Any, Floats, Floats]:
        with self._lock:
            if self._loaded is None:
                raw = files("labelcue.data").joinpath("minilm-words.safetensors").read_bytes()
                check("minilm-words.safetensors", raw, AXES_SHA256, "labelcue")
                kept = load(raw)
                axes = (kept["mean"].astype(np.float32), kept["axes"].astype(np.float32))
                self._loaded = (tokenizer_of(None), model_of(self._threads), *axes)
            return self._loaded


def places_of(text: str) -> Ints:
    """(t, 2) the words of a text, at most `MOST_WORDS`."""
    found = [match.span() for match, _ in zip(_WORD.finditer(text), range(MOST_WORDS), strict=False)]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def looks(text: str, places: Ints) -> Floats:
    """(t, 14) float32, 0 or 1: what a model that reads lower case alone does not see of a word."""
    rows = [_look(text, start, end) for start, end in places.tolist()]
    return np.array(rows, dtype=np.float32).reshape(-1, 14)


def _look(text: str, start: int, end: int) -> tuple[bool, ...]:
    word = text[start:end]
    digits = word.isdigit()
    return (
        word[:1].isupper() and word[1:].islower(),
        word.isupper(),
        digits,
        not digits and any(map(str.isdigit, word)),
        not word[0].isalnum(),
        len(word) > 1 and not word.isalnum(),
        start == 0 or text[start - 1].isspace(),
        end == len(text) or text[end].isspace(),
        len(word) <= 2,
        len(word) >= 8,
        digits and len(word) == 4,
        word in "$€£%",
        "@" in word,
        "/" in word or ":" in word,
    )


def _states(tokenizer: Any, session: Any, ids: Sequence[Sequence[int]]) -> Iterator[Floats]:
    """(p, 384) float32 for each text's tokens, window by window."""
    first, last = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    windows = [(row, start) for row, known in enumerate(ids) for start in range(0, len(known), WINDOW)]
    framed = [[first, *ids[row][start : start + WINDOW], last] for row, start in windows]
    out = [np.empty((len(known), DIM), dtype=np.float32) for known in ids]
    for places in batches_of([len(one) for one in framed]):
        hidden, _ = hidden_of(session, [framed[place] for place in places])
        for lane, place in enumerate(places):
            row, start = windows[place]
            out[row][start : start + WINDOW] = hidden[lane, 1 : len(framed[place]) - 1]
    return iter(out)


def _means(words: Ints, tokens: Ints, states: Floats) -> Floats:
    """(t, 384) mean state of the tokens that share a character with each word, of length one; zeros where none do."""
    out = np.zeros((len(words), DIM), dtype=np.float32)
    if not len(tokens) or not len(words):
        return out
    low = np.searchsorted(tokens[:, 1], words[:, 0], side="right")
    high = np.searchsorted(tokens[:, 0], words[:, 1], side="left")
    total = np.concatenate([np.zeros((1, DIM)), np.cumsum(states, axis=0, dtype=np.float64)])
    out[:] = total[np.maximum(high, low)] - total[low]
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(length > 0, out / np.maximum(length, 1e-12), 0).astype(np.float32)
