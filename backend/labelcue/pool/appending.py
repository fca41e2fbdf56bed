"""Files that only grow: what a crash left behind their end is cut off, what is added is on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def cut(path: Path, length: int) -> None:
    """Take off what stands behind `length`, if anything does, and wait for the disk."""
    if size(path) > length:
        with path.open("r+b") as file:
            file.truncate(length)
            os.fsync(file.fileno())


def write(path: Path, data: Any) -> None:
    """Add to the file's end and wait for the disk, for a new file's name too."""
    fresh = not path.exists()
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def size(path: Path) -> int:
    """Bytes; 0 where there is no such file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
