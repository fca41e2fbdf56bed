"""A disk that is full, then read-only, then whole again: really so, on a small file system of its own."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from labelcue.store import open_ledger
from servicing import BASIC, PASSWORD, SECRET
from soak.posting import Mark, annotations, config, post, stored, tasks
from soak.processes import PROJECT, Process, learning, serving
from soak.proving import CannotProve, Figure, Trial
from waiting import until

SMALL, LARGE = "6m", "64m"
FULL_S = 2.0


class _Client:
    """Posts annotations, and counts what was said of them."""

    def __init__(self, service: Process) -> None:
        self._service, self._turns = service, count()
        self.refused = 0
        self.acknowledged: list[Mark] = []

    def send(self, size: int) -> int:
        body, marks = annotations(0, next(self._turns), size)
        status, said = post(self._service.url, body)
        assert status in (200, 503), said
        if status == 200:
            self.acknowledged += marks
        else:
            assert said["error"]["remedy"]
            self.refused += 1
        return status


def disks_fail(trial: Trial) -> Figure:
    """`amount` times: fill the disk, make it read-only, mend it. Appends are 503, reads go on, and both recover."""
    with _small_disk(trial.folder / "disk") as disk, serving(disk) as service, learning(disk) as learner:
        client = _Client(service)
        for body in (config(), tasks(90)):
            assert post(service.url, body)[0] == 200
        _follows(disk)
        for number in range(trial.amount):
            _fill(disk, client, service, learner)
            _forbid(disk, client, service, learner)
            _remount(disk, f"size={_used(disk) // 1000 + 2500}k")
            trial.tell(number + 1)
        lost = set(client.acknowledged) - stored(disk)
    words = (
        f"{trial.amount} times full and read-only: {client.refused} answered 503, reads went on, service and learner "
    )
    words += "stayed up on the full disk, and recovered each time"
    return Figure(not lost, f"{words}; {len(lost)} lost of {len(client.acknowledged):,} acknowledged")


def _fill(disk: Path, client: _Client, service: Process, learner: Process) -> None:
    """Full under both processes; with room again, both go on."""
    until(lambda: client.send(90) == 503, what="a full disk", every=0)
    assert reads(service.url)
    time.sleep(FULL_S)  # Whatever the learner tries meanwhile.
    assert learner.running
    _remount(disk, f"size={LARGE}")
    assert client.send(1) == 200
    _follows(disk)


def _forbid(disk: Path, client: _Client, service: Process, learner: Process) -> None:
    """Read-only while they are stopped, as it cannot be under open files; written again, both go on."""
    for process in (service, learner):
        assert process.end(signal.SIGTERM) == 0
    _remount(disk, "ro")
    assert _acknowledges_nothing(disk)
    _remount(disk, "rw")
    for process in (service, learner):
        process.start()
    assert client.send(1) == 200
    _follows(disk)


def _follows(home: Path) -> None:
    """Until a round knows all that is there."""
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        last = ledger.position(PROJECT)
        until(
            lambda: last <= max((one.position for one in ledger.rounds(PROJECT)), default=0), what="a round", every=0.1
        )


def reads(url: str) -> bool:
    """Whether what only reads is answered."""
    answers = []
    for path in ("/health", "/api/projects", "/metrics"):
        line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        line.request("GET", path, headers=BASIC)
        answers.append(line.getresponse().status)
        line.close()
    return answers == [200, 200, 200]


def _acknowledges_nothing(home: Path) -> bool:
    """Started on a disk that cannot be written: it says so with a remedy and ends, or serves what can be read."""
    secrets = {"LABELCUE_BASIC_PASSWORD": PASSWORD, "LABELCUE_WEBHOOK_SECRET": SECRET}
    command = [sys.executable, "-m", "labelcue.cli", "serve", "--only", "service", "--port", "0", "--home", str(home)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **secrets}
    process = subprocess.Popen(
        [*command, "--log-format", "json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if '"service listens"' in line:
                url = str(json.loads(line)["url"])
                return reads(url) and post(url, annotations(0, 10**6, 1)[0])[0] == 503
    finally:
        process.kill()
        process.communicate()
    assert "Traceback" not in said, said[-2000:]
    return "Remedy:" in said


@contextmanager
def _small_disk(path: Path) -> Iterator[Path]:
    path.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={SMALL}", "labelcue-soak", str(path)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        raise CannotProve("nobody may mount a small disk here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def _remount(path: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(path)], check=True, capture_output=True)


def _used(path: Path) -> int:
    return shutil.disk_usage(path).used
