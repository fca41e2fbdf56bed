"""The sections of a report that depend on what a label is: one way for classes, one for sets, one for numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from labelcue.insights.agreement import Agreement, agreement
from labelcue.insights.audit import Audit, Sample, audit, audit_of
from labelcue.insights.distances import agreement_by, metric_of_numbers, metric_of_sets
from labelcue.insights.errors import FEWEST, Errors, label_errors
from labelcue.insights.errors_others import number_errors, set_errors
from labelcue.insights.facts import Facts
from labelcue.insights.heldout import HeldOut, held_out
from labelcue.insights.heldout_others import held_out_numbers, held_out_sets
from labelcue.insights.scores import by_label, mean_error, parts_of
from labelcue.insights.second import LISTED, Spending, spending, with_quality
from labelcue.insights.yardsticks import Answers
from labelcue.labels import CLASS, NUMBER, SET, kinds
from labelcue.labels.number import PARTS
from labelcue.types import Floats, Ints, Label

COMPARED = 20_000
"""Unlabelled tasks that are scored for where to spend the next label; a random share where there are more."""
NONE = "none of them"
"""The group of a set without labels."""


def blind(facts: Facts) -> HeldOut:
    """What models say of the labelled tasks that did not see them; flat while there is nothing to learn from."""
    if len(facts.labelled) < 2 or not facts.learnable:
        flat = np.full(facts.targets.shape, 1 / max(len(facts.classes), 1), dtype=np.float32)
        return HeldOut(flat, np.arange(len(facts.labelled), dtype=np.int64), flat)
    rng = np.random.default_rng([facts.seed, 2])
    vectors = facts.unit(facts.labelled)
    if facts.kind == SET:
        return held_out_sets(vectors, facts.targets, facts.penalty, rng, facts.yard)
    if facts.kind == NUMBER:
        return held_out_numbers(vectors, facts.targets, facts.penalty, rng, facts.yard)
    return held_out(vectors, facts.targets, facts.penalty, rng)


def answers_of(facts: Facts, said: Floats) -> Answers:
    """What held-out opinions come down to: those of numbers have one column."""
    return said[:, 0].astype(np.float64) if facts.kind == NUMBER else facts.yard.answers(said)


def errors_of(facts: Facts, held: HeldOut) -> Errors:
    """Labels that are probably wrong."""
    tasks, kind = facts.ids[facts.labelled], kinds.create(facts.kind)
    if facts.kind == SET:
        return set_errors(tasks, facts.given, held, facts.classes, kind.text)
    if facts.kind == NUMBER:
        return number_errors(tasks, facts.given, held, facts.tolerance, kind.text)
    return label_errors(tasks, facts.given, held)


def audit_section(facts: Facts, held: HeldOut, audits: Ints, chosen: Ints, predicted: Answers, seen: Sample) -> Audit:
    """`audits` and `chosen`: indices into `labelled`; `predicted` (n, ...) of every task."""
    guessed, said = predicted[facts.labelled[audits]], facts.given[audits]
    if facts.kind == CLASS:
        return audit(said, guessed, facts.given[chosen], seen, facts.classes)
    plain = audit_of(len(audits), seen, facts.yard.right_is)
    if plain.accuracy is None:
        return plain
    there, blindly = facts.given[chosen], answers_of(facts, held.alone)[chosen]
    if facts.kind == SET:
        return replace(plain, labels_f1=by_label(facts.classes, (said, guessed), (there, blindly), seen))
    return replace(plain, error=mean_error(np.abs(guessed - said), np.abs(blindly - there), seen))


def annotators(facts: Facts, held: HeldOut) -> tuple[Agreement, Spending]:
    """Whether they agree, and where the next label is better spent."""
    rng = np.random.default_rng([facts.seed, 3])
    if facts.kind != CLASS:
        return _others_agree(facts, rng), _least_believed(facts, held)
    found = agreement(facts.said, held.probabilities, rng)
    rows = np.arange(len(facts.labelled), dtype=np.int64)
    rated = with_quality(found.annotators, facts.said, rows, held.probabilities, facts.seed)
    pool = np.setdiff1d(np.arange(len(facts.ids)), facts.labelled, assume_unique=True)
    pool = np.sort(np.random.default_rng([facts.seed, 4]).permutation(pool)[:COMPARED])
    spend = spending(facts.said, rows, held.probabilities, pool, facts.probabilities[pool], facts.seed)
    second = tuple(int(facts.ids[facts.labelled[row]]) for row in spend.second)
    return replace(found, annotators=rated, hardest=_tasks(facts, found)), replace(spend, second=second)


def _others_agree(facts: Facts, rng: np.random.Generator) -> Agreement:
    given = facts.answers if facts.answers is not None else np.empty((0, 1), dtype=np.float32)
    if facts.kind == SET:
        found = agreement_by(facts.said, metric_of_sets(given), len(facts.labelled), 0.0, rng)
    else:
        span = float(np.ptp(given)) if len(given) else 0.0
        close = facts.tolerance / span if span > 0 else 0.0
        found = agreement_by(facts.said, metric_of_numbers(given), len(facts.labelled), close, rng)
    return replace(found, hardest=_tasks(facts, found))


def _tasks(facts: Facts, found: Agreement) -> tuple[tuple[int, float], ...]:
    return tuple((int(facts.ids[facts.labelled[row]]), share) for row, share in found.hardest)


def _least_believed(facts: Facts, held: HeldOut) -> Spending:
    """Of sets and numbers: nobody can say whether a second opinion tells more than a new task, but of which label it
    tells most: of the one that models which did not see it believe least, where nobody else has labelled it yet."""
    words = "Whether a second opinion tells more than a new task is known for single classes alone."
    if len(facts.labelled) < FEWEST:
        return Spending("", None, None, (), words)
    doubt = np.abs(held.probabilities - facts.targets).max(axis=1)
    once = np.flatnonzero(np.bincount(facts.said.item, minlength=len(doubt)) == 1)
    order = once[np.argsort(-doubt[once], kind="stable")[:LISTED]]
    return Spending("", None, None, tuple(int(facts.ids[facts.labelled[row]]) for row in order), words)


@dataclass(frozen=True, slots=True)
class Groups:
    """By what the map is coloured and labels are counted: classes, labels, or parts of the range."""

    names: tuple[Label, ...]
    given: NDArray[np.int16]
    """(m,) group of each labelled task: of a set its rarest label."""
    predicted: NDArray[np.int16]
    """(n,) likewise, of every task."""
    counted: Ints
    """Group of every label given, each label of a set."""
    expected: Ints
    """Group of every label predicted."""


def groups_of(facts: Facts, predicted: Answers) -> Groups:
    """`predicted` (n, ...): the model's answers."""
    if facts.kind == SET:
        return _groups_of_sets(facts, predicted)
    names, given, guess = facts.classes, facts.given, predicted
    if facts.kind == NUMBER:
        low, high = facts.range
        edges = np.linspace(low, high, PARTS + 1)
        names = tuple(f"{one:.3g} to {two:.3g}" for one, two in pairwise(edges))
        given, guess = (parts_of(numbers, low, high, PARTS) for numbers in (given, predicted))
    return Groups(names, given.astype(np.int16), guess.astype(np.int16), given, guess if facts.trained else guess[:0])


def _groups_of_sets(facts: Facts, predicted: Answers) -> Groups:
    often = facts.given.sum(axis=0) if len(facts.given) else np.zeros(len(facts.classes))

    def rarest(sets: Answers) -> NDArray[np.int16]:
        found = np.where(sets, often, np.inf).argmin(axis=1) if sets.shape[1] else np.zeros(len(sets), dtype=np.int64)
        return np.where(sets.any(axis=1), found, len(facts.classes)).astype(np.int16)

    counted, expected = (np.nonzero(sets)[1].astype(np.int64) for sets in (facts.given, predicted))
    names = (*facts.classes, NONE)
    return Groups(names, rarest(facts.given), rarest(predicted), counted, expected if facts.trained else expected[:0])
