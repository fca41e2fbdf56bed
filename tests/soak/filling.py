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
from itertools import chain, count
from pathlib import Path
from urllib.parse import urlsplit

from labelcue.store import open_ledger
from servicing import BASIC, PASSWORD, SECRET
from soak.posting import Mark, annotations, config, post, stored, tasks
from soak.processes import PROJECT, learning, serving
from soak.proving import CannotProve, Figure, Trial
from waiting import until

SMALL, LARGE = "6m", "64m"
FULL_S = 2.0


def disks_fail(trial: Trial) -> Figure:
    """`amount` times: fill the disk, make it read-only, mend it. Appends are 503, reads go on, and both recover."""
    refused, acknowledged, turns = 0, list[list[Mark]](), count()
    with _small_disk(trial.folder / "disk") as disk, serving(disk) as service, learning(disk) as learner:

        def send(size: int) -> int:
            nonlocal refused
            body, marks = annotations(0, next(turns), size)
            status, said = post(service.url, body)
            assert status in (200, 503), said
            if status == 200:
                acknowledged.append(marks)
            else:
                assert said["error"]["remedy"]
                refused += 1
            return status

        for body in (config(), tasks(90)):
            assert post(service.url, body)[0] == 200
        _follows(disk)
        for number in range(trial.amount):
            until(lambda: send(90) == 503, what="a full disk", every=0)
            assert reads(service.url)
            time.sleep(FULL_S)  # Whatever the learner tries meanwhile.
            assert learner.running
            _remount(disk, f"size={LARGE}")
            assert send(1) == 200
            _follows(disk)
            for process in (service, learner):
                assert process.end(signal.SIGTERM) == 0
            _remount(disk, "ro")
            assert _acknowledges_nothing(disk)
            _remount(disk, "rw")
            for process in (service, learner):
                process.start()
            assert send(1) == 200
            _follows(disk)
            _remount(disk, f"size={_used(disk) // 1000 + 2500}k")
            trial.tell(number + 1)
        lost = set(chain.from_iterable(acknowledged)) - stored(disk)
    marks = sum(map(len, acknowledged))
    words = (
        f"{trial.amount} times full and read-only: {refused} answered 503, reads went on, service and learner stayed "
    )
    words += "up on the full disk, and recovered each time"
    return Figure(not lost, f"{words}; {len(lost)} lost of {marks:,} acknowledged")


def _follows(home: Path) -> None:
    """Until a round knows all that is there."""
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        last = ledger.position(PROJECT)
        until(lambda: last <= max((one.position for one in ledger.rounds(PROJECT)), default=0), what="a round")


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
