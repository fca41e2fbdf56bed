"""It does not grow: memory of service and learner while hundreds of thousands of events come."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np

from labelcue.store import open_ledger
from soak.posting import annotations, config, post, tasks
from soak.processes import PROJECT, Process, serving
from soak.proving import Figure, Trial
from waiting import until

BULK = 900
LOOKS = 10
"""Of the memory, in all; the first half of them is warming up."""
MOST_MB = 1.0
"""Growth for each 100,000 events."""


def it_does_not_grow(trial: Trial) -> Figure:
    """`amount` events, changes of the same annotations; the slope of each process's resident memory."""
    home, seen, memory = trial.folder, list[int](), dict[str, list[float]]()
    with serving(home) as service:
        for body in (config(), tasks(90)):
            assert post(service.url, body)[0] == 200
        learner = Process(home, "learner")
        learner.start()
        try:
            events = 0
            for turn in count():
                status, said = post(service.url, annotations(0, 10 * turn, BULK)[0])
                assert status in (200, 503), said  # A busy machine may say so.
                events += said.get("stored", 0)
                if events >= trial.amount * (len(seen) + 1) / LOOKS:
                    _settle(home)
                    seen.append(events)
                    for process in (service, learner):
                        memory.setdefault(process.what, []).append(_resident_mb(process))
                    trial.tell(events)
                if events >= trial.amount:
                    break
        finally:
            learner.kill()
    size = (home / "ledger.sqlite3").stat().st_size / events
    slopes = {what: 1e5 * _slope(seen, held) for what, held in memory.items()}
    said = ", ".join(f"{what} {slopes[what]:+.2f} MB per 100,000 ({held[-1]:.0f} MB)" for what, held in memory.items())
    kept = all(slope < MOST_MB for slope in slopes.values()) or trial.amount < 500_000
    return Figure(kept, f"{events:,} events: {said}; {size:.0f} bytes of ledger an event")


def _settle(home: Path) -> None:
    """Until the learner has seen what is there."""

    def caught_up() -> bool:
        with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
            rounds = ledger.rounds(PROJECT)
            return bool(rounds) and rounds[-1].position >= ledger.position(PROJECT) - 2 * BULK

    until(caught_up, what="a round on these events", every=0.2)


def _resident_mb(process: Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1000


def _slope(seen: list[int], held: list[float]) -> float:
    """MB an event, by least squares over the second half."""
    half = len(seen) // 2
    return float(np.polyfit(seen[half:], held[half:], 1)[0])
