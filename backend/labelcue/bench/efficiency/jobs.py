"""Trials in this process or in several, one thread each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from threadpoolctl import threadpool_limits

from labelcue.bench.efficiency.trials import Plan, Trial
from labelcue.types import Json

Found = tuple[str, str, Json]
"""Name of the trial, key and result of one run."""


@dataclass(frozen=True)
class Work:
    """A trial and the keys of its runs that are still to be made."""

    trial: Trial
    plan: Plan
    wanted: set[str]

    def results(self) -> Iterator[Found]:
        """One run after the other."""
        with one_thread():
            for key, found in self.trial.run(self.plan, self.wanted):
                yield f"{self.trial.name}, seed {self.trial.seed}", key, found


@contextmanager
def one_thread() -> Iterator[None]:
    """The same bits on every machine: sums depend on the number of threads, and an order on their last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def spread(work: Sequence[Work], jobs: int) -> Iterator[Found]:
    """Every run of all work, as it is finished; with several processes, trial by trial."""
    if jobs < 2 or len(work) < 2:
        for one in work:
            yield from one.results()
        return
    executor = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        for done in as_completed([executor.submit(_all, one) for one in work]):
            yield from done.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _all(work: Work) -> list[Found]:
    return list(work.results())
