"""The ledger in one SQLite file: write-ahead log, every commit on disk before it is acknowledged."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelcue.errors import ConfigError, NotFound, StoreBusy
from labelcue.store import ledgers
from labelcue.store import sqlite_statements as sql
from labelcue.store.base import LONGEST, Ledger, damaged, lease_lost, wrong_number
from labelcue.store.codec import Row, pack, unpack
from labelcue.store.sqlite_copy import copy
from labelcue.store.sqlite_handles import Handles, translate
from labelcue.types import Event, Kind, Round

_BATCH_ROWS = 1000
_BATCH_CHARS = 4_000_000


class SqliteLedger(Ledger):
    """One file, any number of threads and processes. Connections are opened at first use, one a thread and process."""

    def __init__(self, path: Path, busy_ms: int = 700, clock: Callable[[], float] = time.time) -> None:
        self._handles = Handles(path, busy_ms)
        self._clock = clock

    @property
    def path(self) -> Path:
        """The file."""
        return self._handles.path

    def append(self, events: Sequence[Event], within: float | None = None) -> int:
        """See Ledger. Costs one commit, however many events."""
        at = self._clock()
        rows = [pack(event, at) for event in events]
        if not rows:
            return self._number(sql.LAST)
        with self._transaction(within) as db:
            db.executemany(sql.INSERT, [row[1:] for row in rows])
            return int(db.execute(sql.LAST).fetchone()[0])

    def read(
        self, project: int, after: int = 0, upto: int | None = None, kinds: Collection[Kind] = ()
    ) -> Iterator[Event]:
        """See Ledger. Each batch is a read transaction of its own, so that a slow reader never holds the log back."""
        last = self.position(project) if upto is None else upto
        names = tuple(kind.value for kind in kinds)
        while rows := self._batch(project, after, last, names):
            yield from map(unpack, rows)
            after = rows[-1].position

    def event(self, position: int) -> Event:
        """See Ledger."""
        with self._connection() as db:
            found = db.execute(sql.EVENT, (position,)).fetchone()
        if found is None:
            raise NotFound(f"The ledger has no event {position}.", f"Its last one is {self._number(sql.LAST)}.")
        return unpack(Row(*found))

    def position(self, project: int) -> int:
        """See Ledger. One look into an index."""
        return self._number(sql.POSITION, project)

    def projects(self) -> list[int]:
        """See Ledger."""
        with self._connection() as db:
            return [int(row[0]) for row in db.execute(sql.PROJECTS).fetchall()]

    def add_round(self, record: Round, holder: str) -> None:
        """See Ledger."""
        values: dict[str, Any] = {name: getattr(record, name) for name in Round.__dataclass_fields__}
        values |= {name: json.dumps(dict(values[name]), sort_keys=True) for name in ("params", "levers")}
        values["full"] = int(record.full)
        with self._transaction() as db:
            found = db.execute(sql.HOLDER, (record.project,)).fetchone()
            if found is None or found[0] != holder:
                raise lease_lost(record.project, holder)
            last = int(db.execute(sql.LAST_ROUND, (record.project,)).fetchone()[0])
            if record.number != last + 1:
                raise wrong_number(record, last)
            db.execute(sql.ADD_ROUND, values)

    def rounds(self, project: int, after: int = 0) -> list[Round]:
        """See Ledger."""
        with self._connection() as db:
            rows = db.execute(sql.ROUNDS, (project, after)).fetchall()
        return [_round(row) for row in rows]

    def acquire(self, project: int, holder: str, ttl: float) -> bool:
        """See Ledger."""
        values = {"project": project, "holder": holder, "now": self._clock(), "ttl": ttl, "longest": LONGEST * ttl}
        with self._transaction() as db:
            return db.execute(sql.ACQUIRE, values).rowcount > 0

    def relinquish(self, project: int, holder: str) -> None:
        """See Ledger."""
        with self._transaction() as db:
            db.execute(sql.RELINQUISH, (project, holder))

    def check(self) -> None:
        """See Ledger. SQLite's integrity_check: reads the whole file."""
        with self._connection() as db:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(5)").fetchall()]
        if found != ["ok"]:
            raise damaged(f"The ledger {self.path}", "; ".join(found))

    def copy_to(self, path: Path, on_step: Callable[[int, int], None]) -> int:
        """See Ledger."""
        with self._connection() as db:
            copy(db, path, on_step)
        made = SqliteLedger(path)
        try:
            made.check()
            return made._number(sql.LAST)
        finally:
            made.close()

    def forget(self, project: int, positions: Collection[int], rounds: Collection[int]) -> None:
        """See Ledger."""
        with self._transaction() as db:
            last = int(db.execute(sql.POSITION, (project,)).fetchone()[0])
            db.executemany(sql.FORGET, [(project, position) for position in positions if position < last])
            last = int(db.execute(sql.LAST_ROUND, (project,)).fetchone()[0])
            db.executemany(sql.FORGET_ROUND, [(project, number) for number in rounds if number < last])

    def space(self) -> tuple[int, int]:
        """See Ledger. Of the file, without its log."""
        page = self._number("PRAGMA page_size")
        return page * self._number("PRAGMA page_count"), page * self._number("PRAGMA freelist_count")

    def shrink(self) -> None:
        """See Ledger. SQLite writes the file anew into its log, and cuts both."""
        with self._connection() as db, self._turn(time.monotonic() + self._handles.busy_ms / 1000):
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """See Ledger. For the end, when no other thread is using it; a later call would open it again."""
        self._handles.close()

    def _batch(self, project: int, after: int, last: int, kinds: tuple[str, ...] = ()) -> list[Row]:
        """The next rows, at most _BATCH_ROWS of them, fewer where their bodies are long."""
        rows: list[Row] = []
        chars = 0
        with self._connection() as db:
            cursor = db.execute(sql.read(len(kinds)), (project, after, last, *kinds))
            while len(rows) < _BATCH_ROWS and chars < _BATCH_CHARS and (found := cursor.fetchone()) is not None:
                rows.append(Row(*found))
                chars += len(rows[-1].body)
            cursor.close()
        return rows

    def _number(self, query: str, *values: int) -> int:
        with self._connection() as db:
            return int(db.execute(query, values).fetchone()[0])

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; whatever SQLite raises leaves as one of our errors."""
        try:
            yield self._handles.get()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    @contextmanager
    def _transaction(self, within: float | None = None) -> Iterator[sqlite3.Connection]:
        """All or nothing. Leaves without an error only after COMMIT has returned, which is after the disk has it."""
        patience = self._handles.busy_ms / 1000
        deadline = time.monotonic() + (patience if within is None else min(within, patience))
        with self._connection() as db, self._turn(deadline):
            left = max(1, int(1000 * (deadline - time.monotonic())))
            db.execute(f"PRAGMA busy_timeout = {left}")
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException:
                self._undo(db)
                raise

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        writer = self._handles.writer
        if not writer.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise StoreBusy(f"The ledger {self.path} is busy with other writes.", "Try again; nothing was stored.")
        try:
            yield
        finally:
            writer.release()

    def _undo(self, db: sqlite3.Connection) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            self._handles.drop()  # whatever state it is in dies with the connection


def _round(row: Sequence[Any]) -> Round:
    values: dict[str, Any] = dict(zip(Round.__dataclass_fields__, row, strict=True))
    values |= {name: json.loads(values[name]) for name in ("params", "levers")}
    return Round(**{**values, "full": bool(values["full"])})


@ledgers.register("sqlite")
def open_sqlite(url: str, busy_ms: int, clock: Callable[[], float]) -> SqliteLedger:
    """`sqlite:///absolute/path`, which is as good as `sqlite:////absolute/path`. Raises ConfigError."""
    path = url.removeprefix("sqlite://")
    if not path.startswith("/") or not path.strip("/"):
        raise ConfigError(f"The ledger's URL {url!r} has no absolute path.", "Write it as sqlite:///absolute/path.")
    return SqliteLedger(Path("/" + path.lstrip("/")), busy_ms, clock)
