"""How long an annotation takes to reach the published queue, as seconds and as multiples of one read of the pool.

this thread ── append ──► ledger ──► a learner's thread: notice, wait for more, fold, refit, rescore, rank ──► snapshot
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from labelcue.errors import LabelCueError
from labelcue.pool.matrix import BLOCK
from labelcue.pool.vectors import VectorFile
from labelcue.processes import learning
from labelcue.rounds import Rounds
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.snapshot import Snapshot
from labelcue.strategies import strategies
from labelcue.types import Event, Floats, Ints, Kind, TaskId

GAUSSIANS = 50
PROJECT = 1
HOLDER = "bench"
CLASSES = ("ham", "spam")
XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
BATCH = 200
WAIT_S = 900.0


def run(
    pool: int, dim: int, rounds: int = 30, labels: int = 200, seed: int = 0, strategy: str = ""
) -> dict[str, float | str]:
    """Label the head of the queue of a synthetic pool `rounds` times, after `labels` labels at random.

    `strategy`: empty for the default. `graph_s`: from the first round on until the neighbour graph serves, 0 without.

    `p50_s`, `p95_s`: from the moment an annotation is handed to the ledger to the new queue on disk, the learner's
    polling and debouncing included, Label Studio left out. `pool_read_s`: one sum over the memory-mapped vectors, on
    one thread. `peak_rss_mb` counts the mapped vectors (`vectors_mb`); `baseline_rss_mb` is the process after its
    imports, before the pool.
    """
    rng = np.random.default_rng(seed)
    console = Console(stderr=True)
    with (
        learning(),
        tempfile.TemporaryDirectory(prefix="labelcue-bench-") as folder,
        Progress(console=console, disable=not console.is_terminal, transient=True) as progress,
    ):
        baseline = peak_rss_mb()
        desk = _Desk(Path(folder), pool, dim, rng, strategy)
        vectors_mb = pool * dim * 4 / 1e6
        bar = progress.add_task("rounds", total=rounds)
        with desk.learner() as published:
            desk.label([int(row) + 1 for row in rng.choice(pool, size=min(labels, pool // 2), replace=False)])
            snapshot = _newer(published, desk.labelled)
            graph_s = _until_it_serves(published, snapshot, desk.strategy)
            times = []
            for _ in range(rounds):
                began = time.perf_counter()
                desk.label([int(snapshot.order[0])])
                snapshot = _newer(published, desk.labelled)
                times.append(time.perf_counter() - began)
                progress.advance(bar)
        read = min(_seconds_to_read(desk.vectors.vectors) for _ in range(5))
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "strategy": desk.strategy,
        "graph_s": graph_s,
        "p50_s": float(p50),
        "p95_s": float(p95),
        "pool_read_s": read,
        "pool_reads_p50": float(p50 / read),
        "peak_rss_mb": peak_rss_mb(),
        "baseline_rss_mb": baseline,
        "vectors_mb": vectors_mb,
        "rounds": rounds,
        "cores": os.cpu_count() or 1,
    }


class _Desk:
    """A project on disk, without Label Studio."""

    def __init__(self, folder: Path, pool: int, dim: int, rng: np.random.Generator, strategy: str) -> None:
        self.settings = load_settings({"home": folder, "strategy": strategy or None})
        self.strategy = strategies.resolve(self.settings.strategy)
        self.ledger: Ledger = open_ledger(self.settings.store_url)
        self.vectors = VectorFile(folder / "vectors", dim, embedder="synthetic@1")
        self.groups = rng.integers(0, GAUSSIANS, pool)
        self.labelled = 0
        self._folder = folder
        self._config()
        centres = rng.standard_normal((GAUSSIANS, dim), dtype=np.float32)
        for start in range(0, pool, BLOCK):
            self._tasks(start, centres, self.groups[start : start + BLOCK], rng)

    def label(self, tasks: list[int]) -> None:
        """One annotation each, as a webhook appends them."""
        events = []
        for task in tasks:
            self.labelled += 1
            choice = CLASSES[int(self.groups[task - 1]) % len(CLASSES)]
            region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}
            body = {"annotation": self.labelled, "task": task, "user": 1, "cancelled": False, "result": [region]}
            body["updated_at"] = "2026-01-01T00:00:00.000000Z"
            events.append(Event(PROJECT, Kind.ANNOTATION, f"annotation:{self.labelled}", body))
        self.ledger.append(events)

    @contextmanager
    def learner(self) -> Iterator[SimpleQueue[Snapshot | Exception]]:
        """A thread that runs rounds as the learner does; what it published."""
        published: SimpleQueue[Snapshot | Exception] = SimpleQueue()
        stop = threading.Event()
        thread = threading.Thread(target=self._learn, args=(stop, published))
        thread.start()
        try:
            yield published
        finally:
            stop.set()
            thread.join()
            self.ledger.close()

    def _learn(self, stop: threading.Event, published: SimpleQueue[Snapshot | Exception]) -> None:
        rounds = Rounds(
            self.ledger,
            PROJECT,
            self.vectors,
            self._folder / "round.safetensors",
            holder=HOLDER,
            embedder="synthetic@1",
            default_strategy=self.settings.strategy,
            head=self.settings.queue_length,
        )
        self.ledger.acquire(PROJECT, HOLDER, 1e6)
        try:
            while not stop.is_set():
                if rounds.due():
                    stop.wait(self.settings.debounce_ms / 1000)
                    published.put(rounds.run())
                else:
                    stop.wait(self.settings.poll_ms / 1000)
        except LabelCueError as error:
            published.put(error)

    def _config(self) -> None:
        body = {"label_config": XML, "updated_at": "2026-01-01T00:00:00.000000Z"}
        self.ledger.append([Event(PROJECT, Kind.LABEL_CONFIG, "label_config", body)])

    def _tasks(self, start: int, centres: Floats, groups: Ints, rng: np.random.Generator) -> None:
        made = centres[groups] + rng.standard_normal((len(groups), centres.shape[1]), dtype=np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        ids = [TaskId(start + place + 1) for place in range(len(groups))]
        self.vectors.append(ids, made, [f"{task:016}".encode() for task in ids])
        bodies = [{"task": task, "data": {"text": f"text {task}"}, "updated_at": ""} for task in ids]
        for first in range(0, len(bodies), BATCH):
            part = bodies[first : first + BATCH]
            self.ledger.append([Event(PROJECT, Kind.TASK, f"task:{body['task']}", body) for body in part])


def _newer(published: SimpleQueue[Snapshot | Exception], labelled: int) -> Snapshot:
    """The first snapshot that knows all labels."""
    while True:
        found = published.get(timeout=WAIT_S)
        if isinstance(found, Exception):
            raise found
        if found.labelled == labelled:
            return found


def _until_it_serves(published: SimpleQueue[Snapshot | Exception], latest: Snapshot, strategy: str) -> float:
    """Seconds until a round is ordered by the strategy itself, not by its understudy."""
    began = time.perf_counter()
    while latest.round.strategy != strategy:
        found = published.get(timeout=WAIT_S)
        if isinstance(found, Exception):
            raise found
        latest = found
    return time.perf_counter() - began


def _seconds_to_read(vectors: NDArray[np.floating]) -> float:
    began = time.perf_counter()
    float(vectors.sum())
    return time.perf_counter() - began


def peak_rss_mb() -> float:
    """The most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
