"""What the pages read: a project's files, its ledger, and what its learner has worked out. Nothing here trains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from labelcue.alarms.kept import Kept, read_kept
from labelcue.errors import LabelCueError
from labelcue.service.context import Service
from labelcue.service.findings import nothing
from labelcue.service.pages.history import History
from labelcue.service.pages.ways import Answer, Ways
from labelcue.store.connection import Connection
from labelcue.store.snapshot import Snapshot
from labelcue.store.status import read_status

T = TypeVar("T")
ALIVE_S = 15.0
"""A learner that has said nothing for so long is taken for dead; so is one that spoke in the future: the clock was set
back since, and one that lives speaks again at once."""


class Reader:
    """Reads for all pages of one service. Thread-safe."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._ways = Ways(service.clock)
        self._lock = threading.Lock()
        self._histories: dict[int, History] = {}

    def projects(self) -> list[Seen]:
        """Every connected project."""
        return [Seen(self, number) for number in self.service.home.projects()]

    def project(self, number: int) -> Seen:
        """One project; raises NotFound."""
        self.service.require(number)
        return Seen(self, number)

    def history(self, number: int) -> History:
        """What the project's ledger says; use it in a `with`."""
        with self._lock:
            known = self._histories.get(number)
            if known is None:
                known = self._histories[number] = History(number, self.service.ledger)
            return known

    def way(self, connection: Connection) -> Answer:
        """How the queue reaches annotators, as Label Studio said last."""
        return self._ways.of(connection)

    def warm(self) -> None:
        """Read every project's ledger in the background, so that the first page need not wait for it."""
        self.service.behind("pages", self.reading())

    def reading(self) -> Iterator[None]:
        """Read one project's ledger a step, as far as it was not read yet."""
        for number in self.service.home.projects():
            try:
                with self.history(number):
                    pass
            except LabelCueError:
                return  # The page that needs it will say what is wrong.
            yield


@dataclass(eq=False)
class Seen:
    """One project as one request sees it. What cannot be read is named in `problems` and hides nothing else."""

    reader: Reader
    number: int

    def __post_init__(self) -> None:
        self.problems: list[LabelCueError] = []
        self.now = self.reader.service.clock()

    @cached_property
    def connection(self) -> Connection | None:
        """How its Label Studio is reached."""
        return self.tried(lambda: Connection.load(self.reader.service.home.connection(self.number)))

    @cached_property
    def status(self) -> dict[str, Any]:
        """The learner's own words."""
        return self.tried(lambda: read_status(self.reader.service.home.status(self.number))) or {}

    @cached_property
    def alarms(self) -> Kept:
        """The alarms that stand, and what could not be sent of them."""
        return self.tried(lambda: read_kept(self.reader.service.home.alarms)) or Kept()

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The published round."""
        return self.tried(lambda: self.reader.service.snapshot(self.number))

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the learner worked out, every section there."""
        folder = self.reader.service.home.project(self.number)
        found = self.tried(lambda: self.reader.service.findings.report(folder))
        return found or nothing()

    @cached_property
    def map(self) -> dict[str, list[Any]]:
        """The pool's map as columns; empty before the first."""
        folder = self.reader.service.home.project(self.number)
        return self.tried(lambda: self.reader.service.findings.map(folder)) or {}

    @property
    def history(self) -> History:
        """The ledger; use it in a `with`."""
        return self.reader.history(self.number)

    @property
    def by_plugin(self) -> bool | None:
        """Whether the plugin serves the queue, which alone can ask a second annotator; None while nobody knows."""
        return self.reader.way(self.connection).by_plugin if self.connection is not None else None

    @property
    def title(self) -> str:
        """For people."""
        named = self.connection.title if self.connection is not None else ""
        return named or f"Project {self.number}"

    @property
    def labels(self) -> int:
        """Labelled tasks that the model knows."""
        return self.snapshot.labels if self.snapshot is not None else 0

    @property
    def tasks(self) -> int:
        """All tasks, as the learner counted them last."""
        counted = self.status.get("tasks")
        return counted if isinstance(counted, int) else len(self.snapshot.ids) if self.snapshot is not None else 0

    @property
    def alive(self) -> bool:
        """Whether a learner is at work."""
        return abs(self.now - float(self.status.get("at") or 0)) < ALIVE_S

    @property
    def behind(self) -> int:
        """Positions of the ledger that the published round does not know yet."""
        last = self.reader.service.ledger.position(self.number)
        known = self.snapshot.round.position if self.snapshot is not None else 0
        # What the learner has read and made no round of, as its own draws, is no news.
        return max(0, last - max(known, int(self.status.get("position") or 0) if self.status.get("settled") else 0))

    @property
    def state(self) -> tuple[str, str]:
        """(`good`, `warn` or `bad`; what it is doing, in few words)."""
        status, embedding = self.status, self.status.get("embedding") or {}
        if status.get("gone"):
            return "bad", "deleted in Label Studio"
        trouble = status.get("config_error") or status.get("error") or embedding.get("error")
        if trouble:
            return "bad", "needs you"
        if not self.alive:
            return "bad", "learner not running"
        if embedding.get("total", 0) > embedding.get("done", 0):
            return "warn", "reading tasks"
        if self.snapshot is None:
            return "warn", "waiting for the first round"
        return "good", "running"

    def link(self, task: int | None = None) -> str:
        """The project, or one task of it, in Label Studio; empty where its address is not known or no web address."""
        if self.connection is None or not self.connection.url.startswith(("http://", "https://")):
            return ""
        address = f"{self.connection.url.rstrip('/')}/projects/{self.number}/data"
        return address if task is None else f"{address}?task={task}"

    def tried(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; None where it cannot be read, which `problems` names."""
        try:
            return read()
        except LabelCueError as error:
            self.problems.append(error)
            return None
