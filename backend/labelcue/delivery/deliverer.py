"""When frontiers are rotated: in a thread of its own, at a small share of the time.

Rotating costs Label Studio dearly, so that the next rotation begins at the earliest `duration / delivery_duty` seconds
after the last one began; except that a frontier never runs dry where that can be helped: what follows is random order.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from threading import Event as Signal
from threading import Lock

import numpy as np
import structlog

from labelcue.delivery.content import Heard, free_of, nobody, threshold
from labelcue.delivery.frontier import LARGEST, NEW_ORDER, Pace, View
from labelcue.delivery.plugged import Plugged
from labelcue.delivery.record import FrontierRecord
from labelcue.delivery.rotation import Rotation
from labelcue.errors import LabelCueError, ProjectGone
from labelcue.labelstudio.backoff import Backoff, repeat
from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.types import Json, TaskId

log = structlog.get_logger(__name__)

SAMPLING = "Uncertainty sampling"
RECENT = 50
"""Rotations that the status' figures are taken from."""
IDLE = 3600.0
"""Seconds to wait where there is no order yet."""
APART = 15.0
"""Seconds between two rotations, at least, where labels are shown: replaced frontiers are kept long then, and Label
Studio slows down with the predictions that it holds."""
LONGEST_PENALTY = 600.0
"""Seconds that one failed rotation puts off the next, at most."""


class _Stopped(Exception):
    """Somebody asked the rotation to end; the old frontier is being served."""


class Delivery:
    """Keeps one project's frontier. `publish` and `status` may be called from any thread; `run` and `step` from one."""

    def __init__(
        self,
        ls: LabelStudio,
        home: Home,
        project: int,
        settings: Settings,
        connection: Connection,
        *,
        heard: Heard = nobody,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.wake = Signal()
        """Set when there is something to deliver."""
        self._ls = ls
        self._project = project
        self._settings = settings
        self._clock = clock
        self._timer = timer
        self._backoff = Backoff(rng or np.random.default_rng())
        self._pre_annotation = connection.pre_annotation
        self._rotation = Rotation(
            ls,
            project,
            FrontierRecord(home.project(project) / "frontiers.jsonl"),
            confident=None,
            check_stop=self._check_stop,
            heard=heard,
            clock=clock,
            timer=timer,
        )
        self._plugged = Plugged(ls, project, timer)
        self._stop = Signal()
        self._lock = Lock()
        self._snapshot: Snapshot | None = None
        self._pace = Pace()
        self._left: set[TaskId] = set()
        """What is left of a frontier by the order that was published last."""
        self._left_of: tuple[TaskId, ...] = ()
        """That frontier: the thread that rotates may have begun another since."""
        self._resumed = False
        self._allowed_at = self._look_at = timer()
        self._seconds: deque[float] = deque(maxlen=RECENT)
        self._started: deque[float] = deque(maxlen=RECENT)
        self._words: dict[str, Json] = {
            "error": "",
            "again_in_s": 0.0,
            "sampling": "",
            "reason": "",
            "rotated_at": None,
        }

    def publish(self, snapshot: Snapshot) -> None:
        """There is a new order."""
        with self._lock:
            tasks = self._rotation.tasks
            left = free_of(snapshot, tasks)
            if tasks is self._left_of:
                self._pace.note(self._timer(), len(self._left - left))
            self._snapshot, self._left, self._left_of = snapshot, left, tasks
        self.wake.set()

    def status(self) -> dict[str, Json]:
        """For status pages.

        `version` (empty: nothing of ours is served), whether labels are `shown`, whether annotators are served
        `by_plugin`, so that a new order alone is written rarely, `size`, `left`, `rotated_at` (Unix
        seconds), the `reason`, how long the recent `rotations` took in seconds and their share of the time (`duty`),
        tasks used up a minute, `sampling` (a remark where somebody changed it), the `error` and the seconds to the
        next try.
        """
        with self._lock:
            left, rate = len(self._left), self._pace.rate(self._timer())
        seconds, rotation = list(self._seconds), self._rotation
        return {
            **self._words,
            "version": rotation.version if rotation.serving else "",
            "shown": rotation.confident is not None,
            "by_plugin": self._plugged.serves,
            "size": len(rotation.tasks),
            "left": left,
            "rotations": len(seconds),
            "last_s": round(seconds[-1], 3) if seconds else None,
            "p50_s": round(statistics.median(seconds), 3) if seconds else None,
            "worst_s": round(max(seconds), 3) if seconds else None,
            "duty": round(self._duty(seconds), 3),
            "used_per_minute": round(60 * rate, 1),
        }

    def run(self, stop: Signal) -> None:
        """Rotate when it is due, until `stop` or until the project is gone. Failures are waited out, ever longer."""

        def turn() -> float | None:
            try:
                pause = self.step(stop)
            except _Stopped:
                return None
            except ProjectGone as error:
                self._words["error"] = str(error)
                return None
            self._words |= {"error": "", "again_in_s": 0.0}
            return pause

        repeat(turn, stop, self._backoff, self._failing, self.wake)

    def step(self, stop: Signal | None = None) -> float:
        """Rotate once if that is due; the seconds until something may be due again, if nothing is published before.

        Raises LabelStudioError and StoreError; what was served before is being served still.
        """
        self._stop = stop or Signal()
        with self._lock:
            snapshot = self._snapshot
        if snapshot is None:
            return IDLE
        self._rotation.confident = threshold(snapshot, self._settings.confident, self._pre_annotation)
        if not self._resumed:
            self._rotation.resume()
            self._settle()
            self._resumed = True
        if self._timer() >= self._look_at:
            self._look()
        self._plugged.look()
        if not self._words["sampling"]:
            view = self._view(snapshot)
            reason = view.reason or self._other_reason(view)
            if reason and not (reason == NEW_ORDER and self._plugged.can_wait(view.rate, self._age())):
                self._rotate(snapshot, view, reason)
        return self._pause(self._delete_stale())

    def _look(self) -> None:
        """Whether Label Studio still serves what we think it does. Another sampling is somebody's choice: we say so."""
        project = self._ls.project(self._project)
        self._look_at = self._timer() + self._settings.reconcile_s
        self._rotation.noticed(project)
        sampling = str(project.get("sampling") or "")
        remark = (
            "" if sampling == SAMPLING else f"Nothing is delivered: the sampling is {sampling!r}, not {SAMPLING!r}."
        )
        if remark != self._words["sampling"]:
            self._words["sampling"] = remark
            log.warning("sampling changed", project=self._project, sampling=sampling)

    def _age(self) -> float:
        """Seconds since the last rotation began; without end before the first one of this process."""
        return self._timer() - self._started[-1] if self._started else math.inf

    def _other_reason(self, view: View) -> str:
        """Why a rotation is due though the order is the same; empty: it is not."""
        if not view.wanted or view.until_allowed > 0:
            return ""
        if not self._rotation.serving:
            return "not served"
        return "other labels shown" if self._rotation.shown_from != self._rotation.confident else ""

    def _view(self, snapshot: Snapshot) -> View:
        now = self._timer()
        with self._lock:
            left, rate = self._left, self._pace.rate(now)
        return View(
            wanted=[TaskId(task) for task in snapshot.order[:LARGEST].tolist()],
            held=[task for task in self._rotation.tasks if task in left],
            rate=rate,
            gap=self._gap(),
            until_allowed=self._allowed_at - now,
            least=self._settings.frontier,
        )

    def _rotate(self, snapshot: Snapshot, view: View, reason: str) -> None:
        start = self._timer()
        try:
            self._rotation.rotate(snapshot, view.wanted[: view.size])
        except BaseException:
            # What failed has cost Label Studio as much; but one time-out must not mean hours of an old order. And a
            # request that timed out may have been carried out: look again at what is served before anything is deleted.
            self._resumed = False
            self._allowed_at = start + min(LONGEST_PENALTY, (self._timer() - start) / self._settings.delivery_duty)
            raise
        finally:
            self._settle()
        took = self._timer() - start
        self._seconds.append(took)
        self._started.append(start)
        self._allowed_at = start + self._gap()
        self._words |= {"reason": reason, "rotated_at": round(self._clock(), 3)}
        about = {"version": self._rotation.version, "tasks": len(self._rotation.tasks), "reason": reason}
        log.info("frontier delivered", project=self._project, seconds=round(took, 3), **about)

    def _delete_stale(self) -> float | None:
        """What deleting costs Label Studio belongs to the last rotation's cost. See `Rotation.delete_stale`."""
        start = self._timer()
        wait = self._rotation.delete_stale()
        took = self._timer() - start
        if took and self._seconds:
            self._seconds[-1] += took
            self._allowed_at = self._started[-1] + self._gap()
        return wait

    def _settle(self) -> None:
        """Take what is left of a frontier that has just begun to be served."""
        with self._lock:
            if self._snapshot is not None:
                self._left_of = self._rotation.tasks
                self._left = free_of(self._snapshot, self._left_of)

    def _gap(self) -> float:
        took = (self._seconds[-1] if self._seconds else 0.0) / self._settings.delivery_duty
        return took if self._rotation.confident is None else max(took, APART)

    def _pause(self, until_delete: float | None) -> float:
        now = self._timer()
        waits = [self._look_at - now, *([self._allowed_at - now] if self._allowed_at > now else [])]
        waits += [] if until_delete is None else [until_delete]
        return max(0.05, min(waits))

    def _duty(self, seconds: list[float]) -> float:
        """The share of the time that the recent rotations took, up to when the next one is allowed."""
        span = max(self._timer(), self._allowed_at) - self._started[0] if seconds else 0.0
        return sum(seconds) / span if span > 0 else 0.0

    def _failing(self, error: LabelCueError, seconds: float) -> None:
        self._words |= {"error": str(error), "again_in_s": round(seconds, 1)}
        log.warning("delivery failed", project=self._project, error=str(error), again_in_s=round(seconds, 1))

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _Stopped
