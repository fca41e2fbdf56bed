"""Files that are swapped whole: a reader, or the next start after a crash, finds the old one or the new one."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from labelcue.errors import StoreError

_LEFTOVER_S = 3600.0


def replace_file(path: Path, *data: bytes | memoryview, durable: bool = True) -> None:
    """Put `data`, one behind the other, at `path` in one step, readable by its owner alone; makes missing folders.

    With `durable`, the file and its name are on disk before this returns. Raises StoreError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            _fill(handle, data, durable)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Free disk space and let this user write to the folder; what stood there before is untouched.",
        ) from error


def replace_soon(path: Path, *data: bytes | memoryview) -> None:
    """`replace_file`, and a thread of its own has the file and its name on disk before long. Raises StoreError.

    That thread also frees what stood there before, which takes as long as writing it. A file that is replaced or
    removed by then needs the disk no longer; a disk that fails says so at the next write.
    """
    before = _held(path)
    try:
        replace_file(path, *data, durable=False)
    except BaseException:
        _let_go(before)
        raise
    threading.Thread(target=_settle, args=(path, before), name="sync", daemon=True).start()


def _held(path: Path) -> int | None:
    """A handle on what stands at `path`: while there is one, a file that lost its name keeps its blocks."""
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _let_go(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _settle(path: Path, before: int | None) -> None:
    _let_go(before)
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        _sync_folder(path.parent)


def _fill(handle: int, data: Sequence[bytes | memoryview], durable: bool) -> None:
    try:
        for piece in data:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(handle, rest) :]
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """A rename is on disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove what a process that was killed while writing left behind; an hour is longer than any write."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        try:
            if time.time() - leftover.stat().st_mtime > _LEFTOVER_S:
                leftover.unlink()
        except FileNotFoundError:
            continue
