"""Fold → engine: what another model says of each task, and crops of its boxes, in the engine's numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labelcue.errors import TaskUnreadable
from labelcue.labelstudio.judging import with_verdicts
from labelcue.labelstudio.predicted import numbers_of
from labelcue.store.fold import Fold
from labelcue.types import Event, Floats, TaskId, TaskSpec


class Hearing:
    """Reads predictions from the ledger, each once while the label config and what crops say of it stand."""

    def __init__(self, fold: Fold, event: Callable[[int], Event]) -> None:
        """`event` reads one of the ledger by its position."""
        self._fold = fold
        self._event = event
        self._xml = ""
        self._read: dict[TaskId, tuple[tuple[int, int], Floats | None]] = {}
        """Task → positions of its prediction and of what crops say of that, and what both amount to; None where that is
        nothing."""

    def said(self, tasks: Sequence[TaskId], spec: TaskSpec) -> dict[TaskId, Floats | None]:
        """Of those tasks of which something was ever said: the numbers, None where nothing of it counts now."""
        if spec.xml != self._xml:
            self._xml, self._read = spec.xml, {}
        found: dict[TaskId, Floats | None] = {}
        for task in tasks:
            state = self._fold.prediction_of(task)
            if state is not None:
                known = self._read.get(task)
                crops = self._fold.crops_of(task)
                places = state.position, crops.position if crops else 0
                if known is None or known[0] != places:
                    known = self._read[task] = places, self._numbers(*places, spec)
                found[task] = known[1]
            elif self._read.pop(task, None) is not None:
                found[task] = None
        return found

    def _numbers(self, position: int, crops: int, spec: TaskSpec) -> Floats | None:
        try:
            said = with_verdicts(self._event(position), self._event(crops) if crops else None)
            return numbers_of(spec, said.body)
        except TaskUnreadable:
            return None  # Whoever asked the model has named it; what stands here may be of an earlier label config.
