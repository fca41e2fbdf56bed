"""How long an annotation takes to reach the published queue, as seconds and as multiples of one read of the pool.

this thread ── append ──► ledger ──► a learner's thread: notice, wait for more, fold, refit, rescore, rank ──► snapshot
                            └──────► a thread beside it: place the head of the queue anew ──► head
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from labelcue import rounds as published_by
from labelcue.bench.desk import CLASSES, Desk
from labelcue.bench.stages import Part, watched
from labelcue.bench.synthetic import ring_lists
from labelcue.engine import Cue
from labelcue.pool.cover import Cover
from labelcue.pool.matrix import Matrix
from labelcue.processes import learning
from labelcue.rounds import Rounds
from labelcue.store.snapshot import Snapshot
from labelcue.strategies import create_strategy
from labelcue.surrogates import Head, surrogates

WAIT_S = 900.0


def run(
    pool: int, dim: int, rounds: int = 30, labels: int = 500, seed: int = 0, strategy: str = "", graph: str = "built"
) -> dict[str, float | str]:
    """Label the head of the queue of a synthetic pool `rounds` times, after `labels` labels at random.

    `strategy`: empty for the default. `graph`: `built` from the vectors, or `synthetic`, which takes seconds and has
    nothing to do with them. `graph_s`: from the first round on until the neighbour graph serves, 0 without.

    `p50_s`, `p95_s`: from the moment an annotation is handed to the ledger to the new queue on disk, the learner's
    polling and debouncing included, Label Studio left out. `order_p50_s`, `order_p95_s`: to the first order on disk
    that contains it; `order_at_once` of these were heads before the old order. `round_s` and its stages are medians
    without the waiting: `rescore_s` reads the vectors, `cover_s` those near to a new label alone. `pool_read_s`: one
    sum over the memory-mapped vectors, on as many threads, after each round; `..._reads`: each round by the read that
    follows it. `instant_*`: a label in a Cue of the same pool and the head of its queue placed anew; `next_*`: one item
    from a ready queue. `rss_mb`, between two rounds, and `peak_rss_mb` count the mapped vectors (`vectors_mb`);
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
        desk = Desk(Path(folder), pool, dim, rng, strategy)
        if graph == "synthetic":
            desk.lists = ring_lists(pool, rng)
        bar = progress.add_task("rounds", total=rounds)
        with desk.learner() as published:
            desk.label([int(row) + 1 for row in rng.choice(pool, size=min(labels, pool // 2), replace=False)])
            snapshot = _newer(published, desk.labelled)
            graph_s = _until_it_serves(published, snapshot, desk.strategy)
            times, orders, stages, reads = [], [], [], []
            with watched(_stages(desk.strategy)) as spent:
                for _ in range(rounds):
                    began = time.perf_counter()
                    desk.label([int(snapshot.order[0])])
                    snapshot = _newer(published, desk.labelled)
                    times.append(time.perf_counter() - began)
                    orders.append(desk.seconds_to_order(snapshot.round.position, began) or times[-1])
                    stages.append(spent.copy())
                    reads.append(_seconds_to_read(desk.vectors.vectors))
                    spent.update(dict.fromkeys(spent, 0.0))
                    progress.advance(bar)
            steady = rss_mb()
        peak = peak_rss_mb()
        instant, following = _instants(desk, rng, min(labels, pool // 2), rounds)
    medians = {stage: float(np.median([one[stage] for one in stages])) for stage in spent}
    return {
        "strategy": desk.strategy,
        "graph": graph,
        "graph_s": graph_s,
        **_quantiles("order_", orders),
        "order_at_once": sum(order < whole for order, whole in zip(orders, times, strict=True)),
        **_quantiles("", times),
        **medians,
        "pool_read_s": float(np.median(reads)),
        "pool_reads_p50": float(np.median(np.divide(times, reads))),
        "round_reads": float(np.median([one["round_s"] / read for one, read in zip(stages, reads, strict=True)])),
        **_quantiles("instant_", instant),
        **_quantiles("next_", following),
        "rss_mb": steady,
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


def _instants(desk: Desk, rng: np.random.Generator, labels: int, times: int) -> tuple[list[float], list[float]]:
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


def rss_mb() -> float:
    """The memory that this process holds now, in MB; where the system does not say, the most so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_rss_mb()
    return pages * resource.getpagesize() / 1e6


def peak_rss_mb() -> float:
    """The most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
