"""How queues reach annotators: Label Studio is asked in the background, never while a page waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from labelcue.errors import LabelCueError
from labelcue.store.connection import Connection

FRESH_S = 60.0
ANSWER_S = 3.0
"""How long Label Studio may take."""
ASKING = "Label Studio is being asked …"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Label Studio said last."""

    words: str
    remedy: str = ""
    good: bool = True
    by_plugin: bool | None = None
    """None: not known yet."""
    asked_at: float = 0.0


class Ways:
    """The latest answer of each project. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[int, Answer] = {}
        self._asking: set[int] = set()

    def of(self, connection: Connection) -> Answer:
        """What is known now; asks again, in a thread, where that is older than `FRESH_S`."""
        project = connection.project
        with self._lock:
            known = self._known.get(project)
            if (known is None or abs(self._clock() - known.asked_at) > FRESH_S) and project not in self._asking:
                self._asking.add(project)
                threading.Thread(target=self._ask, args=(connection,), name=f"way-{project}", daemon=True).start()
            return known or Answer(ASKING)

    def _ask(self, connection: Connection) -> None:
        try:
            answer = self._answer(connection)
        finally:
            with self._lock:
                self._asking.discard(connection.project)
        with self._lock:
            self._known[connection.project] = answer

    def _answer(self, connection: Connection) -> Answer:
        from labelcue.labelstudio.client import LabelStudio
        from labelcue.labelstudio.way import way_of

        try:
            studio = LabelStudio(
                connection.url, connection.token.get_secret_value(), timeout=ANSWER_S, wait=lambda _seconds: None
            )
            with closing(studio) as ls:
                way = way_of(ls, connection.project)
            return Answer(way.words, way.remedy, not way.remedy, way.by_plugin, self._clock())
        except LabelCueError as error:
            return Answer(f"Label Studio does not answer: {error.message}", error.remedy, False, None, self._clock())
