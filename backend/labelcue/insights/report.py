"""Everything that admins read of one project, from plain arrays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.insights.agreement import Agreement
from labelcue.insights.audit import ENOUGH, Audit, Sample, sample
from labelcue.insights.covering import Coverage, coverage
from labelcue.insights.curve import Curve, Rate, learning_curve, rate
from labelcue.insights.drift import Drift, drift, newest
from labelcue.insights.errors import Errors
from labelcue.insights.facts import Facts
from labelcue.insights.heldout import HeldOut
from labelcue.insights.intervals import Real
from labelcue.insights.mapping import PoolMap, map_again
from labelcue.insights.powerlaw import Law
from labelcue.insights.second import Spending
from labelcue.insights.sections import Groups, annotators, answers_of, audit_section, blind, errors_of, groups_of
from labelcue.insights.stopping import PROBES, Stopping, stopping
from labelcue.insights.successive import marks, predictions, random_order
from labelcue.insights.yardsticks import Answers
from labelcue.labels import kinds
from labelcue.types import Floats, Ints, Json

FORMAT = 1
STEPS = ("labels", "audit", "agreement", "coverage", "curve", "drift", "map")
"""What `progress` is told, one after the other."""
TAKEN = 5000
"""Tasks that the strategy took on which earlier models are tested; a random share where there are more."""
Progress = Callable[[str, int, int], None]
"""Name of the step, its number, and how many there are; may raise to stop the work."""


@dataclass(frozen=True, eq=False)
class Report:
    """What admins read, and the map of the pool beside it."""

    classes: tuple[str, ...]
    kind: str
    """What a label is: class, set or number."""
    measure: str
    """What accuracy is called here."""
    groups: tuple[str, ...]
    """What the map's `label` and `predicted`, and the balance, are indices into: the classes, or what sets and numbers
    are counted by."""
    tasks: int
    labelled: int
    annotations: int
    audit: Audit
    curve: Curve
    errors: Errors
    agreement: Agreement
    spending: Spending
    coverage: Coverage
    drift: Drift
    stopping: Stopping
    map: PoolMap

    def as_json(self) -> dict[str, Json]:
        """The form that docs/insights.md describes; the map is in `arrays`."""
        named = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name != "map"}
        return {"format": FORMAT} | {name: plain(value) for name, value in named.items()}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The map: tasks, places, of, label, predicted, uncertainty."""
        return {one.name: np.asarray(getattr(self.map, one.name)) for one in dataclasses.fields(self.map)}


def report(facts: Facts, progress: Progress = lambda _name, _step, _of: None) -> Report:
    """Everything of one project. Seconds to minutes for 100,000 tasks; the same facts give the same report."""
    told = iter(enumerate(STEPS))

    def step() -> None:
        number, name = next(told)
        progress(name, number, len(STEPS))

    step()
    held = blind(facts)
    errors = errors_of(facts, held)
    step()
    audits, chosen, predicted = _in_time(facts)
    audited, others = facts.labelled[audits], facts.labelled[chosen]
    seen = _sample(facts, held, audits, chosen, predicted)
    sure = audit_section(facts, held, audits, chosen, predicted, seen)
    groups = groups_of(facts, predicted)
    step()
    agreed, spend = annotators(facts, held)
    step()
    covered = coverage(facts, groups, audited, others, seen, sure)
    step()
    curve, stop = _curve(facts, held, audits, chosen, seen)
    step()
    drifted = _drift(facts)
    step()
    shown = _map(facts, groups)
    counts = len(facts.ids), len(facts.labelled), len(facts.votes.item)
    about = facts.classes, facts.kind, facts.yard.measure, groups.names
    return Report(*about, *counts, sure, curve, errors, agreed, spend, covered, drifted, stop, shown)


def plain(value: Any) -> Json:
    """Dataclasses as objects, tuples as lists; what is not finite as null; six significant digits."""
    if dataclasses.is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _in_time(facts: Facts) -> tuple[Ints, Ints, Answers]:
    """Indices into `labelled` of the audits and of the other tasks, by the time of their labels; (n, ...) answers."""
    predicted = facts.yard.answers(facts.probabilities)
    order = np.argsort(facts.first, kind="stable").astype(np.int64)
    audits, others = order[facts.is_audit[order]], order[~facts.is_audit[order]]
    return (audits, others, predicted) if facts.trained else (audits[:0], others[:0], predicted)


def _sample(facts: Facts, held: HeldOut, audits: Ints, chosen: Ints, predicted: Answers) -> Sample:
    right = facts.yard.right(predicted[facts.labelled[audits]], facts.given[audits])
    known = facts.yard.right(answers_of(facts, held.alone)[chosen], facts.given[chosen])
    after = np.searchsorted(facts.first[audits], facts.first[chosen], side="right").astype(np.int64)
    return sample(right, facts.propensity[facts.labelled[audits]], known, after)


def _curve(facts: Facts, held: HeldOut, audits: Ints, chosen: Ints, seen: Sample) -> tuple[Curve, Stopping]:
    """Accuracies of the models of then, by the same measure as the audit's: audits, and what the strategy took.

    A model is tested on what it has not seen: of tasks that it learned from the held-out opinion of now counts.
    """
    order, n = facts.in_order, len(audits)
    at = marks(len(order)) if facts.learnable else np.empty(0, dtype=np.int64)
    some = np.sort(np.random.default_rng([facts.seed, 5]).permutation(len(facts.ids))[:PROBES])
    taken = np.sort(np.random.default_rng([facts.seed, 6]).permutation(len(chosen))[:TAKEN]) if n else chosen[:0]
    tests = np.concatenate([audits, chosen[taken]])
    probes = facts.unit(np.concatenate([facts.labelled[tests], some]))
    vectors, targets = facts.unit(facts.labelled[order]), facts.targets[order]
    found = predictions(vectors, targets, at, probes, facts.penalty, facts.seed, facts.yard)
    right = facts.yard.right(found[:, : len(tests)], facts.given[tests])
    alone = facts.yard.right(answers_of(facts, held.alone)[chosen[taken]], facts.given[chosen[taken]])
    right[:, n:] = np.where(taken < at[:, None], alone, right[:, n:])
    if len(at):
        right[-1, :n] = seen.right  # the model of now itself, and not one that is like it
    curve, law = _with_chance(facts, at, right, _weights(seen, taken), audits, chosen[taken])
    return curve, stopping(at, found[:, len(tests) :], facts.yard, law, n)


def _weights(seen: Sample, taken: Ints) -> Real:
    """(n + m,) what each audit and each of the `taken` (m,) stands for; those of the audits are 1 on average."""
    sure = seen.sure[taken]
    if len(sure):
        sure = sure * (seen.sure.sum() / sure.sum())
    weight = np.concatenate([seen.weight, sure])
    return weight / seen.weight.mean() if len(seen.weight) else weight


def _with_chance(
    facts: Facts, at: Ints, right: NDArray[np.bool_], weight: Real, audits: Ints, taken: Ints
) -> tuple[Curve, Law | None]:
    speed: Rate = rate(facts.votes.at, facts.now)
    chance = None
    if len(audits) >= ENOUGH and len(at):
        (vectors, given), others = ((facts.unit(facts.labelled[some]), facts.given[some]) for some in (audits, taken))
        chance = random_order(vectors, facts.targets[audits], given, facts.penalty, facts.seed, facts.yard, others)
    return learning_curve(at, right, weight, len(facts.ids), speed, chance, len(audits), facts.yard.right_is)


def _drift(facts: Facts) -> Drift:
    if facts.arrived is None:
        return Drift(0, len(facts.ids), None, None, False, "When tasks came is not known: there is nothing to compare.")
    return drift(facts.unit, newest(facts.arrived), facts.seed)


def _map(facts: Facts, groups: Groups) -> PoolMap:
    shown = map_again(facts.map, facts.ids, facts.unit, facts.labelled, facts.seed)
    rows = np.searchsorted(facts.ids, shown.tasks)
    label = np.full(len(facts.ids), -1, dtype=np.int16)
    label[facts.labelled] = groups.given
    best = groups.predicted[rows] if facts.trained else np.full(len(rows), -1, dtype=np.int16)
    doubt: Floats = np.ones(len(rows), dtype=np.float32)
    if facts.trained:
        doubt = kinds.create(facts.kind).believe(facts.probabilities[rows], facts.targets[:0]).doubt()
    return replace(shown, label=label[rows], predicted=best, uncertainty=doubt)
