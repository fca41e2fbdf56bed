"""Connections to one SQLite file: one for each thread of each process, opened at first use and set to be durable."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from labelcue.errors import ConfigError, StoreBusy, StoreError
from labelcue.store import sqlite_statements as sql
from labelcue.store.base import damaged

# FULL: a commit is on disk before it is acknowledged. fullfsync: the same on macOS, where fsync alone is not enough.
_SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 16777216",
)
_STRICT_SINCE = (3, 37, 0)


@dataclass(slots=True)
class _OfProcess:
    """What one process holds. A forked child starts with an empty one and never touches its parent's."""

    pid: int
    writer: threading.Lock = field(default_factory=threading.Lock)
    guard: threading.Lock = field(default_factory=threading.Lock)
    open: dict[threading.Thread, sqlite3.Connection] = field(default_factory=dict)


class Handles:
    """Gives each thread its own connection, in autocommit, and all threads one lock for writing."""

    def __init__(self, path: Path, busy_ms: int) -> None:
        self.path = path
        self.busy_ms = busy_ms
        self._mine = _OfProcess(os.getpid())
        self._inherited: list[_OfProcess] = []

    @property
    def writer(self) -> threading.Lock:
        """Held around a write: the threads of a process queue here, which is fairer than SQLite's own polling."""
        return self._here().writer

    def get(self) -> sqlite3.Connection:
        """This thread's connection. Raises StoreError, StoreBusy, Corrupt, ConfigError."""
        here, thread = self._here(), threading.current_thread()
        found = here.open.get(thread)
        if found is not None:
            return found
        opened = _open(self.path, self.busy_ms)
        with here.guard:
            for gone in [other for other in here.open if not other.is_alive()]:
                here.open.pop(gone).close()
            here.open[thread] = opened
        return opened

    def drop(self) -> None:
        """Close this thread's connection; the next `get` opens another."""
        here = self._here()
        with here.guard:
            found = here.open.pop(threading.current_thread(), None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Close every connection of this process."""
        here = self._here()
        with here.writer, here.guard:
            for connection in here.open.values():
                connection.close()
            here.open.clear()

    def _here(self) -> _OfProcess:
        if self._mine.pid != os.getpid():
            # SQLite forbids to use, or even to close, a connection that came through a fork: keep it and look away.
            self._inherited.append(self._mine)
            self._mine = _OfProcess(os.getpid())
        return self._mine


def _open(path: Path, busy_ms: int) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} cannot be made: {error.strerror}.", "Choose another home."
        ) from error
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None, check_same_thread=False)
        _prepare(connection, path, time.monotonic() + busy_ms / 1000)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise translate(error, path) from error
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, deadline: float) -> None:
    _recognise(connection, path)
    _use_wal(connection, path, deadline)
    for setting in _SETTINGS:
        connection.execute(setting)
    if _number(connection, "PRAGMA user_version") < sql.VERSION:
        _lift(connection)


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is somebody else's, or newer than we are, before anything in it is changed."""
    # One transaction: between two reads another process may make the tables of a new file.
    connection.execute("BEGIN")
    try:
        version = _number(connection, "PRAGMA user_version")
        application = _number(connection, "PRAGMA application_id")
        empty = not _number(connection, "SELECT count(*) FROM sqlite_master")
    finally:
        connection.execute("COMMIT")
    if version > sql.VERSION and application == sql.APPLICATION:
        raise ConfigError(
            f"The ledger {path} has format {version}, and this LabelCue knows {sql.VERSION}.",
            "Upgrade LabelCue, or name another ledger by LABELCUE_STORE.",
        )
    if not (version == 0 and empty) and application != sql.APPLICATION:
        raise ConfigError(f"{path} is an SQLite file of something else.", "Name another ledger by LABELCUE_STORE.")


def _use_wal(connection: sqlite3.Connection, path: Path, deadline: float) -> None:
    """Switch to the write-ahead log. SQLite does not wait here by itself when another process does the same."""
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.002)
    if mode != "wal":
        raise StoreError(f"{path} cannot keep a write-ahead log.", "Put it on a local disk, not on a network share.")


def _lift(connection: sqlite3.Connection) -> None:
    """Make the tables of a new file, or bring an older one up to date."""
    strict = "STRICT" if sqlite3.sqlite_version_info >= _STRICT_SINCE else ""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _number(connection, "PRAGMA user_version") == 0:
            for statement in sql.TABLES:
                connection.execute(statement.format(strict=strict))
        while (version := _number(connection, "PRAGMA user_version")) < sql.VERSION:
            for statement in sql.LIFTS[version]:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """What SQLite said, as one of ours. By its fixed English words: Python 3.10 has no error codes."""
    said = str(error)
    if "locked" in said:
        return StoreBusy(f"The ledger {path} is locked by another process.", "Try again; nothing was stored.")
    if "malformed" in said or "not a database" in said:
        return damaged(f"The ledger {path}", said)
    if "full" in said:
        return StoreError(f"The ledger {path} cannot grow: {said}.", "Free disk space; nothing was stored.")
    return StoreError(f"The ledger {path} cannot be used: {said}.", "Look at the disk and at who may write there.")
