"""A restart gives the same queue to the bit, wherever the learner died, and whatever became of its snapshot."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from deskwork import DIM, Desk, same
from labelcue.errors import Corrupt
from labelcue.pool.vectors import VectorFile
from labelcue.store import open_ledger
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import read_snapshot
from soak.proving import Figure, Trial
from waiting import until

WORKING = """
import sys
from pathlib import Path
from deskwork import Desk
desk = Desk(Path(sys.argv[1]))
print("working", flush=True)
desk.work(110)
"""


def restarted_to_the_bit(trial: Trial) -> Figure:
    """`amount` learners killed at random moments: resumed from the snapshot, and replayed from the ledger alone."""
    rng, rounds = random.Random(trial.seed), 0
    for number in range(trial.amount):
        folder = trial.folder / str(number)
        folder.mkdir()
        _killed(folder, rng.uniform(0.0, 3.0))
        desk = _left_by_the_dead(folder)
        from_snapshot = desk.restart().snapshot
        assert from_snapshot is not None
        same(from_snapshot, desk.restart(snapshot=False).snapshot)
        rounds += from_snapshot.round.number
        after = desk.work(1)
        # Two where the kill came between a label and its round.
        assert after.round.number - from_snapshot.round.number in (1, 2)
        desk.ledger.close()
        trial.tell(number + 1)
    return Figure(True, f"{trial.amount} kills, {rounds:,} rounds: from snapshot and from the ledger alone, bit-equal")


def damaged_and_rebuilt(trial: Trial) -> Figure:
    """`amount` snapshots cut or flipped at random places: refused with a remedy, then rebuilt to the same bits."""
    desk, rng, refused = Desk(trial.folder), random.Random(trial.seed), 0
    truth = desk.work(6)
    path = trial.folder / "round.safetensors"
    whole = path.read_bytes()
    for number in range(trial.amount):
        place = rng.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :]
        path.write_bytes(whole[:place] if number % 2 else flipped)
        refused += _refuses(path)
        rebuilt: Snapshot | None = desk.restart().snapshot
        same(truth, rebuilt)
        same(truth, read_snapshot(path))
        trial.tell(number + 1)
    desk.ledger.close()
    return Figure(
        refused == trial.amount, f"{refused:,} of {trial.amount:,} refused with a remedy and rebuilt, bit-equal"
    )


def _refuses(path: Path) -> bool:
    try:
        read_snapshot(path)
    except Corrupt as error:
        return bool(error.remedy)
    return False


def _killed(folder: Path, after: float) -> None:
    """A learner at work, dead `after` so many seconds of it, its first round made."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", WORKING, str(folder)], stdout=subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        until((folder / "round.safetensors").exists, what="the first round")
        time.sleep(after)
    finally:
        process.kill()
        process.communicate()


def _left_by_the_dead(folder: Path) -> Desk:
    """The desk as it was left, without beginning it anew."""
    desk = Desk.__new__(Desk)
    desk.folder, desk.strategy, desk.surrogate, desk.clock = folder, "coreset-margin", "logistic", 100_000
    desk.side, desk.made = Desk.sides_and_vectors()
    desk.ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
    desk.vectors = VectorFile(folder / "vectors", DIM, embedder="test@1")
    return desk
