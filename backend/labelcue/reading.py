"""Vector file → token file: reads the words of each row's text, in a thread of its own, while labels are spans.

It follows the rows that `ingest` appends, so that whatever the label config was before, the words come by themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import structlog

from labelcue.embedders.marked import Marked, marked, reader_of
from labelcue.embedders.words import WIDTH, WordReader, Words
from labelcue.errors import LabelCueError, StoreError, TaskUnreadable, UnsupportedConfig
from labelcue.labelstudio.backoff import Backoff, repeat
from labelcue.labelstudio.config import parse_config
from labelcue.pool.token_file import TokenFile
from labelcue.pool.vectors import VectorFile
from labelcue.store.base import Ledger
from labelcue.store.fold import fold
from labelcue.types import Json, Kind, TaskId, TaskSpec

log = structlog.get_logger(__name__)
BATCH = 32
POLL_S = 0.2
REST_S = 60.0
"""Seconds without a text after which the reader's memory is given back."""
MOST_PROBLEMS = 100
NONE = Words(np.empty((0, WIDTH), dtype=np.float16), np.empty((0, 2), dtype=np.int32))


class Reading:
    """One project's texts → words of each row of its vector file."""

    def __init__(
        self,
        ledger: Ledger,
        vectors: VectorFile,
        tokens: TokenFile,
        position: Callable[[TaskId], int | None],
        spec: Callable[[], TaskSpec | None],
        reader: Callable[[], WordReader] = WordReader,
    ) -> None:
        """`position`: where the ledger has the newest data of a task, None where it is gone; `spec`: what
        the project asks, None while labels are no spans."""
        self._ledger, self._vectors, self._tokens = ledger, vectors, tokens
        self._position, self._spec, self._make = position, spec, reader
        self._reader: WordReader | None = None
        self._used = time.monotonic()
        self.error = ""
        """Why nothing goes on, for status pages."""
        self.problems: dict[TaskId, str] = {}
        """Texts that have no words, and why: the first `MOST_PROBLEMS` since the learner was started."""

    @property
    def idle(self) -> bool:
        """Nothing waits to be read."""
        return self._spec() is None or self._tokens.rows >= self._vectors.rows

    def run(self, stop: threading.Event) -> None:
        """Read until `stop`."""

        def turn() -> float:
            try:
                busy = self.step()
            except OSError as error:
                raise StoreError(str(error)) from error
            self.error = ""
            if busy:
                self._used = time.monotonic()
            elif time.monotonic() - self._used > REST_S:
                self._reader = None  # frees the weights
            return 0.0 if busy else POLL_S

        repeat(turn, stop, Backoff(np.random.default_rng()), self._failing)

    def status(self) -> dict[str, Json]:
        """`rows` that are read, the `error`, and why texts have no words (`problems`)."""
        problems = {str(task): why for task, why in self.problems.items()}
        return {"rows": self._tokens.rows, "error": self.error, "problems": problems}

    def _failing(self, error: LabelCueError, seconds: float) -> None:
        self.error = str(error)
        log.warning("texts not read", error=str(error), again_in_s=round(seconds, 1))

    def step(self) -> bool:
        """Read one batch; False when nothing waits."""
        first, spec = self._tokens.rows, self._spec()
        ids = self._vectors.ids[first : first + BATCH].tolist()
        if spec is None or not ids:
            return False
        texts = [self._text(TaskId(task), spec) for task in ids]
        self._reader = self._reader or self._make()
        words = iter(self._reader.read([text.text for text in texts if text is not None]))
        self._tokens.append(ids, [NONE if text is None else text.counted(next(words)) for text in texts])
        return True

    def _text(self, task: TaskId, spec: TaskSpec) -> Marked | None:
        """The task's text of now: where it has changed since, a later row stands for the task."""
        position = self._position(task)
        if position is None:
            return None
        try:
            return marked(self._ledger.event(position).body["data"], spec)
        except TaskUnreadable as error:
            if len(self.problems) < MOST_PROBLEMS:
                self.problems = {**self.problems, task: str(error)}  # another thread reads it
            return None


def newest_reader(ledger: Ledger, project: int) -> str:
    """By the newest label config, the name of what reads its texts."""
    xml = fold(ledger.read(project, kinds=(Kind.LABEL_CONFIG,))).label_config
    try:
        return reader_of(parse_config(xml) if xml else None)
    except UnsupportedConfig:  # the rounds tell of it
        return reader_of(None)
