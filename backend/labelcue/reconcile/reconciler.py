"""When to look at Label Studio, and at what."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from threading import Event as Signal

import numpy as np
import structlog

from labelcue.errors import LabelCueError, ProjectGone
from labelcue.labelstudio import events
from labelcue.labelstudio.backoff import Backoff, repeat, wait_for
from labelcue.labelstudio.client import LabelStudio
from labelcue.reconcile.comparison import SAME, Comparison, Report, counters_of
from labelcue.reconcile.mirror import Counters, Mirror
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.types import Event, Json

log = structlog.get_logger(__name__)

SHORTEST = 1.0
"""Seconds between two polls, however often somebody asks for one."""
_NO_PROGRESS: dict[str, Json] = {"doing": "", "progress": []}


class _Stopped(Exception):
    """Somebody asked the poll to end."""


class Reconciler:
    """Makes the ledger equal to Label Studio for one project. `poll` and `run` belong to one thread.

    `settings.reconcile_s` paces `run`; after `settings.reconcile_full_s` seconds everything is compared, whatever the
    counters say. `on_progress` is called with what is being done, how many are done, and of how many.
    """

    def __init__(
        self,
        ls: LabelStudio,
        ledger: Ledger,
        project: int,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        on_progress: Callable[[str, int, int], None] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.wake = Signal()
        """Set it, and `run` polls within a second, unless it waits after a failure."""
        self._ls = ls
        self._project = project
        self._settings = settings
        self._clock = clock
        self._on_progress = on_progress
        self._backoff = Backoff(rng or np.random.default_rng())
        self._mirror = Mirror(ledger, project, self._appended)
        self._comparison = Comparison(ls, self._mirror, project, self._progress, clock)
        self._compared_at: float | None = None
        self._accepted: Counters = SAME
        """A difference of the counters that comparing everything did not explain."""
        self._report = Report()
        self._stop = Signal()
        self._status: dict[str, Json] = {"last_ok": None, "error": "", "again_in_s": 0.0, "last": {}} | _NO_PROGRESS

    def status(self) -> dict[str, Json]:
        """For status pages, from any thread.

        `last_ok` (Unix seconds) and its report `last`; `error` and the seconds to the next try; `doing` and its
        `progress` as [done, of how many], empty when nothing is being done.
        """
        return dict(self._status)

    def run(self, stop: Signal) -> None:
        """Poll every `reconcile_s` seconds and whenever `wake` is set, until `stop` or until the project is gone.

        Failures are waited out, longer each time; `wake` does not shorten that.
        """

        def turn() -> float | None:
            if self.poll(stop).project_gone:
                return None
            wait_for(SHORTEST, stop)
            return self._settings.reconcile_s - SHORTEST

        repeat(turn, stop, self._backoff, self._failing, self.wake)

    def poll(self, stop: Signal | None = None) -> Report:
        """One look; cheap when nothing changed. The first one compares everything: it takes a project over.

        Raises LabelStudioError (LabelStudioDown where it is worth trying again) and StoreError; what was found until
        then is in the ledger. After `stop` it ends early, with what it has.
        """
        start, self._stop, self._report = time.perf_counter(), stop or Signal(), Report()
        report = self._report
        try:
            self._look()
        except ProjectGone:
            self._record_end()
        except _Stopped:
            log.info("reconcile stopped before its end", project=self._project)
        report.problems = tuple(self._comparison.problems.values())[:100]
        report.seconds = round(time.perf_counter() - start, 3)
        self._tell(report)
        return report

    def _look(self) -> None:
        now = self._clock()
        project = self._ls.project(self._project)
        self._mirror.catch_up()
        self._compare_config(str(project.get("label_config") or ""))
        due = self._compared_at is None or not 0 <= now - self._compared_at < self._settings.reconcile_full_s
        if not due and self._comparison.look_at_changes():
            difference = self._comparison.difference(self._accepted)
            if difference in (SAME, self._accepted):
                self._accepted = difference
                return
        self._look_at_everything(counters_of(project)[0])
        self._compared_at = now

    def _look_at_everything(self, tasks: int) -> None:
        self._report.full = True
        self._comparison.compare_everything(tasks)
        self._accepted = self._comparison.difference(self._accepted)
        if self._accepted != SAME:
            self._comparison.read_annotated()
            self._accepted = self._comparison.difference(self._accepted)
        if self._accepted != SAME:
            log.warning("counters differ after comparing everything", project=self._project, by=self._accepted)

    def _compare_config(self, xml: str) -> None:
        known = self._mirror.fold.label_config
        if not xml or xml == known:
            return
        # The API does not say when it changed; what stands there now is the newest.
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        event = events.label_config_event(self._project, xml, self._mirror.config_moment(now))
        if event.body["label_config"] != known:
            self._mirror.append([event])

    def _record_end(self) -> None:
        self._mirror.catch_up()
        self._report.project_gone = True
        if not self._mirror.fold.gone:
            self._mirror.append([events.project_deleted_event(self._project)])

    def _appended(self, event: Event) -> None:
        self._report.count(event)
        self._check_stop()

    def _failing(self, error: LabelCueError, seconds: float) -> None:
        self._status |= {"error": str(error), "again_in_s": round(seconds, 1)} | _NO_PROGRESS
        log.warning("reconcile failed", project=self._project, error=str(error), again_in_s=round(seconds, 1))

    def _tell(self, report: Report) -> None:
        said = asdict(report)
        self._status |= {"last_ok": self._clock(), "error": "", "again_in_s": 0.0, "last": said} | _NO_PROGRESS
        if report.events:
            shown = {name: value for name, value in said.items() if value and name != "problems"}
            log.info("reconciled", project=self._project, **shown)

    def _progress(self, what: str, done: int, total: int) -> None:
        self._status |= {"doing": what, "progress": [done, total]}
        if self._on_progress is not None:
            self._on_progress(what, done, total)
        self._check_stop()

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _Stopped
