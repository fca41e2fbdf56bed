"""Named snapshots: a position of the ledger under a name, and the SHA-256 of the labelled set as it was there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labelcue.errors import BadRequest, Conflict, NotFound
from labelcue.exports.formats import written
from labelcue.exports.labelled import Row, labelled
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind, TaskId

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Mark:
    """One named snapshot."""

    name: str
    upto: int
    """The last position of the ledger that it holds."""
    sha256: str
    """Of the labelled set as JSON, the very bytes of that export."""
    rows: int
    by: str
    at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One task between two snapshots."""

    task: TaskId
    was: str | None
    """The label before; None: it had none, or annotators were tied."""
    now: str | None
    change: Literal["new", "gone", "changed"]


def make(ledger: Ledger, project: int, name: str, by: str) -> Mark:
    """Remember what stands now under `name`. Raises BadRequest, Conflict where the name is taken, StoreError."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise BadRequest(f"A snapshot needs a name of 1 to {LONGEST_NAME} letters.", "Name what it is for.")
    upto = ledger.position(project)
    digest, rows = _digest(ledger, project, upto)
    body = {"name": name, "upto": upto, "sha256": digest, "rows": rows, "by": by}
    ledger.append([Event(project, Kind.MARK, f"mark:{name}", body)])
    made = find(ledger, project, name)
    if (made.upto, made.by) != (upto, by):
        raise Conflict(f"There is a snapshot {name!r} already.", "A snapshot never changes; choose another name.")
    return made


def marks(ledger: Ledger, project: int) -> list[Mark]:
    """Every snapshot, the oldest first."""
    return [_mark(event) for event in ledger.read(project, kinds=(Kind.MARK,))]


def find(ledger: Ledger, project: int, name: str) -> Mark:
    """The snapshot of that name; raises NotFound."""
    for mark in marks(ledger, project):
        if mark.name == name:
            return mark
    raise NotFound(f"There is no snapshot {name[:LONGEST_NAME]!r}.", "Look at the list of snapshots.")


def verify(ledger: Ledger, project: int, mark: Mark) -> bool:
    """Whether the ledger still gives the bytes that the mark was made of."""
    return _digest(ledger, project, mark.upto)[0] == mark.sha256


def changes(ledger: Ledger, project: int, before: int, after: int) -> tuple[Counter[str], Iterator[Difference]]:
    """What became of labels between two positions of the ledger: how many of each kind, and every one."""
    old, new = ({row["task"]: row for row in labelled(ledger, project, at)} for at in (before, after))
    found = [
        one for task in sorted(old.keys() | new.keys()) if (one := _difference(task, old.get(task), new.get(task)))
    ]
    return Counter(one.change for one in found), iter(found)


def _difference(task: TaskId, was: Row | None, now: Row | None) -> Difference | None:
    if was is None or now is None:
        if was is None:
            return Difference(task, None, now["label"] if now else None, "new")
        return Difference(task, was["label"], None, "gone")
    same = all(was[name] == now[name] for name in ("label", "labels", "data"))
    return None if same else Difference(task, was["label"], now["label"], "changed")


def _digest(ledger: Ledger, project: int, upto: int) -> tuple[str, int]:
    digest, counted = hashlib.sha256(), Counter[str]()

    def rows() -> Iterator[Row]:
        for row in labelled(ledger, project, upto):
            counted["rows"] += 1
            yield row

    for piece in written(rows(), "json"):
        digest.update(piece)
    return digest.hexdigest(), counted["rows"]


def _mark(event: Event) -> Mark:
    body = event.body
    return Mark(body["name"], body["upto"], body["sha256"], body["rows"], body["by"], event.at)
