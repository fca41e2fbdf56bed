"""The ledger of eight annotators at work is compacted beside them: nothing that is made of it changes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from labelcue.exports import marks
from labelcue.exports.formats import written
from labelcue.exports.labelled import disagreements, labelled, selected
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.compaction import Waste, compact
from labelcue.types import Kind
from soak.posting import annotations, config, post, tasks
from soak.processes import AS_PLUGIN, PROJECT, Crowd, Process, learning, serving
from soak.proving import Figure, Trial
from waiting import until

ANNOTATORS = 8
CHANGED = 0.1
"""Of the labels are changed twice later on."""
PASSED_OVER = 0.05
"""Of the tasks were handed twice to somebody before, who let them be."""
LEASE_S = 1
LEASES = f"/api/projects/{PROJECT}/leases"


def what_counts_stays(trial: Trial) -> Figure:
    """`amount` labels, each with its lease; compacted while they go on; then all restarts, and the file shrinks."""
    home = trial.folder
    with serving(home) as service, learning(home) as learner, _opened(home) as ledger:
        _work_on_a_project(service, ledger, trial)
        before, size = _exports(ledger), ledger.space()[0]
        waste, refused = _compacted_beside_others(service, ledger)
        named = marks.marks(ledger, PROJECT)
        same = _exports(ledger) == before and all(marks.verify(ledger, PROJECT, mark) for mark in named)
        for process in (service, learner):
            process.kill()
            process.start()
        _trained(service, ledger)
        for process in (service, learner):
            process.kill()
        ledger.shrink()
        ledger.check()
        small = ledger.space()[0]
    gone = ", ".join(f"{count:,} {kind}s" for kind, count in waste.counts.items())
    words = f"{trial.amount:,} labels of {ANNOTATORS}: {size / 1e6:.1f} MB, then {small / 1e6:.1f} MB; gone: {gone}; "
    kept = same and small < size and waste.counts["lease"] >= trial.amount
    return Figure(kept, f"{words}exports {'the same' if same else 'CHANGED'}; {refused} refused of those that went on")


def _work_on_a_project(service: Process, ledger: Ledger, trial: Trial) -> None:
    """Two named snapshots, the last one behind a full round, and no lease that is not over."""
    for body in (config(), tasks(2 * trial.amount)):
        assert post(service.url, body)[0] == 200
    _work(service, trial, trial.amount // 2)
    marks.make(ledger, PROJECT, "half", "soak")
    _work(service, trial, trial.amount)
    _trained(service, ledger)
    marks.make(ledger, PROJECT, "whole", "soak")
    time.sleep(LEASE_S)


def _compacted_beside_others(service: Process, ledger: Ledger) -> tuple[Waste, int]:
    """What went while clients posted, and how many of those were refused."""
    crowd = Crowd(2, lambda client, turn: post(service.url, annotations(client, turn, 1)[0]))
    try:
        crowd.until(1)
        waste = compact(ledger, PROJECT, time.time())
        crowd.until(crowd.acknowledged.qsize() + 1)
    finally:
        refused = sum(status != 200 for status, _ in crowd.end())  # type: ignore[misc]
    return waste, refused


@contextmanager
def _opened(home: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        yield ledger


def _work(service: Process, trial: Trial, upto: int) -> None:
    """Until so many labels are there. Each annotator has tasks of its own, and passes over some of them."""
    with _opened(trial.folder) as ledger:
        done = sum(1 for event in ledger.read(PROJECT, kinds=(Kind.LEASE,)))
    share = (upto - done) // ANNOTATORS + 1
    crowd = Crowd(
        ANNOTATORS, lambda user, turn: _label(service.url, user, done + turn * ANNOTATORS + user, turn, share)
    )
    try:
        crowd.until(ANNOTATORS * share)
    finally:
        trial.tell(done + len(crowd.end()))


def _label(url: str, user: int, number: int, turn: int, share: int) -> int | None:
    """Hand out one task and label it; None where the share is done."""
    if turn >= share:
        time.sleep(0.05)
        return None
    rng, task = random.Random(number), 1 + number
    if rng.random() < PASSED_OVER:
        _asked(url, LEASES, {"task": task, "user": 90, "seconds": LEASE_S})
        _asked(url, LEASES, {"task": task, "user": 90, "seconds": LEASE_S})
    _asked(url, LEASES, {"task": task, "user": 1 + user, "seconds": LEASE_S})
    for version in range(3 if rng.random() < CHANGED else 1):
        body, _ = annotations(user, 3 * turn + version, 1)
        body["annotation"] |= {"id": 10_000 + number, "task": task}
        _asked(url, "/webhook", body)
    return number


def _asked(url: str, path: str, body: Any) -> None:
    """Again where it is busy, as the plugin and reconcile do it."""
    until(lambda: post(url, body, path, None if path == "/webhook" else AS_PLUGIN)[0] == 200, what=path)


def _trained(service: Process, ledger: Ledger) -> None:
    """Ask for a full round, and wait for it."""
    last = max((record.number for record in ledger.rounds(PROJECT)), default=0)
    told = {"action": "START_TRAINING", "project": {"id": PROJECT}, "after": last}  # The same twice is one request.
    _asked(service.url, "/webhook", told)
    until(lambda: any(one.full for one in ledger.rounds(PROJECT, last)), what="a full round", every=0.1)


def _exports(ledger: Ledger) -> list[bytes]:
    found = []
    for mark in marks.marks(ledger, PROJECT):
        for kind in (labelled, selected, disagreements):
            found.append(b"".join(written(kind(ledger, PROJECT, mark.upto), "json")))
    return found
