"""What annotators do reaches the head of the queue at once; the round that learns from it follows.

    ledger ──► this thread: cover what was labelled, place the head anew ──► head.json, before the round's order
       └─────► Rounds: refit, rescore, rank everything ──► snapshot, and the next Standby

A thread of its own, so that a long round delays nothing. It tells the engine nothing and the ledger nothing: rounds,
and what a restart replays of them, are the same with and without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import structlog

from labelcue.errors import LabelCueError, TaskUnreadable
from labelcue.labelstudio.regions import label_of
from labelcue.pool.standby import Standby
from labelcue.store.base import Ledger
from labelcue.store.head import Head
from labelcue.types import Event, Kind, Round, TaskId, TaskSpec

log = structlog.get_logger(__name__)
PLACES = 50
"""Places that are given anew: more than annotators use up until the round."""
MANY = 200
"""Of more at once, as by an import, the round is told alone: it takes them together."""
LEAVING = (Kind.ANNOTATION, Kind.HOLD, Kind.TASK_DELETED)
"""What takes a task out of the queue. All else waits for the round."""
FAILED_S = 1.0
"""Seconds to wait after a failure."""


class Begun(NamedTuple):
    """A round, and what its head is placed anew from."""

    record: Round
    standby: Standby
    spec: TaskSpec


class Instant:
    """One project's. `begin` is called by the thread of the rounds, the rest by one of its own."""

    def __init__(
        self,
        ledger: Ledger,
        project: int,
        publish: Callable[[Head], None],
        *,
        poll_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`publish` puts a head before the order of its round, or raises StoreError."""
        self._ledger, self._project, self._publish = ledger, project, publish
        self._poll_s, self._clock = poll_s, clock
        self._next: Begun | None = None
        self._begun: Begun | None = None
        self._spent: Begun | None = None
        """A round whose head follows no more."""
        self._position = 0
        self.wake = threading.Event()
        """Set when there is a round to follow, or an end."""

    def begin(self, record: Round, standby: Standby | None, spec: TaskSpec | None) -> None:
        """A round was published; without `standby` only the next round changes its order."""
        self._next = Begun(record, standby, spec) if standby is not None and spec is not None else None
        self.wake.set()

    def run(self, stop: threading.Event) -> None:
        """Follow the ledger until `stop`, which comes with a `wake`."""
        while True:
            self.wake.clear()
            if stop.is_set():  # looked at after the bell was taken down, so that no end is missed
                return
            try:
                self.step()
            except LabelCueError as error:  # the rounds go on, and say so if they cannot
                log.warning("head not placed anew", project=self._project, error=str(error))
                stop.wait(FAILED_S)
            self.wake.wait(None if self._next is None else self._poll_s)

    def step(self) -> bool:
        """Place the head anew if something left the queue since; True if it was published."""
        begun = self._next
        if begun is None or begun is self._spent:
            return False
        if begun is not self._begun:
            begun.standby.head(PLACES)  # what is slow about the first one is done before it is wanted
            self._begun, self._position = begun, begun.record.position
        last = self._ledger.position(self._project)
        if last <= self._position:
            return False
        read = self._ledger.read(self._project, after=self._position, upto=last, kinds=LEAVING)
        events = list(islice(read, MANY + 1))
        if len(events) > MANY:
            self._spent = begun
            return False
        begun.standby.leave(_left(events, begun.spec))
        ids = begun.standby.head(PLACES) if events else None
        self._position = last
        if ids is None:
            return False
        self._publish(Head.of(begun.record, last, self._clock(), [int(task) for task in ids]))
        return True


def _left(events: list[Event], spec: TaskSpec) -> dict[TaskId, bool]:
    """The tasks of these events; True for those that somebody has labelled."""
    left: dict[TaskId, bool] = {}
    for event in events:
        task = TaskId(event.body["task"])
        left[task] = left.get(task, False) or _covers(event, spec)
    return left


def _covers(event: Event, spec: TaskSpec) -> bool:
    """Whether the model will learn from it: neither from skips nor from what cannot be read."""
    if event.kind is not Kind.ANNOTATION or event.body["cancelled"]:
        return False
    try:
        return label_of(spec, event.body["result"]) is not None
    except TaskUnreadable:
        return False
