"""LabelCue's own processes, for proofs that kill them: service and learner as `labelcue serve --only` runs them."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelcue import keys
from servicing import PASSWORD, SECRET, connect
from waiting import until

PROJECT = 10
SERVICE = """
import os, sys
from pathlib import Path
from typing import Any
from labelcue.service.serve import serve
from labelcue.settings import Settings
home, password, secret = sys.argv[1:]
settings = Settings(home=Path(home), port=0, basic_password=password, webhook_secret=secret, log_format="json",
    log_level=os.environ.get("LABELCUE_LOG_LEVEL", "info"), busy_ms=int(os.environ["LABELCUE_BUSY_MS"]))
sys.exit(serve(settings, lambda url: print(os.getpid(), url, flush=True)))
"""
PATIENT_MS = 60_000
"""A busy machine's disk is slow, not stalled: proofs that are about something else wait for it."""
HOOK = {"LabelCue-Secret": keys.webhook(SECRET, PROJECT, 0)}
AS_PLUGIN = {"Authorization": f"Bearer {keys.bearer(SECRET, PROJECT)}"}


class Process:
    """One process of LabelCue, started again as often as a proof likes."""

    def __init__(
        self,
        home: Path,
        what: str,
        *,
        wrapper: Sequence[str] = (),
        busy_ms: int = PATIENT_MS,
        sites: Sequence[Path] = (),
    ) -> None:
        """`what`: "service" or "learner"; `wrapper` goes before the command line, `sites` before its PYTHONPATH."""
        self.home, self.what, self._wrapper, self._busy_ms = home, what, list(wrapper), busy_ms
        self._path = os.pathsep.join([*map(str, sites), *sys.path])
        self.url = ""
        self._pid = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of LabelCue's own process, inside whatever wraps it."""
        return self._pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; a service has its address in `url` when this returns."""
        own = [sys.executable, "-c", SERVICE, str(self.home), PASSWORD, SECRET]
        learner = [sys.executable, "-m", "labelcue.cli", "serve", "--only", "learner", "--home", str(self.home)]
        learner += ["--insights-s", "0", "--log-format", "json"]
        secrets = {"LABELCUE_BASIC_PASSWORD": PASSWORD, "LABELCUE_WEBHOOK_SECRET": SECRET}
        environment = {**os.environ, "PYTHONPATH": self._path, **secrets}
        environment["LABELCUE_BUSY_MS"] = str(self._busy_ms)
        with (self.home / f"{self.what}.log").open("ab") as told:
            self._process = subprocess.Popen(
                [*self._wrapper, *(own if self.what == "service" else learner)],
                stdout=subprocess.PIPE if self.what == "service" else told,
                stderr=told,
                env=environment,
            )
        self._pid = self._process.pid
        if self.what == "service":
            assert self._process.stdout is not None
            said = self._process.stdout.readline().decode().split()
            assert len(said) == 2, (self.home / "service.log").read_text()[-2000:]
            self._pid, self.url = int(said[0]), said[1]

    def end(self, number: signal.Signals, patience: float = 120) -> int:
        """Send a signal and wait; the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            os.kill(self._pid, number)  # Its own: what wraps it ends with it.
        status = self._process.wait(patience)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self.url = ""
        return status

    def kill(self) -> None:
        """As the kernel does it when memory runs out."""
        if self._process is not None:
            self.end(signal.SIGKILL)


@contextmanager
def serving(home: Path, **options: Any) -> Iterator[Process]:
    """A running service on a home with one project, whose Label Studio is never there."""
    if not (home / "projects").exists():
        connect(home, PROJECT, embedder="tfidf-svd")
    process = Process(home, "service", **options)
    process.start()
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def learning(home: Path, **options: Any) -> Iterator[Process]:
    """A running learner."""
    process = Process(home, "learner", **options)
    process.start()
    try:
        yield process
    finally:
        process.kill()


class Crowd:
    """Threads that post without pause until `stop`; each gets its number and says what was acknowledged."""

    def __init__(self, count: int, post: Callable[[int, int], object]) -> None:
        self.acknowledged: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.problems: list[BaseException] = []
        self._stop = threading.Event()
        self._post = post
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self, number: int) -> None:
        turn = 0
        while not self._stop.is_set():
            try:
                said = self._post(number, turn)
            except BaseException as error:
                self.problems.append(error)
                return
            turn += 1
            if said is not None:
                self.acknowledged.put(said)

    def until(self, count: int) -> None:
        """Wait for so many acknowledgements in all."""
        until(lambda: self.acknowledged.qsize() >= count or self.problems, what=f"{count} acknowledgements")

    def end(self) -> list[object]:
        """Stop them; all that was acknowledged. Raises what any of them met."""
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()
        if self.problems:
            raise self.problems[0]
        return [self.acknowledged.get() for _ in range(self.acknowledged.qsize())]
