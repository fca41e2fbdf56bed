"""Tensors of a file in torch's old format, read as data: nothing in it is run, and torch is not asked.

Such a file is five pickles and then the numbers. A pickle is a program; here only its words are listed, never obeyed:
from them come each tensor's name and storage, and the order of the storages. Shapes are the reader's own business.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pickletools import genops

import numpy as np

from labelcue.errors import Corrupt
from labelcue.types import Floats

MAGIC = 0x1950A86A20F9469CFC6C
"""The number of the first pickle."""
WORDS = ("BINUNICODE", "SHORT_BINUNICODE")
ITEM_BYTES = {"FloatStorage": 4, "LongStorage": 8}


def read_tensors(raw: bytes) -> Mapping[str, Floats]:
    """Name → its float32 numbers (n,), in the order in which they lie; others are left out. Raises Corrupt.

    Every tensor has to fill a storage of its own, as weights do.
    """
    try:
        return _tensors(raw)
    except (ValueError, StopIteration, KeyError, struct.error) as error:
        raise Corrupt(f"The weights cannot be read: {error}.", "Install their package again.") from error


def _tensors(raw: bytes) -> Mapping[str, Floats]:
    file = io.BytesIO(raw)
    if [value for code, value, _ in genops(file) if code.name == "LONG1"] != [MAGIC]:
        raise ValueError("it does not begin like a file of torch")
    for _ in range(2):  # the format's version, and what machine wrote it: little-endian, as all of today's
        for _ in genops(file):
            pass
    owners, sizes = _owners(file)
    order = [str(value) for code, value, _ in genops(file) if code.name in WORDS]
    found = {}
    for key in order:
        count = struct.unpack("<q", file.read(8))[0]
        numbers = file.read(count * sizes[key])
        if len(numbers) != count * sizes[key]:
            raise ValueError("it is cut off")
        if sizes[key] == ITEM_BYTES["FloatStorage"]:
            found[owners[key]] = np.frombuffer(numbers, dtype="<f4")
    return found


def _owners(file: io.BytesIO) -> tuple[dict[str, str], dict[str, int]]:
    """Storage → the tensor's name, and the bytes of one of its numbers: as they stand one behind the other.

    A tensor is written as its name, the class of its storage, and the storage's key, which is a number in words.
    """
    owners: dict[str, str] = {}
    sizes: dict[str, int] = {}
    classes: dict[object, str] = {}
    name, kind, memo = "", "", ""
    for code, value, _ in genops(file):
        if code.name == "GLOBAL":
            memo = str(value).rpartition(" ")[2]
            kind = memo if memo in ITEM_BYTES else kind
        elif code.name in ("BINPUT", "LONG_BINPUT"):
            if memo in ITEM_BYTES:
                classes[value] = memo
            memo = ""
        elif code.name in ("BINGET", "LONG_BINGET"):
            kind = classes.get(value, kind)
        elif code.name in WORDS:
            word = str(value)
            if word.isdecimal():
                owners[word], sizes[word] = name, ITEM_BYTES[kind]
            elif "." in word:
                name = word
    return owners, sizes
