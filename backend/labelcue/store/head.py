"""The first places of a round's queue, given anew by what was labelled since: a small file beside the snapshot."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from labelcue.errors import StoreError
from labelcue.store.atomic import replace_file
from labelcue.types import Round

_Mark: TypeAlias = tuple[int, int, int]  # inode, mtime in ns, size


@dataclass(frozen=True, slots=True)
class Head:
    """It stands before the rest of that one round's order, and is nothing to any other round."""

    number: int
    """Of the round."""
    made: float
    """Unix seconds of the round: numbers begin anew where a ledger does."""
    position: int
    """The last event of the ledger that these places know."""
    at: float
    """Unix seconds when they were given."""
    ids: tuple[int, ...]
    """The next task first."""

    @classmethod
    def of(cls, record: Round, position: int, at: float, ids: list[int]) -> Head:
        """The head of a round's queue."""
        return cls(record.number, record.at, position, at, tuple(ids))

    def belongs(self, record: Round) -> bool:
        """Whether it is this round's."""
        return (self.number, self.made) == (record.number, record.at) and self.position > record.position


def write_head(path: Path, head: Head) -> None:
    """Swap the file whole. Not synced to disk: without it the round's own order stands. Raises StoreError."""
    replace_file(path, json.dumps(asdict(head), separators=(",", ":")).encode(), durable=False)


class HeadReader:
    """Keeps the latest head of each path in memory, and reads a file again when it was replaced. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[_Mark, Head | None]] = {}

    def latest(self, path: Path) -> Head | None:
        """The head that stands at `path` now; None where there is none, or what a power failure left of one.

        Raises StoreError.
        """
        try:
            with path.open("rb") as file:
                stat = os.fstat(file.fileno())
                mark = stat.st_ino, stat.st_mtime_ns, stat.st_size
                with self._lock:
                    if path not in self._known or self._known[path][0] != mark:
                        self._known[path] = mark, _parse(file.read())
                    return self._known[path][1]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error


def _parse(data: bytes) -> Head | None:
    try:
        read = json.loads(data)
        ids = tuple(int(task) for task in read["ids"])
        return Head(int(read["number"]), float(read["made"]), int(read["position"]), float(read["at"]), ids)
    except (ValueError, KeyError, TypeError):
        return None
