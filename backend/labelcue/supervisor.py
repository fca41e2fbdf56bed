"""`labelcue serve`: keeps the service and the learner running, each a process of its own.

Either may die at any time; it is started again, slower the more often it fails in a row. A child ends by itself when
its supervisor is gone, so that nothing is left behind by a `kill -9`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)
STOP_S = 10.0
"""Time that a child has to finish after SIGTERM."""
STEADY_S = 30.0
"""A child that ran for so long is started again at once."""


@dataclass
class Child:
    """One process and how often it failed in a row."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    resume_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it, telling it whose child it is."""
        environment = {**os.environ, "LABELCUE_SUPERVISOR": str(os.getpid())}
        self.process = subprocess.Popen(list(self.command), env=environment, start_new_session=False)
        self.started = time.monotonic()
        log.info("started", child=self.name, pid=self.process.pid)

    def watch(self) -> int | None:
        """Start it again if it ended; its exit status if it cannot be started at all."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.resume_at:
                self.start()
            return None
        status = self.process.poll()
        if status is None:
            return None
        self.process = None
        self.failures = 1 if now - self.started > STEADY_S else self.failures + 1
        if status == os.EX_CONFIG:
            return status
        pause = min(30.0, 0.25 * 2**self.failures)
        self.resume_at = now + pause
        log.warning("ended", child=self.name, status=status, again_in_s=pause)
        return None


def supervise(children: dict[str, Sequence[str]], stop: threading.Event) -> int:
    """Run the commands until `stop`; the exit status: 0, or a child's that says its configuration is wrong."""
    family = [Child(name, command) for name, command in children.items()]
    status = 0
    while not stop.is_set() and not status:
        for child in family:
            status = status or child.watch() or 0
        stop.wait(0.1)
    _end(family)
    return status


def _end(family: Sequence[Child]) -> None:
    running = [child.process for child in family if child.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + STOP_S
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("did not stop in time, killed", pid=process.pid)
            process.kill()
            process.wait()


def stop_on_signals(stop: threading.Event) -> None:
    """SIGTERM and SIGINT set `stop`. Call it in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())


def end_with_supervisor(end: Callable[[], None]) -> None:
    """In a child: call `end` when the supervisor that started it is gone."""
    parent = os.environ.get("LABELCUE_SUPERVISOR", "")
    if not parent.isdecimal():
        return

    def look() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        end()

    threading.Thread(target=look, name="supervisor", daemon=True).start()


def command(*arguments: str) -> list[str]:
    """The command line of another `labelcue` process."""
    return [sys.executable, "-m", "labelcue.cli", *arguments]
