"""One learner a project: processes race for it, whoever holds it is killed, and no two ever hold it at once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from soak.proving import Figure, Trial
from waiting import until

TTL = 1.0
"""Seconds of a lease; the product's default is ten."""
RACER = """
import sys, time
from pathlib import Path
from labelcue.store.sqlite import SqliteLedger
folder, name, ttl = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
ledger = SqliteLedger(folder / "ledger.sqlite3", busy_ms=60_000)
with (folder / f"{name}.held").open("a", buffering=1) as held:
    while True:
        before = time.time()
        if ledger.acquire(1, name, ttl):
            held.write(f"{before} {time.time()}\\n")
        time.sleep(ttl / 8)
"""
Hold = tuple[float, float, str]
"""When somebody asked for the lease, when it was told that it has it, and who."""


def one_learner_a_project(trial: Trial) -> Figure:
    """Three racers, `amount` kills of whoever holds the lease."""
    rng, racers = random.Random(trial.seed), dict[str, subprocess.Popen[bytes]]()
    try:
        for number in range(3):
            _join(trial.folder, f"racer{number}", racers)
        for kill in range(1, trial.amount + 1):
            known = len(_holds(trial.folder))
            until(lambda known=known: len(_holds(trial.folder)) > known, what="the next hold")  # type: ignore[misc]
            time.sleep(rng.uniform(0, TTL / 4))
            holder = _holds(trial.folder)[-1][2]
            dead = racers.pop(holder)
            dead.kill()
            dead.wait()
            others = set(racers)
            until(lambda others=others: _holds(trial.folder)[-1][2] in others, what="a takeover")  # type: ignore[misc]
            _join(trial.folder, f"racer{2 + kill}", racers)
            trial.tell(kill)
    finally:
        for racer in racers.values():
            racer.kill()
        for racer in racers.values():
            racer.wait()
    holds = _holds(trial.folder)
    changes = [(one, other) for one, other in pairwise(holds) if one[2] != other[2]]
    # Each began to hold it at some moment between its question and its answer: two such spans within one TTL are two
    # learners at once.
    early = sum(max(one[1], other[1]) - min(one[0], other[0]) < TTL for one, other in changes)
    slowest = max(other[1] - one[1] for one, other in changes)
    words = (
        f"{len(changes)} takeovers, {early} before the lease was over, slowest {slowest:.1f} s of a lease of {TTL:g} s"
    )
    return Figure(not early and len(changes) >= trial.amount, words)


def _join(folder: Path, name: str, racers: dict[str, subprocess.Popen[bytes]]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    racers[name] = subprocess.Popen([sys.executable, "-c", RACER, str(folder), name, str(TTL)], env=environment)


def _holds(folder: Path) -> list[Hold]:
    """Every hold so far, the latest last."""
    lines = ((line.split(), path.stem) for path in folder.glob("*.held") for line in path.read_text().splitlines())
    return sorted(
        ((float(said[0]), float(said[1]), name) for said, name in lines if len(said) == 2), key=lambda one: one[1]
    )
