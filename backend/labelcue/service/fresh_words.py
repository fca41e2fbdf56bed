"""The words of texts that no round knows yet, as many as the time allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from labelcue.embedders.marked import marked
from labelcue.embedders.words import WordReader, Words
from labelcue.errors import LabelCueError
from labelcue.settings import Settings
from labelcue.types import Json, TaskId, TaskSpec


@dataclass(frozen=True)
class Read:
    """What became of the tasks: their words or a reason for each."""

    words: dict[TaskId, Words] = field(default_factory=dict)
    reasons: dict[TaskId, str] = field(default_factory=dict)


class FreshWords:
    """One reader, one request at a time: two would only slow each other down."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = settings.predict_embed_s, clock
        self._lock = threading.Lock()
        self._reader = WordReader()

    def read(self, tasks: Mapping[TaskId, Json], spec: TaskSpec) -> Read:
        """The words of these tasks (id → data). Never fails for one task, and never takes much longer."""
        deadline, found = self._clock() + self._seconds, Read()
        if not tasks:
            return found
        got = self._lock.acquire(timeout=self._seconds)
        try:
            for task, data in tasks.items():
                if not got or self._clock() >= deadline:
                    late = f"not read within {self._seconds:g} s; the learner reads it, ask again later"
                    found.reasons[task] = late
                    continue
                self._one(found, task, data, spec)
        finally:
            if got:
                self._lock.release()
        return found

    def _one(self, found: Read, task: TaskId, data: Json, spec: TaskSpec) -> None:
        if not isinstance(data, dict):
            found.reasons[task] = "the task has no data"
            return
        try:
            text = marked(data, spec)
            found.words[task] = text.counted(self._reader.read([text.text])[0])
        except LabelCueError as error:
            found.reasons[task] = str(error)
