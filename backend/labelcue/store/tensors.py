"""Arrays in one file, in the safetensors format, without a copy of them on the way to the disk.

Eight bytes with the length of the header; the header, JSON padded by spaces to whole eights; then the bytes of the
arrays, one behind the other: https://huggingface.co/docs/safetensors. Wide numbers stand first: all arrays are aligned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {"<i8": "I64", "<f4": "F32"}
_ALIGNED = 8


def pieces(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, str]) -> list[bytes | memoryview]:
    """The file's bytes in their order: head first, then the arrays as they lie in memory.

    `arrays`: contiguous int64 or float32; `about`: what the header says of them all.
    """
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(about)}
    first = 0
    for name in order:
        array, last = arrays[name], first + arrays[name].nbytes
        header[name] = {"dtype": _DTYPES[array.dtype.str], "shape": array.shape, "data_offsets": (first, last)}
        first = last
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return [len(text).to_bytes(8, "little") + text, *(bytes_of(arrays[name]) for name in order)]


def bytes_of(array: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array where they lie."""
    return array.reshape(-1).view(np.uint8).data
