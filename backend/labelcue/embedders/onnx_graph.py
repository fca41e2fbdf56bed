"""Writes a model in the ONNX format: the few messages of its protocol buffers that a chain of layers needs.

The format: https://onnx.ai/onnx/repo-docs/IR.html; field numbers are those of `onnx.proto`, wire types those of
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OPSET = 13
IR_VERSION = 7
"""What came with opset 13."""
TYPES = {"float32": 1, "uint8": 2, "int64": 7}
_INT, _BYTES = 0, 2
"""Wire types."""


class Graph:
    """Layers, added one behind the other; `model` is the file. Names are made here."""

    def __init__(self, name: str, shape: Sequence[int | str], dtype: str = "uint8") -> None:
        """The input is called `input`; a word in the shape stands for any number."""
        self._name = name
        self._input = _value("input", shape, dtype)
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []

    def weight(self, array: NDArray[np.generic]) -> str:
        """A constant; its name."""
        name = f"w{len(self._weights)}"
        dims = b"".join(_number(1, size) for size in array.shape)
        raw = np.ascontiguousarray(array).tobytes()
        self._weights.append(dims + _number(2, TYPES[str(array.dtype)]) + _text(8, name) + _field(9, raw))
        return name

    def add(self, operator: str, *inputs: str, **attributes: int | str | Sequence[int]) -> str:
        """A layer; the name of what comes out of it."""
        name = f"x{len(self._nodes)}"
        body = b"".join(_text(1, one) for one in inputs) + _text(2, name) + _text(4, operator)
        self._nodes.append(body + b"".join(_field(5, _attribute(*item)) for item in attributes.items()))
        return name

    def model(self, output: str, shape: Sequence[int | str]) -> bytes:
        """The whole, which gives what `output` names as float32."""
        parts = [*(_field(1, node) for node in self._nodes), _text(2, self._name)]
        parts += [_field(5, weight) for weight in self._weights]
        parts += [_field(11, self._input), _field(12, _value(output, shape, "float32"))]
        opset = _field(8, _number(2, OPSET))
        return _number(1, IR_VERSION) + _field(7, b"".join(parts)) + opset


def _value(name: str, shape: Sequence[int | str], dtype: str) -> bytes:
    dims = b"".join(_field(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    tensor = _number(1, TYPES[dtype]) + _field(2, dims)
    return _text(1, name) + _field(2, _field(1, tensor))


def _attribute(name: str, value: int | str | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, 3)
    return _text(1, name) + b"".join(_number(8, one) for one in value) + _number(20, 7)


def _text(field: int, value: str) -> bytes:
    return _field(field, value.encode())


def _field(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _INT) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; numbers here are never negative."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
