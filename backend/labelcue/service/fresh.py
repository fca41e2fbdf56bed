"""Vectors for tasks that no round knows yet, as many as the time allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import structlog

from labelcue.embedders import Embedder, Task, embedders
from labelcue.embedders.joining import embed_all
from labelcue.errors import LabelCueError
from labelcue.labelstudio.client import LabelStudio
from labelcue.media import Media, open_media
from labelcue.media.fetching import Limits
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.types import Floats, Json, TaskId, TaskSpec

log = structlog.get_logger(__name__)
BATCH = 8
"""Tasks between two looks at the clock: the default embedder takes a few milliseconds for each."""


@dataclass
class Fresh:
    """What became of the tasks: a vector (d,) or a reason for each."""

    vectors: dict[TaskId, Floats] = field(default_factory=dict)
    reasons: dict[TaskId, str] = field(default_factory=dict)

    def give_up(self, tasks: Sequence[Task], reason: str) -> None:
        """The same reason for all of these."""
        self.reasons.update((task, reason) for task, _ in tasks)


class FreshVectors:
    """Embedders, made at first use, one request at a time: two would only slow each other down."""

    def __init__(self, home: Home, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._settings = settings
        self._seconds = settings.predict_embed_s
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], Embedder] = {}

    def embed(self, project: int, name: str, tasks: Mapping[TaskId, Json], spec: TaskSpec) -> Fresh:
        """Vectors of these tasks (id → data) by the embedder `name`. Never fails, and never takes much longer."""
        deadline = self._clock() + self._seconds
        found = Fresh()
        waiting: list[Task] = []
        for task, data in tasks.items():
            if isinstance(data, dict):
                waiting.append((task, data))
            else:
                found.reasons[task] = "the task has no data"
        if not waiting:
            return found
        if not self._lock.acquire(timeout=self._seconds):
            found.give_up(waiting, self._late())
            return found
        try:
            embedder = self._embedder(project, name)
            with self._media(project, embedder) as media:
                self._all(found, embedder, waiting, spec, deadline, media)
        except LabelCueError as error:
            found.give_up(_left(found, waiting), str(error))
        except Exception as error:  # an embedder may be anybody's: whatever it raises, the other tasks are answered
            log.error("embedder failed", embedder=name, project=project, exc_info=error)
            found.give_up(_left(found, waiting), f"the embedder failed ({type(error).__name__}); the log has more")
        finally:
            self._lock.release()
        return found

    def _all(
        self,
        found: Fresh,
        embedder: Embedder,
        waiting: Sequence[Task],
        spec: TaskSpec,
        deadline: float,
        media: Media | None,
    ) -> None:
        for start in range(0, len(waiting), BATCH):
            if self._clock() >= deadline:
                found.give_up(waiting[start:], self._late())
                return
            batch = waiting[start : start + BATCH]
            embedded = embed_all(embedder, batch, spec, media=media)
            found.vectors.update((batch[place][0], embedded.vectors[row]) for row, place in enumerate(embedded.ok))
            found.reasons.update(embedded.problems)

    def _embedder(self, project: int, name: str) -> Embedder:
        embedder = self._known.get((name, 0)) or self._known.get((name, project))
        if embedder is None:
            embedder = embedders.create(name)
            embedder.patience = self._seconds
            embedder.prepare(self._home.vectors(project, name))
            # What was fitted to one project's texts is that project's alone.
            self._known[name, project if embedder.needs_fit else 0] = embedder
        return embedder

    @contextmanager
    def _media(self, project: int, embedder: Embedder) -> Iterator[Media | None]:
        """Whoever fetches this request's images, each within the request's time and with one try."""
        if embedder.reads != "image":
            yield None
            return
        connection = Connection.load(self._home.connection(project))
        limits = Limits(round(self._settings.media_mb * 1e6), self._seconds, tries=1)
        with (
            closing(LabelStudio(connection.url, connection.token.get_secret_value(), self._seconds)) as ls,
            closing(open_media(self._settings, self._home.media, ls, limits=limits)) as media,
        ):
            yield media

    def _late(self) -> str:
        return f"not embedded within {self._seconds:g} s; the learner embeds it, ask again later"


def _left(found: Fresh, waiting: Sequence[Task]) -> list[Task]:
    return [task for task in waiting if task[0] not in found.vectors and task[0] not in found.reasons]
