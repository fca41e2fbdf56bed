"""Looks after every project and raises alarms: a thread of the service, which is there when the learner is not.

Several services on one home folder: one of them watches, whichever holds the lock; the system takes it back when its
holder dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import structlog

from labelcue.alarms import Address, Book, Outbox, Sight, judge
from labelcue.alarms.book import Standing, Status, message
from labelcue.alarms.kept import Best, Kept, read_kept, write_kept
from labelcue.alarms.outbox import FIRST_S
from labelcue.errors import Corrupt, LabelCueError
from labelcue.service.context import Service
from labelcue.service.pages.reading import Reader, Seen

T = TypeVar("T")
log = structlog.get_logger(__name__)
LOOK_S = 5.0
"""Seconds between two looks at all projects."""
PAGES = {"drift": "/coverage", "slice": "/coverage", "accuracy": "/quality", "stop": "/stopping"}
"""The page that an alarm is about; the overview for all others."""


class Watch:
    """All projects of one home folder."""

    def __init__(
        self, service: Service, addresses: tuple[Address, ...], look_s: float = LOOK_S, first_s: float = FIRST_S
    ) -> None:
        """`first_s`: the first pause after a message that nobody took."""
        self._service, self._addresses = service, addresses
        self._look_s, self._first_s = look_s, first_s
        self._reader = Reader(service)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._saving = threading.Lock()
        self._book, self._best = Book(), dict[int, Best]()
        self._outbox: Outbox | None = None

    def start(self) -> None:
        """Begin to look, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; what was not sent is sent after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        path = self._service.home.root / "alarms.lock"
        while not self._stop.is_set():
            try:
                with alone(path):
                    self._watch()
            except BlockingIOError:
                pass  # Another service watches.
            except OSError as error:
                log.warning("alarms are not watched", path=str(path), reason=error.strerror)
            self._stop.wait(self._look_s)

    def _watch(self) -> None:
        kept = self._kept()
        self._book, self._best = Book(kept.standing), dict(kept.best)
        count = self._service.metrics.alarm
        self._outbox = Outbox(
            self._addresses, kept.lanes, self._save, count, clock=self._service.clock, first_s=self._first_s
        )
        self._outbox.start()
        try:
            while not self._stop.is_set():
                self._look_safely()
                self._stop.wait(self._look_s)
        finally:
            self._outbox.stop()
            self._save()

    def _kept(self) -> Kept:
        """What was known when the service ended; nothing where it cannot be read, which is logged."""
        try:
            return read_kept(self._service.home.alarms)
        except Corrupt as error:
            log.error("alarms begin anew", reason=error.message)
            return Kept()
        except LabelCueError as error:
            raise OSError(0, error.message) from error

    def _look_safely(self) -> None:
        """One fault, of whatever kind, never ends the watch."""
        try:
            self.look()
        except Exception as error:
            known = isinstance(error, LabelCueError)
            log.error("alarms not looked at", reason=str(error) if known else "", exc_info=not known)

    def look(self) -> None:
        """Look once at every project, and tell what is new."""
        numbers = self._service.home.projects()
        news = [*self._news(numbers)]
        for status, one in news:
            log.info("alarm", status=status, project=one.alarm.project, alarm=one.alarm.name)
            self._tell(status, one)
        if news:
            self._save()

    def _news(self, numbers: list[int]) -> Iterator[tuple[Status, Standing]]:
        yield from self._book.let_go(frozenset(numbers))
        for number in numbers:
            seen = Seen(self._reader, number)
            sight = sight_of(seen)
            yield from self._book.update(number, judge(sight, self._best_of(sight)), seen.now)

    def _best_of(self, sight: Sight) -> float | None:
        """The best lower bound of the accuracy so far, this one included; other classes begin anew."""
        accuracy = sight.report["audit"]["accuracy"] if sight.report is not None else None
        if sight.report is None or not accuracy:
            return None
        classes, best = tuple(sight.report["classes"]), self._best.get(sight.project)
        if best is None or best.classes != classes or accuracy["low"] > best.low:
            best = self._best[sight.project] = Best(classes, float(accuracy["low"]))
            self._save()
        return best.low

    def _tell(self, status: Status, one: Standing) -> None:
        number, name = one.alarm.project, one.alarm.name
        title = Seen(self._reader, number).title
        page = f"{self._service.settings.base_url}/projects/{number}{PAGES.get(name, '')}"
        if self._outbox is not None:
            self._outbox.put(message(status, one, title, page, self._service.clock()))

    def _save(self) -> None:
        try:
            with self._saving:
                lanes = self._outbox.as_json() if self._outbox is not None else {}
                write_kept(self._service.home.alarms, dict(self._book.standing), dict(self._best), lanes)
        except LabelCueError as error:
            log.warning("alarms not saved", reason=error.message)


def sight_of(seen: Seen) -> Sight:
    """What one project's files and its ledger say; what cannot be read is None."""
    status, report = _told(seen, lambda: seen.status), _told(seen, lambda: seen.report)
    snapshot = seen.snapshot
    try:
        behind = seen.behind
    except LabelCueError:
        behind = None
    queue_at = snapshot.round.at if snapshot is not None else None
    return Sight(seen.number, seen.now, status, report, seen.alive, behind, queue_at)


def _told(seen: Seen, read: Callable[[], T]) -> T | None:
    """What `read` gives; None where it named a problem."""
    known, found = len(seen.problems), read()
    return found if len(seen.problems) == known else None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file. Raises BlockingIOError where another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
