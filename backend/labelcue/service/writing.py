"""Appends on a thread of its own: whoever asks is answered in time, though the disk stalls in the middle of a commit.

Nobody can take back a commit that the disk has not confirmed. So it goes on, the answer meanwhile is 503, and where the
event is stored in the end, it counts once: who sends it again, or finds it again, sends the same key.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import NamedTuple

from labelcue.errors import StoreBusy
from labelcue.store.base import Ledger
from labelcue.types import Event

GRACE_S = 0.02
"""Beyond its patience, so that the ledger's own words on what it waited for arrive first."""
IDLE_S = 30.0
"""The thread ends when nobody has asked for so long; the next who asks starts another."""


class _Job(NamedTuple):
    done: Future[None]
    events: Sequence[Event]
    deadline: float


class Writer:
    """One thread that appends what others ask for, one after another. Thread-safe."""

    def __init__(self, ledger: Callable[[], Ledger], patience_s: float) -> None:
        self._ledger = ledger
        self._patience_s = patience_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def append(self, events: Sequence[Event]) -> None:
        """Returns when the events are on disk. Raises what the ledger raises, and StoreBusy after `patience_s`."""
        job = _Job(Future(), events, time.monotonic() + self._patience_s)
        with self._lock:
            self._jobs.put(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
                self._thread.start()
        try:
            job.done.result(self._patience_s + GRACE_S)
        except Late:
            if job.done.cancel():
                raise _busy() from None
            raise StoreBusy(
                f"The ledger's disk has not confirmed within {1000 * self._patience_s:.0f} ms; it may yet.",
                "Try again: what is stored already counts once. Look at the disk if this stays.",
            ) from None

    def close(self, timeout: float) -> bool:
        """End the thread when all that was asked for is done; whether it has ended in time."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return True
            self._jobs.put(None)
        thread.join(max(0.0, timeout))
        return not thread.is_alive()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                with self._lock:
                    if not self._jobs.empty():
                        continue
                    self._thread = None
                return
            if job is None:
                return
            if job.done.set_running_or_notify_cancel():
                self._carry_out(job)

    def _carry_out(self, job: _Job) -> None:
        try:
            left = job.deadline - time.monotonic()
            if left <= 0:
                raise _busy()
            self._ledger().append(job.events, within=left)
        except BaseException as error:
            job.done.set_exception(error)
        else:
            job.done.set_result(None)


def _busy() -> StoreBusy:
    return StoreBusy("The ledger is busy with other writes.", "Try again; nothing was stored.")
