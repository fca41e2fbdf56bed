"""An acknowledgement comes after the disk has the event: seen in the service's own system calls."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from soak.posting import annotations, post
from soak.processes import serving
from soak.proving import CannotProve, Figure, Trial

_CALLS = "trace=pwrite64,fdatasync,fsync,sendto"
_LINE = re.compile(r"(?P<thread>[0-9]+) +(?:<\.\.\. )?(?P<call>[a-z0-9]+)(?P<rest>.*)")


def synced_before_acknowledged(trial: Trial) -> Figure:
    """`amount` webhooks, one by one: the log was written and synced after each came and before its answer went."""
    home, trace = trial.folder / "home", trial.folder / "trace.txt"
    home.mkdir()
    wrapper = [strace(), "-f", "-yy", "-s", "24", "-e", _CALLS, "-o", str(trace)]
    with serving(home, wrapper=wrapper) as service:
        for turn in range(trial.amount):
            status, said = post(service.url, annotations(0, turn, 1)[0])
            assert (status, said["stored"]) == (200, 1)
            trial.tell(turn + 1)
        service.end(signal.SIGTERM)
    good, answers = counted(trace)
    kept = good == answers == trial.amount
    return Figure(kept, f"{good:,} of {answers:,} answers left after the log was written and synced")


def strace() -> str:
    """Where it is. Raises CannotProve where nobody may trace."""
    found = shutil.which("strace")
    if found is None:
        raise CannotProve("there is no strace")
    tried = subprocess.run([found, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise CannotProve(f"nobody may trace here: {tried.stderr.strip()[:100]}")
    return found


def counted(trace: Path) -> tuple[int, int]:
    """Answers with good news, and those with a write to the log and then a sync of it since the answer before."""
    written = synced = False
    good = answers = 0
    for call, what, done in _calls(trace):
        if call == "sendto" and '"HTTP/1.1 200' in what:
            answers += 1
            good += synced
            written = synced = False
        elif "-wal" in what and call == "pwrite64":
            written, synced = True, False
        elif "-wal" in what and done and call in ("fdatasync", "fsync"):
            synced = written
    return good, answers


def _calls(trace: Path) -> Iterator[tuple[str, str, bool]]:
    """Name, arguments, and whether it has returned; one that another thread interrupted comes twice."""
    begun: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        thread, rest = match["thread"], match["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest
            yield match["call"], rest, False
        elif rest.startswith(" resumed>"):
            earlier = begun.pop(thread, "")
            if match["call"] != "sendto":  # It was counted when it began.
                yield match["call"], earlier, rest.endswith("= 0")
        else:
            yield match["call"], rest, rest.endswith("= 0") or match["call"] not in ("fdatasync", "fsync")
