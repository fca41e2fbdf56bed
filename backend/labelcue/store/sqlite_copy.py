"""A copy of an SQLite file that is being written to, as it was at one moment."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_PAGES = 2048
"""Copied between two looks at the progress."""


def copy(source: sqlite3.Connection, path: Path, on_step: Callable[[int, int], None]) -> None:
    """Write what `source` sees now into a new file at `path`, for its owner's eyes, by SQLite's online backup.

    The read transaction holds that moment: without it, SQLite would begin anew whenever another process commits, and
    never end beside a busy service. Writers do not wait for it; the write-ahead log grows meanwhile.
    Raises sqlite3.Error, OSError.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    source.execute("BEGIN")
    try:
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            source.backup(target, pages=_PAGES, progress=lambda _, left, total: on_step(total - left, total))
            target.execute("PRAGMA journal_mode = DELETE")  # One file, with no log beside it.
    finally:
        source.execute("COMMIT")
