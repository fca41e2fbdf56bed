"""Whether annotators agree, with each other and with the majority, and where they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcue.insights.intervals import LEVEL, Estimate, Real, exact
from labelcue.types import Bools, Floats, Ints

RESAMPLES = 2000
HARDEST = 100
"""Tasks that are listed."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Who said what: v labels, one for each annotator and task."""

    item: Ints
    """(v,) row of the task."""
    annotator: Ints
    """(v,) the annotator's number, as Label Studio's user id."""
    label: Ints
    """(v,) index of the class."""
    at: Real
    """(v,) Unix seconds."""

    def counts(self, items: int, classes: int) -> Ints:
        """(n, c) how often each task was given each class."""
        flat = np.bincount(self.item * classes + self.label, minlength=items * classes)
        return flat.reshape(items, classes).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Annotator:
    """One annotator against the others, on tasks that others labelled too."""

    annotator: int
    labels: int
    """All labels, seconds or not."""
    agreement: Estimate | None
    """Share of agreement with the majority of the others; a tie among k classes counts 1/k. None: no shared task."""
    quality: float | None = None
    """CROWDLAB's estimate of the share of right labels, 0 to 1, where it was computed."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far annotators agree. Without tasks of two labels `alpha` is None and the sentence says what to do."""

    shared: int
    """Tasks with two labels or more."""
    alpha: Estimate | None
    annotators: tuple[Annotator, ...]
    confusion: tuple[tuple[float, ...], ...]
    """(c, c) of each class' labels (rows), the share of what other annotators said of the same task (columns)."""
    hardest: tuple[tuple[int, float], ...]
    """(row, disagreement): the tasks on which annotators disagree most, of equals the one the model finds hardest."""
    sentence: str


def agreement(votes: Votes, probabilities: Floats, rng: np.random.Generator, level: float = LEVEL) -> Agreement:
    """Agreement of the votes on n tasks; the model's `probabilities` (n, c) say which of equals is harder."""
    counts = votes.counts(*probabilities.shape)
    shared = np.flatnonzero(counts.sum(axis=1) > 1)
    people = each_annotator(votes, counts, level)
    if not len(shared):
        sentence = "No task has two labels yet: set a share of second opinions, or ask for some, to see agreement."
        return Agreement(0, None, people, (), (), sentence)
    alpha = krippendorff(counts[shared], rng, level)
    confusion = tuple(tuple(round(float(one), 4) for one in row) for row in coincidences(counts[shared], share=True))
    return Agreement(len(shared), alpha, people, confusion, hardest(counts, probabilities), verdict_of(alpha))


def verdict_of(alpha: Estimate) -> str:
    """What an alpha says (Krippendorff, Content Analysis, 2004, section 11.4.2)."""
    verdict = "below what conclusions may rest on (0.667)"
    if alpha.value >= 0.8:
        verdict = "good (0.8 or more)"
    elif alpha.value >= 2 / 3:
        verdict = "enough for tentative conclusions only (0.667 to 0.8)"
    return f"Krippendorff's alpha is {alpha.value:.2f} ({alpha.low:.2f} to {alpha.high:.2f}): {verdict}."


def coincidences(counts: Ints, share: bool = False) -> Real:
    """(c, c) float64 coincidence matrix of (u, c) counts, two labels a row or more (Krippendorff 2011, step B).

    o_ck = Σ_u n_uc (n_uk − [c = k]) / (m_u − 1). With `share`, each row is divided by its sum.
    """
    pairs = counts / (counts.sum(axis=1, keepdims=True) - 1)
    matrix: Real = pairs.T @ counts - np.diag(pairs.sum(axis=0))
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12) if share else matrix


def krippendorff(counts: Ints, rng: np.random.Generator, level: float = LEVEL) -> Estimate:
    """Nominal alpha = 1 − D_o / D_e of (u, c) counts of tasks with two labels or more, with a bootstrap interval.

    Krippendorff (Computing Krippendorff's Alpha-Reliability, 2011), missing labels allowed. Tasks are drawn again
    `RESAMPLES` times; those with equal counts are drawn together, so that it costs as much as there are patterns.
    One class alone gives 1, as nobody ever disagreed.
    """
    patterns, times = np.unique(counts, axis=0, return_counts=True)
    drawn = rng.multinomial(len(counts), times / times.sum(), size=RESAMPLES)
    alphas = _alpha(np.concatenate([times[None], drawn]), patterns)
    tail = (1 - level) / 2
    low, high = np.quantile(alphas[1:], [tail, 1 - tail])
    return Estimate(float(alphas[0]), float(min(low, alphas[0])), float(max(high, alphas[0])), len(counts))


def _alpha(times: NDArray[np.int64], patterns: Ints) -> Real:
    """(b,) alpha of `times` (b, p) tasks of each pattern of counts (p, c)."""
    size = patterns.sum(axis=1)
    observed = times @ ((size**2 - np.square(patterns).sum(axis=1)) / (size - 1))
    mass = (times @ patterns).astype(np.float64)
    total = mass.sum(axis=1)
    expected = (total**2 - np.square(mass).sum(axis=1)) / (total - 1)
    return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1), 1.0)


def each_annotator(votes: Votes, counts: Ints, level: float = LEVEL) -> tuple[Annotator, ...]:
    """Every annotator against the majority of the others, task by task; those with the lowest agreement first."""
    others = counts[votes.item]
    others[np.arange(len(others)), votes.label] -= 1
    most = others.max(axis=1, initial=0)
    meets = most > 0
    ties = (others == most[:, None]).sum(axis=1)
    agrees = np.where(others[np.arange(len(others)), votes.label] == most, 1 / np.maximum(ties, 1), 0.0)
    found = []
    for number in np.unique(votes.annotator):
        mine = votes.annotator == number
        some = agrees[mine & meets]
        estimate = None
        if len(some):
            low, high = exact(float(some.sum()), len(some), level)
            estimate = Estimate(float(some.mean()), low, high, len(some))
        found.append(Annotator(int(number), int(mine.sum()), estimate))
    return tuple(sorted(found, key=lambda one: one.agreement.value if one.agreement else 2.0))


def hardest(counts: Ints, probabilities: Floats, most: int = HARDEST) -> tuple[tuple[int, float], ...]:
    """Rows with disagreeing labels by the share of their pairs that disagree; of equals, those whose majority the
    model finds less likely come first."""
    size = counts.sum(axis=1)
    pairs = size * (size - 1)
    disagreeing = np.where(pairs > 0, 1 - (np.square(counts).sum(axis=1) - size) / np.maximum(pairs, 1), 0.0)
    rows = np.flatnonzero(disagreeing > 0)
    belief = probabilities[rows, counts[rows].argmax(axis=1)]
    order = rows[np.lexsort((rows, belief, -disagreeing[rows]))[:most]]
    return tuple((int(row), round(float(disagreeing[row]), 4)) for row in order)


def consensus(counts: Ints, probabilities: Floats) -> tuple[Ints, Bools]:
    """(n,) the label that most annotators gave, of equals the one that the model finds likelier; and (n,) whether any.

    `counts` (n, c), `probabilities` (n, c).
    """
    best = counts + 0.5 * probabilities / np.maximum(probabilities.max(axis=1, keepdims=True), 1e-12)
    given: Bools = counts.sum(axis=1) > 0
    return np.where(given, best.argmax(axis=1), -1).astype(np.int64), given
