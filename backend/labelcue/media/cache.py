"""What was fetched, kept by its content, so that changing the embedder or a restart fetches nothing twice.

    folder/names/<2>/<sha256 of the address>     the sha256 of what it held
    folder/content/<2>/<sha256>                  the bytes

Two names of the same content keep it once. A file that does not have its own sha256 is as good as absent.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from labelcue.store.atomic import replace_file

KEPT_AFTER_SWEEP = 0.8
"""Share of the bound that is left after a sweep, so that sweeps are rare."""
FRESH_S = 24 * 3600.0
"""Seconds after which an address is asked again, unless its content can never change."""


class Cache:
    """At most `most` bytes under a folder; what was used last stays longest. Safe for threads and processes."""

    def __init__(self, folder: Path, most: int) -> None:
        """`most` = 0 keeps nothing."""
        self._folder = folder
        self._most = most
        self._size = -1
        self._lock = threading.Lock()

    def get(self, address: str, *, for_ever: bool = False) -> bytes | None:
        """What the address held, at most a day ago unless `for_ever`; None where that is not known."""
        name = self._place("names", _digest(address.encode("utf-8", "replace")))
        try:
            if not for_ever and time.time() - name.stat().st_mtime > FRESH_S:
                return None
            digest = name.read_text("ascii")
            content = self._place("content", digest)
            raw = content.read_bytes()
            if _digest(raw) != digest:
                content.unlink(missing_ok=True)
                return None
            os.utime(content)
        except (OSError, ValueError):
            return None  # Fetching again is harmless.
        return raw

    def put(self, address: str, raw: bytes) -> None:
        """Keep it; a disk that is full loses the copy, not the task."""
        if len(raw) > self._most // 4:
            return
        digest = _digest(raw)
        content = self._place("content", digest)
        if not content.exists():
            self._make_room(len(raw))
            replace_file(content, raw, durable=False)
        replace_file(self._place("names", _digest(address.encode("utf-8", "replace"))), digest.encode(), durable=False)

    def _place(self, kind: str, digest: str) -> Path:
        if len(digest) != 64 or not digest.isalnum():
            raise ValueError("no digest")
        return self._folder / kind / digest[:2] / digest

    def _make_room(self, coming: int) -> None:
        with self._lock:
            if self._size < 0:
                self._size = sum(size for _, size, _ in self._kept())
            self._size += coming
            if self._size > self._most:
                self._size = self._sweep(coming)

    def _sweep(self, coming: int) -> int:
        """Remove what was used longest ago, and names of nothing; the bytes that are left, with those to come."""
        kept = sorted(self._kept())
        size = sum(one for _, one, _ in kept) + coming
        for _, one, path in kept:
            if size <= KEPT_AFTER_SWEEP * self._most:
                break
            with suppress(OSError):
                path.unlink()
                size -= one
        for name in self._folder.glob("names/*/*"):
            with suppress(OSError, ValueError):
                if not self._place("content", name.read_text("ascii")).exists():
                    name.unlink()
        return size

    def _kept(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("content/*/*"):
            with suppress(FileNotFoundError):
                told = path.stat()
                found.append((told.st_mtime, told.st_size, path))
        return found


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
