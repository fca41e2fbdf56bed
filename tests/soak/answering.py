"""The annotator never waits for us: acknowledgements while a learner trains, and while nobody can write the ledger."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

from labelcue.bench.service import run as bench
from labelcue.settings import Settings
from soak.posting import annotations, post, stored
from soak.processes import serving
from soak.proving import Figure, Trial

PATIENCE_MS = 800
"""Label Studio gives up after a second."""
BUSY_MS = Settings.model_fields["busy_ms"].default


def acknowledged_while_training(trial: Trial) -> Figure:
    """`amount` seconds of 50 events a second, while another process trains without pause."""
    figures = bench(seconds=trial.amount, rate=50, tasks=10_000)
    p50, p99, slowest = (figures[name] for name in ("ack_p50_ms", "ack_p99_ms", "ack_max_ms"))
    words = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {slowest:.0f} ms of {figures['events']:,.0f} events"
    return Figure(p99 <= 50, f"{words}, {figures['rounds']:.0f} rounds meanwhile")


def busy_says_so(trial: Trial) -> Figure:
    """`amount` webhooks, four at once, while another connection holds the ledger: 503, and nothing is stored."""
    answers: list[tuple[int, float]] = []
    with serving(trial.folder, busy_ms=BUSY_MS) as service:
        assert post(service.url, annotations(0, 0, 1)[0])[0] == 200
        with closing(sqlite3.connect(trial.folder / "ledger.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for first in range(1, trial.amount + 1, 4):
                threads = [
                    threading.Thread(target=_timed, args=(service.url, turn, answers))
                    for turn in range(first, min(first + 4, trial.amount + 1))
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                trial.tell(first)
            other.execute("ROLLBACK")
        after = post(service.url, annotations(0, trial.amount + 1, 1)[0])[0]
    statuses = {status for status, _ in answers}
    waits = sorted(1000 * took for _, took in answers)
    false = len(stored(trial.folder)) - 2
    in_time = sum(wait <= PATIENCE_MS for wait in waits)
    kept = statuses == {503} and not false and after == 200 and waits[0] >= BUSY_MS - 50
    words = f"{len(answers)} answers, all {sorted(statuses)}, median {waits[len(waits) // 2]:.0f} ms"
    return Figure(kept, f"{words}, {in_time} within {PATIENCE_MS} ms, {false} stored that were refused, then {after}")


def _timed(url: str, turn: int, answers: list[tuple[int, float]]) -> None:
    body, _ = annotations(1, turn, 1)
    began = time.perf_counter()
    status, _ = post(url, body)
    answers.append((status, time.perf_counter() - began))
