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
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from labelcue import rounds as published_by
from labelcue.bench.stages import Part, watched
from labelcue.bench.synthetic import ring_lists
from labelcue.engine import Cue
from labelcue.errors import LabelCueError
from labelcue.pool.cover import Cover
from labelcue.pool.graph import Graph, Keys
from labelcue.pool.matrix import BLOCK, Matrix
from labelcue.pool.vectors import VectorFile
from labelcue.processes import learning
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.snapshot import Snapshot
from labelcue.strategies import create_strategy, strategies
from labelcue.surrogates import Head, surrogates
from labelcue.types import Event, Floats, Ints, Kind, TaskId

GAUSSIANS = 50
PROJECT = 1
HOLDER = "bench"
CLASSES = tuple(f"topic {number}" for number in range(10))
XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    + "".join(f'<Choice value="{name}"/>' for name in CLASSES)
    + "</Choices></View>"
)
BATCH = 200
WAIT_S = 900.0


def run(
    pool: int, dim: int, rounds: int = 30, labels: int = 500, seed: int = 0, strategy: str = "", graph: str = "built"
) -> dict[str, float | str]:
    """Label the head of the queue of a synthetic pool `rounds` times, after `labels` labels at random.

    `strategy`: empty for the default. `graph`: `built` from the vectors, or `synthetic`, which takes seconds and has
    nothing to do with them. `graph_s`: from the first round on until the neighbour graph serves, 0 without.

    `p50_s`, `p95_s`: from the moment an annotation is handed to the ledger to the new queue on disk, the learner's
    polling and debouncing included, Label Studio left out. `round_s` and its stages are medians without the waiting:
    `rescore_s` reads the vectors, `cover_s` those near to a new label alone. `pool_read_s`: one sum over the
    memory-mapped vectors, on as many threads. `instant_*`: a label in a Cue of the same pool and the head of its queue
    placed anew; `next_*`: one item from a ready queue. `peak_rss_mb` counts the mapped vectors (`vectors_mb`);
    `baseline_rss_mb` is the process after its imports, before the pool.
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
        if graph == "synthetic":
            desk.lists = ring_lists(pool, rng)
        bar = progress.add_task("rounds", total=rounds)
        with desk.learner() as published:
            desk.label([int(row) + 1 for row in rng.choice(pool, size=min(labels, pool // 2), replace=False)])
            snapshot = _newer(published, desk.labelled)
            graph_s = _until_it_serves(published, snapshot, desk.strategy)
            times, stages = [], []
            with watched(_stages(desk.strategy)) as spent:
                for _ in range(rounds):
                    began = time.perf_counter()
                    desk.label([int(snapshot.order[0])])
                    snapshot = _newer(published, desk.labelled)
                    times.append(time.perf_counter() - began)
                    stages.append(spent.copy())
                    spent.update(dict.fromkeys(spent, 0.0))
                    progress.advance(bar)
        peak = peak_rss_mb()
        read = min(_seconds_to_read(desk.vectors.vectors) for _ in range(5))
        instant, following = _instants(desk, rng, min(labels, pool // 2), rounds)
    medians = {stage: float(np.median([one[stage] for one in stages])) for stage in spent}
    return {
        "strategy": desk.strategy,
        "graph": graph,
        "graph_s": graph_s,
        **_quantiles("", times),
        **medians,
        "pool_read_s": read,
        "pool_reads_p50": float(np.median(times) / read),
        "round_reads": medians["round_s"] / read,
        **_quantiles("instant_", instant),
        **_quantiles("next_", following),
        "peak_rss_mb": peak,
        "baseline_rss_mb": baseline,
        "vectors_mb": pool * dim * 4 / 1e6,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 1,
    }


def _stages(strategy: str) -> dict[str, list[Part]]:
    ranks = type(create_strategy(strategy))
    return {
        "round_s": [(Rounds, "run")],
        "cover_s": [(Cover, "set")],
        "refit_s": [(type(surrogates.create("logistic")), "fit")],
        "rescore_s": [(Matrix, "product_and_likeness"), (Head, "probabilities")],
        "rank_s": [(ranks, "rank")],
        "publish_s": [(published_by, "write_snapshot")],
    }


def _instants(desk: _Desk, rng: np.random.Generator, labels: int, times: int) -> tuple[list[float], list[float]]:
    """Seconds from a label to the head of the queue placed anew, and to one item from a ready queue."""
    cue = Cue(desk.vectors.vectors, desk.vectors.ids, desk.strategy, CLASSES, graph=desk.graph)
    some = rng.choice(desk.vectors.ids, size=labels, replace=False)
    cue.label({int(task): desk.truth(int(task)) for task in some})
    cue.round(0, head=desk.settings.queue_length)
    instant, following = [], []
    for _ in range(times):
        began = time.perf_counter()
        cue.next()
        following.append(time.perf_counter() - began)
    for _ in range(times):
        task = int(cue.rerank(1)[0])
        began = time.perf_counter()
        cue.label({task: desk.truth(task)})
        cue.rerank()
        instant.append(time.perf_counter() - began)
    return instant, following


def _quantiles(name: str, times: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return {f"{name}p50_s": float(p50), f"{name}p95_s": float(p95)}


class _Desk:
    """A project on disk, without Label Studio."""

    def __init__(self, folder: Path, pool: int, dim: int, rng: np.random.Generator, strategy: str) -> None:
        self.settings = load_settings({"home": folder, "strategy": strategy or None})
        self.strategy = strategies.resolve(self.settings.strategy)
        self.ledger: Ledger = open_ledger(self.settings.store_url)
        self.vectors = VectorFile(folder / "vectors", dim, embedder="synthetic@1")
        self.groups = rng.integers(0, GAUSSIANS, pool)
        self.graph = Graph()
        """The learner's, once it runs."""
        self.lists: Keys | None = None
        """What that graph starts from."""
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
            region = {
                "from_name": "label",
                "to_name": "text",
                "type": "choices",
                "value": {"choices": [self.truth(task)]},
            }
            body = {"annotation": self.labelled, "task": task, "user": 1, "cancelled": False, "result": [region]}
            body["updated_at"] = "2026-01-01T00:00:00.000000Z"
            events.append(Event(PROJECT, Kind.ANNOTATION, f"annotation:{self.labelled}", body))
        self.ledger.append(events)

    def truth(self, task: int) -> str:
        """The class of a task."""
        return CLASSES[int(self.groups[task - 1]) % len(CLASSES)]

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
            base=QueueSettings(strategy=self.settings.strategy, audit=0),
            head=self.settings.queue_length,
        )
        self.graph = rounds.growing.graph
        if self.lists is not None:
            self.graph.take(self.lists)
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
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(np.sum, np.array_split(vectors, threads)))
        return time.perf_counter() - began


def peak_rss_mb() -> float:
    """The most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
