"""What a ledger has acknowledged outlives kill -9 at any moment. Says nothing of power cuts: see docs/ledger.md."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labelcue.store.sqlite import SqliteLedger

KILLS = 20
AT_ONCE = 4

# Appends until it is killed, several threads at once, and prints a key only after its append has returned.
CLIENT = """
import sys, threading
from pathlib import Path
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Event, Kind
me, ledger = sys.argv[2], SqliteLedger(Path(sys.argv[1]), busy_ms=30_000)

def work(thread):
    number = 0
    while True:
        keys = [f"{me}.{thread}.{number + more}" for more in range(1 + number % 5)]
        number += len(keys)
        body = {"data": {"text": "x" * 2000}, "updated_at": "", "task": number}
        ledger.append([Event(1 + number % 2, Kind.TASK, key, body) for key in keys])
        sys.stdout.write("".join(key + "\\n" for key in keys))
        sys.stdout.flush()

for thread in range(2):
    threading.Thread(target=work, args=(thread,)).start()
"""


def client(path: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CLIENT, str(path), name], stdout=subprocess.PIPE)


def kill_after(process: subprocess.Popen[bytes], lines: int) -> list[str]:
    """The keys that it acknowledged: `lines` of them before the kill was sent, and those that slipped through."""
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return [line.decode().strip() for line in acknowledged if line.endswith(b"\n")]


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_clients_are_killed(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path = tmp_path / "ledger.sqlite3"
    acknowledged: list[str] = []
    for first in range(0, KILLS, AT_ONCE):
        clients = [client(path, f"client{first + one}") for one in range(AT_ONCE)]
        for process in clients:
            acknowledged += kill_after(process, int(rng.integers(1, 120)))
        look_at_copy(path, tmp_path / "copy", acknowledged)
    ledger = SqliteLedger(path)
    stored = {event.key for project in ledger.projects() for event in ledger.read(project)}
    ledger.check()
    ledger.close()
    assert len(acknowledged) > 5 * KILLS
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) - stored == set()


def look_at_copy(path: Path, folder: Path, acknowledged: list[str]) -> None:
    """Open a copy of the files as the dead have left them: the next clients start from what nobody has mended."""
    folder.mkdir(exist_ok=True)
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", folder / f"ledger.sqlite3{suffix}")
    ledger = SqliteLedger(folder / "ledger.sqlite3")
    stored = {event.key for project in ledger.projects() for event in ledger.read(project)}
    ledger.check()
    ledger.close()
    assert set(acknowledged) <= stored


@pytest.mark.slow
def test_a_dead_learner_keeps_its_project_only_until_its_time_is_over(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from labelcue.store.sqlite import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]), clock=lambda: 1000.0)
assert ledger.acquire(1, "dead", ttl=10)
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "ledger.sqlite3"
    ended = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    now = 1009.0
    ledger = SqliteLedger(path, clock=lambda: now)
    assert not ledger.acquire(1, "next", ttl=10)
    now = 1010.0
    assert ledger.acquire(1, "next", ttl=10)
    ledger.close()
