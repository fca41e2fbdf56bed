"""The supervisor, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from labelcue.supervisor import supervise
from waiting import until

CHILD = "import os, signal, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); signal.pause()"


def _pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_a_killed_child_is_started_again_and_all_end_at_the_stop(tmp_path: Path) -> None:
    path, stop = tmp_path / "pids", threading.Event()
    ended: list[int] = []
    run = threading.Thread(
        target=lambda: ended.append(supervise({"child": [sys.executable, "-c", CHILD, str(path)]}, stop))
    )
    run.start()
    os.kill(until(lambda: _pids(path))[0], signal.SIGKILL)
    second = until(lambda: _pids(path)[1:])[0]
    stop.set()
    run.join(timeout=60)
    assert ended == [0]
    assert not Path(f"/proc/{second}").exists()


def test_a_child_that_refuses_its_configuration_ends_the_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"raise SystemExit({os.EX_CONFIG})"]
    assert supervise({"child": command}, threading.Event()) == os.EX_CONFIG


def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "pids"
    child = (
        "import os, sys, threading; from labelcue.supervisor import end_with_supervisor; "
        "stop = threading.Event(); end_with_supervisor(stop.set); "
        f"open({str(path)!r}, 'a').write(f'{{os.getpid()}}\\n'); stop.wait(600); open({str(tmp_path / 'end')!r}, 'w')"
    )
    parent = (
        "import sys, threading; from labelcue.supervisor import supervise; "
        f"supervise({{'child': [sys.executable, '-c', {child!r}]}}, threading.Event())"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", parent], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until(lambda: _pids(path))
    supervisor.kill()
    supervisor.wait()
    until((tmp_path / "end").exists)
