"""What another model said last of each task, by the ledger: looked up when somebody is to be shown its regions."""

from __future__ import annotations

import threading
from typing import NamedTuple

from labelcue.labelstudio.judging import with_verdicts
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind, TaskId

KINDS = (Kind.TASK, Kind.PREDICTION, Kind.CROPS)


class _Said(NamedTuple):
    """Where the ledger has it."""

    position: int
    key: str
    crops: int = 0
    """Position of what crops say of it; 0: nothing."""


class Marked:
    """Of all projects. The first look at a project reads all its predictions, later ones what is new. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[int, int] = {}
        """Project → the position up to which its predictions are known."""
        self._at: dict[int, dict[TaskId, _Said]] = {}

    def of(self, ledger: Ledger, project: int, task: TaskId) -> Event | None:
        """The latest prediction of a task, with what crops say of it; None where there is none, or only of other data.
        Raises StoreError."""
        with self._lock:
            last, known = ledger.position(project), self._at.setdefault(project, {})
            for event in ledger.read(project, after=self._read.get(project, 0), upto=last, kinds=KINDS):
                _note(known, event)
            self._read[project] = last
            said = known.get(task)
        if said is None:
            return None
        return with_verdicts(ledger.event(said.position), ledger.event(said.crops) if said.crops else None)


def _note(known: dict[TaskId, _Said], event: Event) -> None:
    task = TaskId(event.body["task"])
    if event.kind is Kind.PREDICTION:
        known[task] = _Said(event.position, event.key)
    elif event.kind is Kind.TASK:
        known.pop(task, None)
    elif task in known and known[task].key == event.body["of"]:
        known[task] = known[task]._replace(crops=event.position)
