"""Whatever is said in whatever order, a Cue is what a Cue built anew from the same facts is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from labelcue.engine import Cue
from labelcue.labels import kind_of

ROWS, MORE, DIM = 24, 16, 6
CLASSES = ("eggs", "ham", "spam")
ANSWERS: dict[str, tuple[Any, Any, Any]] = {
    "logistic": CLASSES,
    "multi-label": (frozenset(), frozenset({"ham"}), frozenset({"eggs", "spam"})),
    "regression": (1.0, 2.5, 5.0),
}
"""What may be said of an item, by the surrogate that learns it."""
NAMES = ("north", "south", "west")
SHARES = [{}, {"north": 0.5}, {"north": 0.25, "south": 0.25}, {"north": 0.3, "south": 0.6, "west": 0.1}]


def vectors() -> np.ndarray:
    rng = np.random.default_rng(3)
    made = rng.standard_normal((ROWS + MORE, DIM)).astype(np.float32)
    made[5:9] = made[4]  # Copies, which tie.
    return made


VECTORS = vectors()


class Machine(RuleBasedStateMachine):
    """Keeps its own record of what was said, in the plainest form."""

    @initialize(
        surrogate=st.sampled_from(sorted(ANSWERS)),
        strategy=st.sampled_from(["herding", "coreset-margin", "entropy", "random"]),
        seed=st.integers(0, 3),
        share=st.sampled_from([0.0, 0.5]),
        shares=st.sampled_from(SHARES),
    )
    def start(self, surrogate: str, strategy: str, seed: int, share: float, shares: dict[str, float]) -> None:
        told: dict[str, Any] = {"bounds": (1, 5)} if surrogate == "regression" else {"classes": CLASSES}
        self.cue = Cue(VECTORS[:ROWS], strategy=strategy, seed=seed, surrogate=surrogate, **told)
        self.surrogate, self.answers = surrogate, ANSWERS[surrogate]
        self.strategy, self.seed, self.rows, self.changed = strategy, seed, ROWS, True
        self.labels: dict[int, dict[int | None, Any]] = {}
        self.leased: set[int] = set()
        self.skipped: set[int] = set()
        self.held: set[int] = set()
        self.done: set[int] = set()
        self.pinned: list[int] = []
        self.exploring = 0.0
        self.audits(share, 0)
        self.quota(shares)

    def some(self, data: st.DataObject, most: int = 4, of: Iterable[int] = ()) -> list[int]:
        """A few items, of those where there are any."""
        items = st.sampled_from(sorted(of) or range(self.rows))
        return data.draw(st.lists(items, min_size=1, max_size=most, unique=True))

    def waiting(self) -> int:
        return self.rows - len(self.labels.keys() | self.leased | self.skipped | self.held | self.done)

    @rule(data=st.data(), answer=st.integers(0, 2), user=st.sampled_from([None, 7, 9]))
    def label(self, data: st.DataObject, answer: int, user: int | None) -> None:
        items, label, other = self.some(data), self.answers[answer], self.answers[1]
        self.cue.label({item: label if user is None else {user: label, 1: other} for item in items})
        self.labels |= {item: {None: label} if user is None else {user: label, 1: other} for item in items}
        self.leased -= set(items)

    @rule(data=st.data())
    def unlabel(self, data: st.DataObject) -> None:
        items = self.some(data, of=self.labels)
        self.cue.unlabel(items)
        for item in items:
            self.labels.pop(item, None)

    @precondition(lambda self: self.waiting())
    @rule(data=st.data())
    def next(self, data: st.DataObject) -> None:
        items = self.cue.next(data.draw(st.integers(1, min(6, self.waiting()))))
        gone = self.labels.keys() | self.leased | self.skipped | self.held | self.done
        assert not gone & set(items)
        first = [item for item in self.pinned if item not in gone]
        assert items[: len(first)] == first[: len(items)]
        self.leased |= set(items)

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        items = self.some(data, of=self.leased)
        self.cue.release(items)
        self.leased -= set(items)

    @rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        items = self.some(data, 2)
        self.cue.skip(items)
        self.skipped |= set(items)
        self.leased -= set(items)

    @rule(data=st.data(), lever=st.sampled_from(["held", "done"]), back=st.booleans())
    def hold_or_done(self, data: st.DataObject, lever: str, back: bool) -> None:
        items, name = self.some(data, 2), {"held": "hold", "done": "done"}[lever]
        getattr(self.cue, f"un{name}" if back else name)(items)
        getattr(self, lever).__isub__(set(items)) if back else getattr(self, lever).update(items)

    @rule(data=st.data(), back=st.booleans())
    def pin(self, data: st.DataObject, back: bool) -> None:
        items = self.some(data, 3)
        (self.cue.unpin if back else self.cue.pin)(items)
        self.pinned = [item for item in self.pinned if not (back and item in items)]
        self.pinned += [item for item in items if not back and item not in self.pinned]

    @rule(shares=st.sampled_from(SHARES))
    def quota(self, shares: dict[str, float]) -> None:
        self.cue.quota(shares, of={item: NAMES[item % len(NAMES)] for item in range(self.rows)})
        self.shares = shares

    @rule(share=st.sampled_from([0.0, 0.1, 0.5, 1.0]), seed=st.integers(0, 1))
    def audits(self, share: float, seed: int) -> None:
        if share + self.exploring > 1:
            return
        self.cue.audit(share, seed)
        self.audit = (share, seed)

    @rule(share=st.sampled_from([0.0, 0.2]))
    def explore(self, share: float) -> None:
        if self.audit[0] + share <= 1:
            self.cue.explore(share)
            self.exploring = share

    @precondition(lambda self: self.surrogate == "logistic")
    @rule(shares=st.sampled_from([{}, {"ham": 0.3}, {"ham": 0.2, "spam": 0.5}]))
    def class_quota(self, shares: dict[str, float]) -> None:
        self.cue.class_quota(shares)

    @rule()
    def retire(self) -> None:
        audits = self.cue.audited
        assert set(self.cue.retire()) == audits
        assert not self.cue.audited

    @precondition(lambda self: self.rows < len(VECTORS))
    @rule(count=st.integers(1, 5))
    def add(self, count: int) -> None:
        last = min(self.rows + count, len(VECTORS))
        self.cue.add(VECTORS[self.rows : last], range(self.rows, last))
        self.rows = last

    @rule()
    def save_and_load(self) -> None:
        before = self.cue
        self.cue = saved_and_loaded(before)
        one, two = saved_and_loaded(before), saved_and_loaded(self.cue)
        assert one.rank(10) == two.rank(10)
        same(one.round(5), two.round(5))

    @invariant()
    def holds_what_was_said(self) -> None:
        if not hasattr(self, "cue"):
            return
        facts = self.cue.facts
        levers = facts["levers"]
        unpack = kind_of(facts["kind"]).unpack
        said = {item: {user: unpack(answer) for user, answer in given} for item, given in facts["labels"]}
        assert said == self.labels
        assert set(facts["leased"]) == self.leased
        assert set(facts["skipped"]) == self.skipped
        assert (set(levers["held"]), set(levers["done"])) == (self.held, self.done)
        assert levers["pinned"] == self.pinned
        assert (levers["shares"], levers["audit"], levers["seed"]) == (self.shares, *self.audit)
        assert levers["explore"] == self.exploring
        assert self.cue.audited <= self.labels.keys() | self.leased | self.skipped

    @invariant()
    def equals_one_built_anew(self) -> None:
        if not hasattr(self, "cue"):
            return
        anew = Cue(
            VECTORS[: self.rows],
            strategy=self.strategy,
            seed=self.seed,
            surrogate=self.surrogate,
            facts=json.loads(json.dumps(self.cue.facts)),
        )
        here = saved_and_loaded(self.cue)
        assert here.facts == self.cue.facts == anew.facts
        same(here.round(11, full=True), anew.round(11, full=True))
        assert here.rank(8) == anew.rank(8)
        if self.waiting() > 2:
            assert here.next(2) == anew.next(2)
            assert here.facts == anew.facts
            same(here.round(12), anew.round(12))


def saved_and_loaded(cue: Cue) -> Cue:
    with tempfile.TemporaryDirectory() as folder:
        cue.save(Path(folder) / "cue.npz")
        return Cue.load(Path(folder) / "cue.npz")


def same(one: object, two: object) -> None:
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(two, name), err_msg=name)


Machine.TestCase.settings = settings(
    max_examples=18,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[phase for phase in Phase if phase is not Phase.shrink],  # A failure is told at once, not minutes later.
    suppress_health_check=list(HealthCheck),
)
TestMachine = pytest.mark.slow(Machine.TestCase)
