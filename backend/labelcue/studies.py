"""When insights are computed: a process of its own for each run, one at a time, of the lowest priority.

Not a thread of the learner's: beside rounds it would share Python's lock with them, and each of a round's many short
steps would wait for it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from labelcue.settings import Settings
from labelcue.supervisor import command

log = structlog.get_logger(__name__)
FIRST_S = 15.0
"""So long after it was taken up a project's first run waits, at most."""
REST = 5.0
"""A run is followed by a rest of so many times its duration, at least."""
FAILED_S = 600.0
"""The rest after a run that failed."""
STOP_S = 3.0
Start = Callable[[Sequence[str], Mapping[str, str]], subprocess.Popen[bytes]]


def _start(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(list(words), env=dict(environment), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


class Studies:
    """Of all projects of a learner. Cheap to ask: called in every turn of its loop."""

    def __init__(self, settings: Settings, start: Start = _start, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._start = start
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._of = (0, 0)
        """Project and round of the child."""
        self._began = 0.0
        self._done: dict[int, int] = {}
        """The round that each project's last run was of."""
        self._next: dict[int, float] = {}

    def step(self, rounds: Mapping[int, int]) -> None:
        """`rounds`: the latest round of each project that has one. Starts a run where one is due."""
        if not self._settings.insights_s or not self._is_free():
            return
        now = self._clock()
        for project in sorted(rounds, key=lambda one: self._next.get(one, 0.0)):
            due = self._next.setdefault(project, now + min(FIRST_S, self._settings.insights_s))
            if now >= due and self._done.get(project) != rounds[project]:
                self._run(project, rounds[project])
                return

    def stop(self) -> None:
        """End a run that is going on; nothing is half written."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def _run(self, project: int, number: int) -> None:
        settings = self._settings
        words = ["insights", "--project", str(project), "--home", str(settings.home), "--store", settings.store_url]
        environment = {**os.environ, "LABELCUE_SUPERVISOR": str(os.getpid()), "OMP_NUM_THREADS": "1"}
        self._of, self._began = (project, number), self._clock()
        self._child = self._start(command(*words), environment)

    def _is_free(self) -> bool:
        """No run is going on; takes note of one that has ended."""
        if self._child is None:
            return True
        status = self._child.poll()
        if status is None:
            return False
        (project, number), now = self._of, self._clock()
        self._child = None
        self._done[project] = number
        rest = max(self._settings.insights_s, REST * (now - self._began))
        if status:
            log.warning("insights failed", project=project, round=number, status=status)
            rest = max(rest, FAILED_S)
        self._next[project] = now + rest
        return True
