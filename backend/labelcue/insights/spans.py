"""What admins read where labels are spans: how exact the model's are, whose are probably wrong, whether people agree.

Spans are right where they begin, end and are called the same, as in the shared task of CoNLL (Tjong Kim Sang & De
Meulder, 2003); F1 = 2 right / (given + predicted) of all spans together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from labelcue.insights.agreement import HARDEST, RESAMPLES, Agreement, Annotator
from labelcue.insights.audit import ENOUGH, Audit, Sample, Share, sample
from labelcue.insights.errors import FEWEST, Errors, Suspect, told
from labelcue.insights.heldout_spans import Blind
from labelcue.insights.intervals import LEVEL, Estimate, Real
from labelcue.insights.report import Report
from labelcue.insights.second import LISTED, Spending
from labelcue.labels import SPANS, kinds
from labelcue.types import Bools, Floats, Ints, Label, Span

MEASURE = "F1 of spans"


@dataclass(frozen=True, eq=False)
class Spanned:
    """All that is known of the m texts that are labelled."""

    classes: tuple[Label, ...]
    tasks: Ints
    """(m,) ids, ascending."""
    said: tuple[tuple[tuple[int, frozenset[Span]], ...], ...]
    """Of each text, each annotator's spans."""
    predicted: tuple[frozenset[Span], ...]
    """By the model of now."""
    audit: Bools
    """(m,) whether chance chose the text, and the model has not learned of it."""
    propensity: Floats
    """(m,) float32 with what chance; NaN where none was logged."""
    first: Real
    """(m,) Unix seconds of the first label."""
    seed: int = 0

    @property
    def given(self) -> tuple[frozenset[Span], ...]:
        """The spans that more than half of a text's annotators gave."""
        return tuple(_most([spans for _, spans in each]) for each in self.said)


def with_spans(plain: Report, facts: Spanned, blind: Blind) -> Report:
    """The report of a pool, with what its spans tell."""
    rng = np.random.default_rng([facts.seed, 7])
    return replace(
        plain,
        kind=SPANS,
        measure=MEASURE,
        labelled=len(facts.tasks),
        annotations=sum(map(len, facts.said)),
        audit=_audit(facts, blind, rng),
        errors=_errors(facts, blind),
        agreement=_agreement(facts, rng),
        spending=_spending(facts, blind),
    )


def _audit(facts: Spanned, blind: Blind, rng: np.random.Generator) -> Audit:
    order = np.argsort(facts.first, kind="stable").astype(np.int64)
    audits, chosen = order[facts.audit[order]], order[~facts.audit[order]]
    missing = ENOUGH - len(audits)
    if missing > 0:
        return Audit(len(audits), missing, None, (), (), f"Not enough audit labels yet: {missing} more.")
    after = np.searchsorted(facts.first[audits], facts.first[chosen], side="right").astype(np.int64)
    none = np.zeros(len(audits), dtype=np.bool_), np.zeros(len(chosen), dtype=np.bool_)
    seen = sample(none[0], facts.propensity[audits], none[1], after)
    pairs = [(facts.given[row], facts.predicted[row]) for row in audits]
    pairs_too = [(facts.given[row], blind.found[row]) for row in chosen]
    each = tuple(
        Share(name, f1(_of(name, pairs), _of(name, pairs_too), seen, rng), sum(map(any, _of(name, pairs))))
        for name in facts.classes
    )
    whole = f1(pairs, pairs_too, seen, rng)
    if whole is None:
        return Audit(len(audits), 0, None, (), (), "Neither people nor the model have a span in the audits yet.")
    sentence = (
        f"The model's spans have an F1 of {whole.value:.1%} ({whole.low:.1%} to {whole.high:.1%} with {LEVEL:.0%} "
        f"confidence), by {len(audits)} labels of tasks that chance chose."
    )
    return Audit(len(audits), 0, whole, (), (), sentence, labels_f1=each)


Pairs = Sequence[tuple[frozenset[Span], frozenset[Span]]]
"""The spans given of texts, and those predicted."""


def f1(audits: Pairs, chosen: Pairs, seen: Sample, rng: np.random.Generator) -> Estimate | None:
    """F1 of the pool: of the audits, and of the texts that a strategy chose by models that did not see them; `seen` has
    the weights of both. None where the audits have no span."""
    ours, theirs = _counts(audits), _counts(chosen)
    return _resampled(seen.weight[:, None] * ours, seen.sure @ theirs, rng) if ours[:, 1].any() else None


def _resampled(sums: Real, fixed: Real | float, rng: np.random.Generator) -> Estimate:
    """F1 of (n, 2) right and either of texts, with `fixed` (2,) added to their sums; `n`: texts that have a span.

    Bounds from `RESAMPLES` bootstrap samples of the texts (Efron & Tibshirani, 1993, section 13.3).
    """
    times = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=RESAMPLES)
    values = _ratio(np.concatenate([np.ones((1, len(sums))), times]) @ sums + fixed)
    value, (low, high) = float(values[0]), np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value), int((sums[:, 1] > 0).sum()))


def _counts(pairs: Pairs) -> Real:
    """(n, 2) float64 spans of each text that are in both, and in either, those in both twice."""
    rows = [(len(given & found), len(given) + len(found)) for given, found in pairs]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _of(name: Label, pairs: Pairs) -> Pairs:
    return [(_called(name, given), _called(name, found)) for given, found in pairs]


def _called(name: Label, spans: frozenset[Span]) -> frozenset[Span]:
    return frozenset(span for span in spans if span[2] == name)


def _most(said: Sequence[frozenset[Span]]) -> frozenset[Span]:
    every = {span for spans in said for span in spans}
    return frozenset(span for span in every if 2 * sum(span in spans for spans in said) > len(said))


def _errors(facts: Spanned, blind: Blind) -> Errors:
    n = len(facts.tasks)
    if n < FEWEST:
        return Errors(n, (), f"Not enough to look for wrong labels yet: {FEWEST - n} more labelled tasks.")
    given, kind = facts.given, kinds.create(SPANS)
    rows = [int(row) for row in np.argsort(blind.belief, kind="stable") if blind.doubtful[row]]
    suspects = tuple(
        Suspect(
            int(facts.tasks[row]),
            -1,
            -1,
            round(float(blind.belief[row]), 4),
            0,
            kind.text(given[row] - blind.found[row]),
            kind.text(blind.found[row] - given[row]),
        )
        for row in rows
        if given[row] != blind.found[row]
    )
    return told(n, suspects)


def _agreement(facts: Spanned, rng: np.random.Generator) -> Agreement:
    """Of all pairs of annotators of the same text the F1 of the one's spans by the other's, all spans together.

    It is the same whoever is taken for right, and what a kappa comes down to where nearly everything is no span
    (Hripcsak & Rothschild, JAMIA 12, 2005).
    """
    shared = [row for row, each in enumerate(facts.said) if len(each) > 1]
    people = _people(facts, rng)
    if not shared:
        sentence = "No task has two labels yet: set a share of second opinions, or ask for some, to see agreement."
        return Agreement(0, None, people, (), (), sentence)
    sums = np.array([_pairs_of(facts.said[row]) for row in shared])
    found = _resampled(sums, 0.0, rng)
    apart = sorted(((1 - float(one), row) for one, row in zip(_ratio(sums), shared, strict=True)), key=lambda x: -x[0])
    hardest = tuple((int(facts.tasks[row]), round(far, 4)) for far, row in apart[:HARDEST] if far > 0)
    sentence = (
        f"Of {len(shared):,} tasks with two labels or more, annotators' spans have an F1 of {found.value:.1%} by each "
        f"other's ({found.low:.1%} to {found.high:.1%})."
    )
    return Agreement(len(shared), None, people, (), hardest, sentence)


def _pairs_of(each: Sequence[tuple[int, frozenset[Span]]]) -> tuple[float, float]:
    pairs = [(one, two) for (_, one), (_, two) in combinations(each, 2)]
    total = _counts(pairs).sum(axis=0)
    return float(total[0]), float(total[1])


def _ratio(sums: Real) -> Real:
    """(b,) F1 of (b, 2) sums; 1 where nobody marked anything, as nobody disagreed."""
    return np.where(sums[:, 1] > 0, 2 * sums[:, 0] / np.maximum(sums[:, 1], 1e-12), 1.0)


def _people(facts: Spanned, rng: np.random.Generator) -> tuple[Annotator, ...]:
    """Each annotator by the others, those who agree least first."""
    found = []
    for number in sorted({who for each in facts.said for who, _ in each}):
        mine = [dict(each) for each in facts.said if number in dict(each)]
        met = np.array([_by_others(number, each) for each in mine if len(each) > 1])
        estimate = _resampled(met, 0.0, rng) if len(met) else None
        found.append(Annotator(number, len(mine), estimate))
    return tuple(sorted(found, key=lambda one: one.agreement.value if one.agreement else 2.0))


def _by_others(who: int, each: Mapping[int, frozenset[Span]]) -> Real:
    """(2,) one annotator's spans of a text by those of each of the others."""
    total: Real = _counts([(each[who], other) for one, other in each.items() if one != who]).sum(axis=0)
    return total


def _spending(facts: Spanned, blind: Blind) -> Spending:
    words = "Whether a second opinion tells more than a new task is known for single classes alone."
    if len(facts.tasks) < FEWEST:
        return Spending("", None, None, (), words)
    once = [int(row) for row in np.argsort(blind.belief, kind="stable") if len(facts.said[row]) == 1]
    return Spending("", None, None, tuple(int(facts.tasks[row]) for row in once[:LISTED]), words)
