"""One project's other model: every task is asked about once, and again when its data or the model changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Event as Signal

import numpy as np
import structlog

from labelcue.calling import Caller
from labelcue.consulting.backend import Backend
from labelcue.consulting.naming import read
from labelcue.consulting.sources import Source, Word
from labelcue.consulting.studio import Standing
from labelcue.errors import LabelCueError, UnsupportedConfig
from labelcue.labelstudio.backoff import Backoff, repeat
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.items import prediction_event
from labelcue.labelstudio.predicted import check, numbers_of
from labelcue.store.base import Ledger
from labelcue.store.fold import Fold
from labelcue.types import Event, Json, Kind, TaskId, TaskSpec

log = structlog.get_logger(__name__)
FOLLOWED = (Kind.TASK, Kind.TASK_DELETED, Kind.LABEL_CONFIG, Kind.PREDICTION)
LOOK_S = 1.0
"""Seconds between two looks at the ledger."""
TOLD_S = 1.0
"""Seconds between two counts of what was heard, while there is more to ask."""
SILENCE = "It makes no prediction of it, or does not say how sure it is."
MOST_PROBLEMS = 100
"""Reasons that are kept by task; beyond them tasks are only counted."""


class Consultant:
    """`run` and `step` belong to one thread; `status` may be called from any."""

    def __init__(
        self,
        ls: LabelStudio,
        ledger: Ledger,
        project: int,
        model: str,
        *,
        again_s: float = 60.0,
        source: Source | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: np.random.Generator | None = None,
    ) -> None:
        """`model` as `naming` reads it, empty for none; `again_s`: seconds between two looks whether it is another one.

        Raises ConfigError.
        """
        self._ledger, self._project, self._model = ledger, project, model
        self._again_s, self._clock = again_s, clock
        self._source = source or (_source(ls, project, model) if model else None)
        self._backoff = Backoff(rng or np.random.default_rng())
        self._fold = Fold()
        self._spec: TaskSpec | None = None
        self._xml = ""
        self._mark: str | None = None
        self._looked = self._told = -float("inf")
        self._waiting: dict[TaskId, None] = {}
        """Tasks to ask about, in this order."""
        self._failed: dict[TaskId, str] = {}
        self._status: dict[str, Json] = {"model": model, "error": "", "heard": 0, "waiting": 0}

    def status(self) -> dict[str, Json]:
        """The `model` that is asked (empty: none), tasks `heard` of and `waiting`, those it says nothing of that counts
        (`missing`, the first hundred reasons in `problems`), and the `error`."""
        problems = {str(task): why for task, why in list(self._failed.items())[:MOST_PROBLEMS]}
        return {**self._status, "missing": len(self._failed), "problems": problems}

    def run(self, stop: Signal) -> None:
        """Ask until `stop` or until the project is gone. Failures are waited out, longer each time."""
        if self._source is not None:
            repeat(self._turn, stop, self._backoff, self._failing)

    def step(self) -> bool:
        """Ask about some tasks; False where none waits. Raises OutsideError, LabelStudioError, StoreError."""
        self._follow()
        if self._source is None or self._spec is None or self._fold.gone:
            return False
        self._look(self._spec)
        batch = [task for task in self._waiting if task in self._fold.tasks][: self._source.batch]
        if not batch:
            self._waiting.clear()
            return False
        answers = self._source.ask([(task, self._data(task)) for task in batch], self._spec)
        self._note(answers.words, self._spec)
        self._failed.update(answers.failed)
        for task in batch:
            self._waiting.pop(task, None)
        return True

    def _turn(self) -> float:
        busy = self.step()
        self._tell("")
        return 0.0 if busy else LOOK_S

    def _failing(self, error: LabelCueError, seconds: float) -> None:
        self._tell(str(error))
        log.warning(
            "the other model is not heard", project=self._project, error=str(error), again_in_s=round(seconds, 1)
        )

    def _follow(self) -> None:
        """What is new in the ledger: tasks that nobody was asked about, or whose data changed."""
        last = self._ledger.position(self._project)
        if last <= self._fold.position:
            return
        for event in self._ledger.read(self._project, after=self._fold.position, upto=last, kinds=FOLLOWED):
            changed = self._fold.apply(event)
            if event.kind is Kind.TASK:
                self._waiting.update((task, None) for task in changed if self._fold.prediction_of(task) is None)
        self._fold.position = max(self._fold.position, last)
        for task in [task for task in self._waiting if self._fold.prediction_of(task) is not None]:
            del self._waiting[task]
        if self._fold.label_config and self._fold.label_config != self._xml:
            self._xml = self._fold.label_config
            self._spec = _parsed(self._xml)

    def _look(self, spec: TaskSpec) -> None:
        """Whether the model is another one now: then all tasks that it has not spoken of are asked about anew."""
        if self._source is None or self._clock() - self._looked < self._again_s:
            return
        mark = self._source.mark(spec)
        self._looked = self._clock()
        if mark == self._mark:
            return
        self._mark = mark
        version = self._version()
        for task in self._fold.tasks:
            known = self._fold.prediction_of(task)
            if not self._source.lasting or known is None or known.version != version:
                self._waiting[task] = None

    def _version(self) -> str:
        """What its predictions are kept under."""
        lasting = self._source is not None and self._source.lasting
        return f"{self._model} {self._mark}" if lasting and self._mark else self._model

    def _data(self, task: TaskId) -> Mapping[str, Json]:
        data: Mapping[str, Json] = self._ledger.event(self._fold.tasks[task].position).body["data"]
        return data

    def _note(self, words: Mapping[TaskId, Word], spec: TaskSpec) -> None:
        """To the ledger, where it is news; silence is none where nothing was said before."""
        events = []
        for task, word in words.items():
            self._failed.pop(task, None)
            event, known = self._event(task, word, spec), self._fold.prediction_of(task)
            before = None if known is None else known.key.partition("@")[0]
            if before != event.key.partition("@")[0] and (known is not None or event.body["result"] is not None):
                events.append(event)
        self._ledger.append(events)

    def _event(self, task: TaskId, word: Word, spec: TaskSpec) -> Event:
        """What cannot be used counts as silence, and is named."""
        before, version = self._fold.prediction_of(task), self._version()
        after = before.position if before else self._fold.tasks[task].position
        try:
            event = prediction_event(self._project, task, version, word.score, word.result, after)
            check(spec, event.body)
            if numbers_of(spec, event.body) is not None:
                return event
            self._failed[task] = SILENCE
        except LabelCueError as error:
            self._failed[task] = str(error)
        return prediction_event(self._project, task, version, None, None, after)

    def _tell(self, error: str) -> None:
        if error or self._clock() - self._told >= TOLD_S or not self._waiting:
            self._told = self._clock()
            heard = len(self._fold.predicted)
            self._status = {"model": self._model, "error": error, "heard": heard, "waiting": len(self._waiting)}


def _source(ls: LabelStudio, project: int, model: str) -> Source:
    named = read(model)
    if named.address:
        return Backend(Caller(named.address, named.key, seconds=100.0), project)
    return Standing(ls, project, named.version)


def _parsed(xml: str) -> TaskSpec | None:
    try:
        return parse_config(xml)
    except UnsupportedConfig:  # the rounds tell of it
        return None
