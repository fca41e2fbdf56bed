"""Programs that run beside us: each in a process group of its own, with a log, and a pid file by which a later start
finds what a crash left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from labelcue.errors import LabelCueError
from labelcue.store.atomic import replace_file

STOP_S = 12.0
"""Time from SIGTERM to SIGKILL."""
LAST_LINES = 8


class Ended(LabelCueError):
    """A program ended that should be running."""

    code = "program_ended"


class Background:
    """One program. `mark` is a part of its command line that no other program has: a leftover is known by it."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, mark: str, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / "logs" / f"{name}.log"
        self._command = list(command)
        self._pid_file = folder / f"{name}.pid"
        self._mark = mark
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """Its process id and its group's; raises Ended before `start`."""
        if self._process is None:
            raise Ended(f"{self.name} was not started.", "Call start() first.")
        return self._process.pid

    def start(self) -> None:
        """Start it; the log goes on where it ended. What an earlier run left is stopped first."""
        self.stop_leftover()
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )
        replace_file(self._pid_file, str(self._process.pid).encode(), durable=False)

    def words(self) -> str:
        """What it wrote into its log since `start`."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def check(self) -> None:
        """Raises Ended, with the log's last lines, unless it is running."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            last = "\n".join(self.words().splitlines()[-LAST_LINES:])
            raise Ended(f"{self.name} ended with status {status}:\n{last}", f"The whole log: {self.log}")

    def stop(self) -> None:
        """SIGTERM to its whole group, SIGKILL after a while. Nothing happens where it is not running."""
        if self._process is None:
            return
        _end(self._process.pid)
        self._process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    def stop_leftover(self) -> bool:
        """End what an earlier run of the same program left running; False where there is nothing."""
        try:
            group = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return False
        ours = any(self._mark in line for line in command_lines(group))
        if ours:
            _end(group)
        self._pid_file.unlink(missing_ok=True)
        return ours


def stop_leftovers(folder: Path) -> None:
    """End every program that an earlier run left running in a folder, which is a part of their command lines."""
    for path in folder.glob("*.pid"):
        Background(path.stem, [], folder, str(folder), {}).stop_leftover()


def command_lines(group: int) -> list[str]:
    """The command lines of the living processes of one process group."""
    if Path("/proc/self/stat").exists():
        return [line for stat in Path("/proc").glob("[0-9]*/stat") if (line := _from_proc(stat, group))]
    listing = subprocess.run(["ps", "-A", "-ww", "-o", "pgid=,args="], capture_output=True, text=True, check=True)  # noqa: S607
    rows = (row.strip().partition(" ") for row in listing.stdout.splitlines())
    return [line for number, _, line in rows if number == str(group) and "<defunct>" not in line]


def _from_proc(stat: Path, group: int) -> str:
    """A process's command line if it is in the group; empty for others and for dead ones that nobody has waited for."""
    try:
        fields = stat.read_text().rpartition(")")[2].split()
        if int(fields[2]) != group:
            return ""
        if fields[0] == "Z":  # its other threads may still be ending, and hold its port until then
            return "ending" if len(list(stat.with_name("task").iterdir())) > 1 else ""
        return stat.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _end(group: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
        if _gone(group):
            return


def _gone(group: int) -> bool:
    """Wait until no process of the group is left; False after a while."""
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        if not command_lines(group):
            return True
        time.sleep(0.05)
    return False
