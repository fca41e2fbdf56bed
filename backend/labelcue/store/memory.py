"""An honest double of a ledger for tests: same rules, same errors, nothing on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import ClassVar

from labelcue.errors import NotFound
from labelcue.store import ledgers
from labelcue.store.base import LONGEST, Ledger, lease_lost, wrong_number
from labelcue.store.codec import Row, pack, unpack
from labelcue.types import Event, Kind, Round


class MemoryLedger(Ledger):
    """Keeps everything in lists of this process; bodies go through JSON as they would on disk."""

    durable: ClassVar[bool] = False

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: list[Row | None] = []
        """By position - 1; None where one was forgotten."""
        self._keys: set[tuple[int, str]] = set()
        self._rounds: dict[int, list[Round]] = {}
        self._learners: dict[int, tuple[str, float]] = {}

    def append(self, events: Sequence[Event], within: float | None = None) -> int:
        """See Ledger. Nothing here is ever busy."""
        at = self._clock()
        rows = [pack(event, at) for event in events]
        with self._lock:
            for row in rows:
                if (row.project, row.key) not in self._keys:
                    self._keys.add((row.project, row.key))
                    self._rows.append(row._replace(position=len(self._rows) + 1))
            return len(self._rows)

    def read(
        self, project: int, after: int = 0, upto: int | None = None, kinds: Collection[Kind] = ()
    ) -> Iterator[Event]:
        """See Ledger."""
        wanted = {kind.value for kind in kinds or Kind}
        last = self.position(project) if upto is None else upto
        for position in range(max(after, 0) + 1, min(last, len(self._rows)) + 1):
            row = self._rows[position - 1]
            if row is not None and row.project == project and row.kind in wanted:
                yield unpack(row)

    def event(self, position: int) -> Event:
        """See Ledger."""
        row = self._rows[position - 1] if 1 <= position <= len(self._rows) else None
        if row is None:
            raise NotFound(f"The ledger has no event {position}.", f"Its last one is {len(self._rows)}.")
        return unpack(row)

    def position(self, project: int) -> int:
        """See Ledger."""
        return next((row.position for row in reversed(self._rows) if row is not None and row.project == project), 0)

    def projects(self) -> list[int]:
        """See Ledger."""
        return sorted({project for project, _ in list(self._keys)})

    def add_round(self, record: Round, holder: str) -> None:
        """See Ledger."""
        with self._lock:
            known = self._rounds.setdefault(record.project, [])
            if self._learners.get(record.project, ("", 0.0))[0] != holder:
                raise lease_lost(record.project, holder)
            last = known[-1].number if known else 0
            if record.number != last + 1:
                raise wrong_number(record, last)
            known.append(record)

    def rounds(self, project: int, after: int = 0) -> list[Round]:
        """See Ledger."""
        return [record for record in self._rounds.get(project, []) if record.number > after]

    def acquire(self, project: int, holder: str, ttl: float) -> bool:
        """See Ledger."""
        with self._lock:
            now = self._clock()
            other, expires = self._learners.get(project, (holder, now))
            if other != holder and now < expires <= now + LONGEST * ttl:
                return False
            self._learners[project] = (holder, now + ttl)
            return True

    def relinquish(self, project: int, holder: str) -> None:
        """See Ledger."""
        with self._lock:
            if self._learners.get(project, ("", 0.0))[0] == holder:
                del self._learners[project]

    def forget(self, project: int, positions: Collection[int], rounds: Collection[int]) -> None:
        """See Ledger."""
        with self._lock:
            last, known = self.position(project), self._rounds.get(project, [])
            for position in positions:
                row = self._rows[position - 1] if 1 <= position < last else None
                if row is not None and row.project == project:
                    self._rows[position - 1] = None
                    self._keys.discard((project, row.key))
            known[:-1] = [record for record in known[:-1] if record.number not in rounds]

    def check(self) -> None:
        """See Ledger."""

    def close(self) -> None:
        """See Ledger."""


@ledgers.register("memory")
def open_memory(url: str, busy_ms: int, clock: Callable[[], float]) -> MemoryLedger:
    """A fresh one at each call; whatever follows `memory:` is ignored, and nothing is ever busy."""
    return MemoryLedger(clock)
