"""One process at a time in a folder: a lock that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_one(folder: Path, *, wait: bool) -> Iterator[None]:
    """Lock the folder (made where there is none) itself, which leaves no lock file behind.

    Waits until it is free, or raises BlockingIOError where another process holds it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Whether some process holds the folder now."""
    if not folder.is_dir():
        return False
    try:
        with only_one(folder, wait=False):
            return False
    except BlockingIOError:
        return True
