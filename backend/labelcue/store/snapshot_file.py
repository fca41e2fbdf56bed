"""A snapshot as one file, swapped whole and checked whole."""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from labelcue.errors import BadRequest, Corrupt, NotFound, StoreError
from labelcue.store.atomic import replace_soon
from labelcue.store.snapshot import Snapshot
from labelcue.store.tensors import bytes_of, pieces
from labelcue.types import Round

_FORMAT = "labelcue.snapshot.2"
_ARRAYS = (
    "ids",
    "probabilities",
    "priority",
    "novelty",
    "rank",
    "weights",
    "bias",
    "cover",
    "audits",
    "chances",
    "extra",
    "found",
)
_Mark: TypeAlias = tuple[int, int, int]  # inode, mtime in ns, size
_REBUILD = "Delete it: the learner builds it again from the ledger."


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Swap the file whole: whatever becomes of this process, the old or the new one is there. Raises StoreError.

    The disk follows while the learner goes on: what a power failure takes of it, the ledger's rounds give back.
    """
    arrays = {name: np.ascontiguousarray(getattr(snapshot, name)) for name in _ARRAYS}
    about = json.dumps(_about(snapshot), sort_keys=True)
    header = {"format": _FORMAT, "snapshot": about, "crc32": _checksum(about, arrays)}
    replace_soon(path, *pieces(arrays, header))


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot at `path`, every bit checked; its arrays are read-only. Raises NotFound, Corrupt, StoreError."""
    try:
        return _parse(path, _read(path)[1])
    except FileNotFoundError as error:
        raise NotFound(f"There is no snapshot at {path}.", "The learner's first round writes it.") from error


class SnapshotReader:
    """Keeps the latest snapshot of each path in memory, and reads a file again when it was replaced. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[_Mark, Snapshot]] = {}

    def latest(self, path: Path) -> Snapshot | None:
        """The snapshot that stands at `path` now, None before the first round. Raises StoreError, Corrupt."""
        try:
            return self._kept(path, _mark(os.stat(path))) or self._load(path)
        except FileNotFoundError:
            return None

    def _kept(self, path: Path, mark: _Mark) -> Snapshot | None:
        known = self._known.get(path)
        return known[1] if known is not None and known[0] == mark else None

    def _load(self, path: Path) -> Snapshot:
        """One thread reads while the others that want it wait."""
        with self._lock:
            kept = self._kept(path, _mark(os.stat(path)))
            if kept is not None:
                return kept
            mark, data = _read(path)
            snapshot = _parse(path, data)
            self._known[path] = (mark, snapshot)
            return snapshot


def _about(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "round": asdict(snapshot.round),
        "classes": list(snapshot.classes),
        "trained": snapshot.trained,
        "temperature": snapshot.temperature,
        "l2": snapshot.l2,
        "labelled": snapshot.labelled,
        "share": snapshot.share,
        "fused": snapshot.fused,
        "config_sha": snapshot.config_sha,
        "held_out": snapshot.held_out,
        "reasons": list(snapshot.reasons),
        "noise": snapshot.noise,
        "kind": dict(snapshot.kind),
    }


def _checksum(about: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """CRC-32 of the metadata and of every array with its name, type and shape: against damage, not against malice."""
    crc = zlib.crc32(about.encode())
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"|{name}|{array.dtype.str}|{array.shape}|".encode(), crc)
        crc = zlib.crc32(bytes_of(array), crc)
    return f"{crc:08x}"


def _mark(stat: os.stat_result) -> _Mark:
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _read(path: Path) -> tuple[_Mark, bytes]:
    """The bytes and the mark of one and the same file, even when another one takes its name meanwhile."""
    try:
        with path.open("rb") as file:
            return _mark(os.fstat(file.fileno())), file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"The snapshot {path} cannot be read: {error.strerror}.", "Let this user read it.") from error


def _parse(path: Path, data: bytes) -> Snapshot:
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        arrays: dict[str, NDArray[Any]] = load(data)
        if header["format"] != _FORMAT:
            raise ValueError(f"its format is {header['format']}, not {_FORMAT}")
        if header["crc32"] != _checksum(header["snapshot"], arrays):
            raise ValueError("its checksum does not fit")
        about = json.loads(header["snapshot"])
        for array in arrays.values():
            array.setflags(write=False)
        fields: dict[str, Any] = {**about, **arrays}
        fields |= {"round": Round(**about["round"])}
        fields |= {name: tuple(about.get(name, ())) for name in ("classes", "reasons")}
        return Snapshot(**fields)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, BadRequest, NotFound) as error:
        raise Corrupt(f"The snapshot {path} is damaged: {error}.", _REBUILD) from error
