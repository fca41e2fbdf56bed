"""The runs of a measurement: which there are, and what each of them finds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from labelcue.bench.efficiency.curves import marks_upto
from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.efficiency.orders import Task, copies_in_flight, served
from labelcue.bench.efficiency.others import is_other, too_large
from labelcue.bench.efficiency.pools import draw
from labelcue.bench.efficiency.ruler import Ruler
from labelcue.errors import BadRequest
from labelcue.types import Json

STEP = 10
"""Labels between two measured points, whatever the batch, so that batches of all sizes compare."""


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    strategies: tuple[str, ...]
    pools: tuple[str, ...] = ("asis",)
    seeds: int = 10
    budget: int = 300
    batch: int = 10
    annotators: int = 1
    penalty: str = "pool"
    """How the head's is chosen, see `choose_penalty`."""

    def as_json(self) -> Json:
        """What stands above the figures."""
        names = ("seeds", "budget", "batch", "annotators", "penalty")
        return {name: getattr(self, name) for name in names}

    @property
    def marks(self) -> list[int]:
        """Numbers of labels at which accuracy is measured."""
        return marks_upto(self.budget, STEP)

    @property
    def crowds(self) -> tuple[int, ...]:
        """Numbers of annotators: what several lose is measured against one."""
        return tuple(sorted({1, self.annotators}))


@dataclass(frozen=True)
class Trial:
    """One seed of one pool of a set: what all strategies share."""

    data: LabelledSet
    variant: str
    seed: int
    l2: float

    @property
    def name(self) -> str:
        """As it stands in the result: the set, and the pool where it was made harder."""
        return self.data.name if self.variant == "asis" else f"{self.data.name}:{self.variant}"

    def full_key(self) -> str:
        """Under which the accuracy with all labels is kept."""
        return f"{self.data.sha}/{self.variant}/{self.seed}/{self.l2:g}/full"

    def key(self, plan: Plan, strategy: str, annotators: int) -> str:
        """Under which a run is kept: everything that it depends on, but the code."""
        place = f"{self.data.sha}/{self.variant}/{self.seed}/{self.l2:g}"
        return f"{place}/{plan.budget}/{plan.batch}/{annotators}/{strategy}"

    def keys(self, plan: Plan) -> list[str]:
        """Of every run."""
        runs = [self.key(plan, strategy, crowd) for strategy in plan.strategies for crowd in plan.crowds]
        return [self.full_key(), *runs]

    def run(self, plan: Plan, wanted: set[str]) -> Iterator[tuple[str, Json]]:
        """Key and result of each wanted run. Raises BadRequest where the pool is smaller than the budget."""
        pool = draw(self.data, self.variant, self.seed)
        if len(pool.said) < plan.budget:
            raise BadRequest(
                f"The pool of {self.name} has {len(pool.said)} items with seed {self.seed}, fewer than the budget.",
                f"Use --budget {len(pool.said) // STEP * STEP} or less.",
            )
        ruler = Ruler(self.data.test_vectors, self.data.test_targets, len(self.data.classes), self.l2)
        if self.full_key() in wanted:
            yield self.full_key(), {"accuracy": ruler.full_accuracy(pool)}
        task = Task(pool, self.data.classes, plan.budget, plan.batch, self.seed)
        for strategy in plan.strategies:
            for crowd in plan.crowds:
                key = self.key(plan, strategy, crowd)
                if key in wanted:
                    yield key, _measured(task, ruler, plan, strategy, crowd)


def _measured(task: Task, ruler: Ruler, plan: Plan, strategy: str, annotators: int) -> Json:
    reason = too_large(strategy, task.pool, len(task.classes)) if is_other(strategy) else ""
    if reason:
        return {"skipped": reason}
    began = time.perf_counter()
    order = served(task, strategy, annotators)
    seconds = time.perf_counter() - began
    return {
        "accuracies": ruler.accuracies(task.pool, order, plan.marks).tolist(),
        "copies_in_flight": copies_in_flight(task.pool, order, annotators),
        "seconds": seconds,
    }
