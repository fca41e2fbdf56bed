"""How fast the next batch is chosen, from nothing and with kept distances, and whether it is the exact one."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from labelcue.bench.desk import GAUSSIANS
from labelcue.bench.kcenter import certain, dense, peer, peer_is_installed
from labelcue.errors import BadRequest
from labelcue.pool.cover import Cover
from labelcue.pool.graph import Graph
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.herd import Herd
from labelcue.pool.kernel import Kernel
from labelcue.pool.matrix import BLOCK, Matrix
from labelcue.types import Floats, Ints

LABELLED = 1000
PAIRS = 5e8
"""Distances that the check in float64 may take; of a larger pool it takes the first rows."""
GAP = 1e-6
"""Places may change their order where their distances differ by less."""
Figures = dict[str, Any]


def run(pool: int, dim: int, batch: int, seed: int = 0, repeats: int = 3, herding: bool = True) -> Figures:
    """Choose `batch` of `pool` rows by each method, the best of `repeats`, on one thread and on all.

    At the top stands the run on one thread with 1,000 labelled rows; `runs` has each. Seconds are of the wall clock.
    `exact_s`: labelled pass and places; `exact_state_s`: places, the distances being kept, against `dense_places_s`.
    `peak_extra_mb`: what the exact selection from nothing allocates beside the vectors, by tracemalloc in a run of
    its own. `same_picks`: share of the batch that brute force in float64 chooses too, on `compared_rows` rows. Raises
    BadRequest where the pool is too small.
    """
    labelled = min(LABELLED, pool // 4)
    if batch < 1 or dim < 1 or pool - labelled < batch:
        raise BadRequest(f"A pool of {pool} has no {batch} rows to choose.", "Ask for a larger pool.")
    threads = sorted({1, os.cpu_count() or 1})
    settings = [(count, rows) for count in threads for rows in (labelled, 0)]
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("selection", total=len(settings) * repeats + 2 * batch)
        bench = _Bench(pool, dim, batch, seed, lambda: progress.advance(bar))
        runs = [bench.measure(count, rows, repeats) for count, rows in settings]
        checks = {rows: bench.check(rows) for rows in (labelled, 0)}
        for one in runs:
            one.update(checks[one["labelled"]])
        figures = runs[0] | (bench.herding(labelled) if herding else {"herding_s": None, "graph_s": None})
    return figures | {"pool": pool, "dim": dim, "batch": batch, "gaussians": GAUSSIANS, "runs": runs}


class _Bench:
    """One synthetic pool: 50 Gaussians, scaled to length one, and an order in which rows were labelled."""

    def __init__(self, pool: int, dim: int, batch: int, seed: int, advance: Callable[[], None]) -> None:
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((GAUSSIANS, dim), dtype=np.float32)
        self.vectors: Floats = np.empty((pool, dim), dtype=np.float32)
        for start in range(0, pool, BLOCK):
            part = self.vectors[start : start + BLOCK]
            part[:] = centres[rng.integers(0, GAUSSIANS, len(part))]
            part += rng.standard_normal(part.shape, dtype=np.float32)
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        self.order: Ints = rng.permutation(pool)
        self.matrix, self.batch, self.advance = Matrix(self.vectors), batch, advance

    def measure(self, threads: int, labelled: int, repeats: int) -> Figures:
        """The methods in turn, so that a neighbour's load meets all; the least seconds of each."""
        rows, seconds = self.order[:labelled], []
        with _on(threads):
            for _ in range(repeats):
                cover, covering = self._cover(rows)
                picks, placing = self._places(cover)
                _, passing, choosing = dense(self.vectors, rows, self.batch, picks[0])
                seconds.append((passing + choosing, choosing, covering + placing, placing))
                self.advance()
            other = peer(self.vectors, rows, self.batch) if labelled and peer_is_installed() else None
        whole, places, exact, kept = np.min(seconds, axis=0).tolist()
        return {
            "threads": threads,
            "labelled": labelled,
            "dense_numpy_s": whole,
            "dense_places_s": places,
            "exact_s": exact,
            "exact_state_s": kept,
            "skactiveml_s": other,
            "dense_over_exact": whole / exact,
            "dense_over_exact_state": places / kept,
            "skactiveml_over_exact": other / exact if other else None,
            "peak_extra_mb": self._peak_mb(rows),
        }

    def check(self, labelled: int) -> Figures:
        """The batch against brute force in float64, on as many rows as that can be afforded for."""
        rows = int(min(len(self.vectors), max(PAIRS // (labelled + self.batch), 2 * (labelled + self.batch))))
        part = Matrix(self.vectors[:rows])
        known = self.order[self.order < rows][:labelled]
        cover = Cover(part)
        cover.set(known.tolist())
        left = np.flatnonzero(cover.squared >= 0)
        run = FarthestFirst(part, left, cover.squared[left], np.ones(len(left), np.float32), 1.0, cover.covered)
        positions, _, squared = run.run(self.batch)
        picks = left[positions]
        wanted, values = certain(part.vectors.astype(np.float32), known, self.batch, int(picks[0]), self.advance)
        moved = np.flatnonzero(picks != wanted)
        gap = float(np.abs(np.sqrt(squared[moved]) - values[moved]).max(initial=0))
        return {
            "same_picks": len(set(picks.tolist()) & set(wanted)) / self.batch,
            "same_order": gap < GAP,
            "moved": len(moved),
            "compared_rows": rows,
        }

    def herding(self, labelled: int) -> Figures:
        """Seconds of the neighbour graph on all threads, and of the places of herding on it on one."""
        cover, _ = self._cover(self.order[:labelled])
        live = np.ones(len(self.vectors), dtype=bool)
        rows = np.flatnonzero(cover.squared >= 0)
        weight = np.ones(len(rows), dtype=np.float32)
        graph = Graph()
        with _on(os.cpu_count() or 1):
            began = time.perf_counter()
            graph.grow(self.matrix)
            kernel = Kernel(graph.edges())
            grown = time.perf_counter()
        with _on(1):
            placing = time.perf_counter()
            herd = Herd(kernel, cover, rows, live)
            herd.place(weight, herd.scale, self.batch)
            return {"graph_s": grown - began, "herding_s": time.perf_counter() - placing}

    def _cover(self, labelled: Ints) -> tuple[Cover, float]:
        began = time.perf_counter()
        cover = Cover(self.matrix)
        cover.set(labelled.tolist())
        return cover, time.perf_counter() - began

    def _places(self, cover: Cover) -> tuple[list[int], float]:
        began = time.perf_counter()
        rows = np.flatnonzero(cover.squared >= 0)
        weight = np.ones(len(rows), dtype=np.float32)
        run = FarthestFirst(self.matrix, rows, cover.squared[rows], weight, 1.0, cover.covered)
        picks: list[int] = rows[run.run(self.batch)[0]].tolist()
        return picks, time.perf_counter() - began

    def _peak_mb(self, labelled: Ints) -> float:
        tracemalloc.start()
        self._places(self._cover(labelled)[0])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / 1e6


@contextmanager
def _on(threads: int) -> Iterator[None]:
    """Let numpy and torch use so many threads."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def show(out: Console, figures: Figures) -> None:
    """One line for each setting, in seconds and as multiples, and what was compared."""
    table = Table(title=f"{figures['batch']} of {figures['pool']:,} rows, {figures['dim']} dimensions")
    names = ("threads", "labelled", "dense", "exact", "times", "dense, kept", "exact, kept", "times", "CoreSet", "MB")
    for name in names:
        table.add_column(name, justify="right")
    for one in figures["runs"]:
        table.add_row(
            str(one["threads"]),
            str(one["labelled"]),
            f"{one['dense_numpy_s']:.3f} s",
            f"{one['exact_s']:.3f} s",
            f"{one['dense_over_exact']:.1f}",
            f"{one['dense_places_s']:.3f} s",
            f"{one['exact_state_s']:.4f} s",
            f"{one['dense_over_exact_state']:.0f}",
            "not installed" if one["skactiveml_s"] is None else f"{one['skactiveml_s']:.2f} s",
            f"{one['peak_extra_mb']:.0f}",
        )
    out.print(table)
    for one in figures["runs"][:2]:
        out.print(
            f"{one['labelled']} labelled: {one['same_picks']:.1%} the same as float64 brute force on "
            f"{one['compared_rows']:,} rows; {one['moved']} in another place"
        )
    if figures["herding_s"] is not None:
        out.print(
            f"herding: {figures['herding_s']:.3f} s on a graph that took {figures['graph_s']:.1f} s on all threads"
        )
