"""A disk that stalls in the middle of a commit: 503 in time, reads go on, and what was refused is found again."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from labelcue.reconcile import Reconciler
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.fold import fold
from labelstudio_double import PROJECT, LabelStudioDouble, choice
from reconcile_house import Clock, assert_equal
from servicing import SECRET, connect
from soak.answering import BUSY_MS, PATIENCE_MS
from soak.filling import reads
from soak.posting import Mark, post
from soak.processes import Process, serving
from soak.proving import Figure, Trial
from soak.syncing import strace

STALL_S = 3.0
EVERY = 6
"""Each such sync of the disk stalls."""
CLIENTS = 4
MOST = 400
"""Turns in which the stalls must come."""
WRITING = "has not confirmed"
"""What is said of a commit that the disk holds."""


class Said(NamedTuple):
    """One webhook's answer."""

    status: int
    message: str
    seconds: float
    mark: Mark


def stalls_are_told(trial: Trial) -> Figure:
    """Until `amount` commits were answered while the disk still held them: none acknowledged that is not there."""
    home, studio = trial.folder / "home", LabelStudioDouble()
    connect(home, PROJECT)
    tasks = studio.import_tasks([{"text": f"mail {number}"} for number in range(20)])
    said: list[Said] = []
    with serving(home, wrapper=_wrapper(), busy_ms=BUSY_MS) as service:
        while (held := sum(WRITING in one.message for one in said)) < trial.amount:
            assert len(said) < CLIENTS * MOST, f"{held} stalls in {len(said)} answers"
            said += _turn(service, studio, tasks)
            assert {one.mark for one in said if one.status == 200} <= _stored(home)
            trial.tell(held)
        status = service.end(signal.SIGTERM)
    refused = [one for one in said if one.status == 503]
    lacking = len({one.mark for one in refused} - _stored(home))
    _reconcile(home, studio)
    waits = sorted(one.seconds for one in refused)
    in_time = sum(1000 * wait <= PATIENCE_MS for wait in waits)
    kept = {one.status for one in said} == {200, 503} and not status
    words = (
        f"{len(said):,} webhooks, {held} commits that the disk held for {STALL_S:.0f} s: {len(refused):,} answered 503"
    )
    words += f", median {1000 * waits[len(waits) // 2]:.0f} ms, {in_time:,} within {PATIENCE_MS} ms; reads went on; "
    return Figure(kept, f"{words}0 acknowledged that were not stored; {lacking} not stored, all found by one poll")


def _wrapper() -> list[str]:
    stall = f"inject=fdatasync:delay_enter={int(1e6 * STALL_S)}:when={EVERY}+{EVERY}"
    return [strace(), "-f", "-e", "trace=fdatasync", "-e", stall, "-o", "/dev/null"]


def _turn(service: Process, studio: LabelStudioDouble, tasks: list[int]) -> list[Said]:
    """Some annotate at once, and somebody looks at a page meanwhile."""
    studio.sent.clear()
    for user in range(1, 1 + CLIENTS):
        studio.annotate(studio.random.choice(tasks), choice(studio.random.choice(("ham", "spam"))), user)
    bodies, said = [json.loads(raw) for raw in studio.sent], list[Said]()
    threads = [threading.Thread(target=_post, args=(service.url, body, said)) for body in bodies]
    for thread in threads:
        thread.start()
    readable = reads(service.url)
    for thread in threads:
        thread.join()
    assert readable
    assert len(said) == len(bodies)
    return said


def _post(url: str, body: dict[str, Any], said: list[Said]) -> None:
    began = time.perf_counter()
    try:
        status, answer = post(url, body, headers={"LabelCue-Secret": SECRET})
    except (OSError, http.client.HTTPException):
        status, answer = 0, {}
    message = answer["error"]["message"] if status == 503 else ""
    mark = (int(body["annotation"]["id"]), str(body["annotation"]["updated_at"]))
    said.append(Said(status, message, time.perf_counter() - began, mark))


def _stored(home: Path) -> set[Mark]:
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        return {(one.annotation, one.updated_at) for one in fold(ledger.read(PROJECT)).annotations.values()}


def _reconcile(home: Path, studio: LabelStudioDouble) -> None:
    """One poll, and the ledger is Label Studio's. Raises AssertionError."""
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        ledger.check()
        Reconciler(studio, ledger, PROJECT, Settings(), clock=Clock()).poll()  # type: ignore[arg-type]
        assert_equal(studio, ledger)
