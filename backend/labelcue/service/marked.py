"""What another model said last of each task, by the ledger: looked up when somebody is to be shown its regions."""

from __future__ import annotations

import threading

from labelcue.store.base import Ledger
from labelcue.types import Event, Kind, TaskId

KINDS = (Kind.TASK, Kind.PREDICTION)


class Marked:
    """Of all projects. The first look at a project reads all its predictions, later ones what is new. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[int, int] = {}
        """Project → the position up to which its predictions are known."""
        self._at: dict[int, dict[TaskId, int]] = {}

    def of(self, ledger: Ledger, project: int, task: TaskId) -> Event | None:
        """The latest prediction of a task; None where there is none, or only of other data. Raises StoreError."""
        with self._lock:
            last, known = ledger.position(project), self._at.setdefault(project, {})
            for event in ledger.read(project, after=self._read.get(project, 0), upto=last, kinds=KINDS):
                if event.kind is Kind.PREDICTION:
                    known[TaskId(event.body["task"])] = event.position
                else:
                    known.pop(TaskId(event.body["task"]), None)
            self._read[project] = last
            position = known.get(task)
        return None if position is None else ledger.event(position)
