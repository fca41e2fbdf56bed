"""Spans: a light tagger on frozen token vectors, warm from round to round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from labelcue.labels import SPANS, kinds
from labelcue.labels.spans import spans_of, unknown
from labelcue.labels.tagging import NEVER, Tagged, Tagger, allowed, by_class, features, tag, token_tags, width
from labelcue.labels.tokens import Piece
from labelcue.surrogates import Examples, Head, Refined, Scored, Surrogate, surrogates
from labelcue.surrogates.device import tensor
from labelcue.surrogates.tags import solve_tags
from labelcue.types import Answer, Floats, Ints, Label

L2 = 0.03
"""Penalty on the summed loss; 0.01 and 0.1 were worse, with 20 texts as with 320."""
SMOOTH = 0.1
"""Added to every count of tags and of pairs of tags."""
MOST = 40_000
"""Tokens of one fit. Beyond them, of those far from any span a random share counts for all."""
NEAR = 3
"""Tokens from a span to which all are taken."""
ENOUGH = 2e-3
"""Largest entry of the gradient that a fit may end with."""


@surrogates.register("tagger")
class TokenTagger(Surrogate):
    """Multinomial logistic regression from tokens to tags, and counts of which tag follows which.

    Strongly convex up to a shift of the intercepts, so that a warm fit ends where a cold one does. What annotators or
    overlapping spans say differently of a token is shared out.
    """

    name = "tagger"
    kind = SPANS
    summary = "Logistic regression on the vectors of words, with how spans begin, go on and end."
    when = "Where labels are spans of a text: names, dates, amounts."
    uses_tokens = True

    def carried(self, head: Head, before: tuple[Label, ...], after: tuple[Label, ...]) -> Head:
        """The tags of classes that are left keep their weights, as a start."""
        if not head.extra.size:
            return head
        old, tags = Tagger.of(head.extra), 2 * len(after) + 1
        kept = [(new, before.index(label)) for new, label in enumerate(after) if label in before]
        known = [(2 * new + side, 2 * place + side) for new, place in kept for side in (1, 2)]
        rows, taken = (np.array(part, dtype=np.int64) for part in zip((0, 0), *known, strict=True))
        theta = np.zeros((tags, old.theta.shape[1]), dtype=np.float32)
        theta[rows] = old.theta[taken]
        blank = np.zeros(tags, dtype=np.float32)
        return replace(head, extra=Tagger(theta, np.zeros((tags, tags), dtype=np.float32), blank, blank).packed())

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """The optimum for these examples, and the counts of their tags."""
        reading, labelled = examples.reading, len(examples)
        blank = Head.blank(0, before.weights.shape[1])
        if reading is None or not labelled:
            return blank
        classes = examples.targets.shape[1]
        piece = reading.tokens.of_rows(reading.rows)
        truth, items = tags_of(piece, reading.answers, reading.classes), piece.items
        told = labelled > 1 and bool((truth.sum(axis=0) > 0).sum() > 1)
        if not told:
            return replace(blank, labelled=labelled, extra=_start(before, classes, width(reading.tokens.width), True))
        found = features(piece.states, items)
        rows, mass = _some(truth, items, rng)
        start = Tagger.of(_start(before, classes, found.shape[1], full)).theta
        theta = solve_tags(tensor(found[rows]), tensor(truth[rows] * mass[:, None]), L2, tensor(start), ENOUGH)
        follow, first, prior = _counts(truth, items)
        learned = Tagger(theta.cpu().numpy().astype(np.float32), follow, first, prior)
        return replace(blank, extra=learned.packed(), l2=L2, trained=True, labelled=labelled)

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """Spans and doubts of every row, in blocks of tokens."""
        out = unknown(len(scored.logits), examples.targets.shape[1])
        if scored.tokens is None or not head.trained:
            return Refined(out, head)
        parts, tagger = [], Tagger.of(head.extra)
        for here, piece in scored.tokens.pieces():
            made: Tagged = tag(tagger, piece.states, piece.offsets, piece.counts)
            out[here] = made.said
            made.found[:, 0] += here[0]
            parts.append(made.found)
        return Refined(out, head, found=np.concatenate(parts) if parts else None)


def plausible(extra: Floats, piece: Piece, answers: Sequence[Answer], classes: tuple[Label, ...]) -> Floats:
    """(m,) float32 how likely each answer is by what a round learned without it (its `extra` and `classes`): of its
    least likely token the probability of the class that the answer gives it; 1 without tokens.

    Of the ways to find wrong answers that Wang & Mueller (2022, arXiv 2210.03920) compare this one was best, and here.
    """
    out = np.ones(len(answers), dtype=np.float32)
    likely = by_class(token_tags(Tagger.of(extra), piece.states, piece.counts))
    given = by_class(tags_of(piece, [[answer] for answer in answers], classes))
    np.minimum.at(out, piece.items, (likely * given).sum(axis=1))
    return out


def tags_of(piece: Piece, answers: Iterable[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
    """(t, k) float32 share of each tag of each token: among the spans of an answer that overlap, then among answers.

    A token is in a span that it shares a character with; the first such one begins it.
    """
    out = np.zeros((len(piece.states), 2 * len(classes) + 1), dtype=np.float32)
    place = {label: index for index, label in enumerate(classes)}
    kind, stop = kinds.create(SPANS), 0
    for count, given in zip(piece.counts.tolist(), answers, strict=True):
        start, stop = stop, stop + count
        said = [answer for answer in given if kind.counts([answer], classes)]
        for answer in said:
            out[start:stop] += _tags(piece.offsets[start:stop], answer, place) / np.float32(len(said))
    return out


def _tags(offsets: Ints, answer: Answer, place: dict[Label, int]) -> Floats:
    out = np.zeros((len(offsets), 2 * len(place) + 1), dtype=np.float32)
    for start, end, label in spans_of(answer):
        if label in place:
            low = int(np.searchsorted(offsets[:, 1], start, side="right"))
            high = int(np.searchsorted(offsets[:, 0], end, side="left"))
            if low < high:
                out[low, 2 * place[label] + 1] += 1
                out[low + 1 : high, 2 * place[label] + 2] += 1
    total = out.sum(axis=1)
    out[:, 0] = total == 0
    shares: Floats = out / np.maximum(total, 1)[:, None]
    return shares


def _some(truth: Floats, items: Ints, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Rows to fit to, ascending, and as how many tokens each counts."""
    rows = np.arange(len(truth))
    if len(truth) <= MOST:
        return rows, np.ones(len(truth), dtype=np.float32)
    inside = np.flatnonzero(truth[:, 0] < 1)
    near = np.zeros(len(truth), dtype=bool)
    for step in range(-NEAR, NEAR + 1):
        near[np.clip(inside + step, 0, len(truth) - 1)] = True
    close, far = np.flatnonzero(near), np.flatnonzero(~near)
    close = np.sort(rng.permutation(close)[:MOST])
    share = max(MOST - len(close), MOST // 4, 1)
    taken = np.sort(rng.permutation(far)[:share])
    mass = np.ones(len(truth), dtype=np.float32)
    mass[close] = np.float32(near.sum() / max(1, len(close)))
    mass[taken] = np.float32(len(far) / max(1, len(taken)))
    chosen = np.sort(np.concatenate([close, taken]))
    return chosen, mass[chosen]


def _counts(truth: Floats, items: Ints) -> tuple[Floats, Floats, Floats]:
    """Log probability of the next tag (k, k), of the first (k,), and of each (k,), from smoothed counts."""
    same, tags = items[1:] == items[:-1], truth.shape[1]
    fine = allowed(tags)
    pairs = (truth[:-1][same].T.astype(np.float64) @ truth[1:][same] + SMOOTH) * fine
    with np.errstate(divide="ignore"):
        follow = np.log(pairs / pairs.sum(axis=1, keepdims=True))
    opens = np.concatenate([[True], ~same])
    first = np.array(truth[opens].sum(axis=0, dtype=np.float64) + SMOOTH)
    first[2::2] = 0
    prior = truth.sum(axis=0, dtype=np.float64) + SMOOTH
    with np.errstate(divide="ignore"):
        begins = np.log(first / first.sum())
    share = np.log(prior / prior.sum())
    return _finite(follow), _finite(begins), _finite(share)


def _finite(logarithms: NDArray[np.float64]) -> Floats:
    return np.maximum(logarithms, NEVER).astype(np.float32)


def _start(before: Head, classes: int, found: int, full: bool) -> Floats:
    """Where a fit begins: what was learned before, where it fits and is wanted."""
    tags = 2 * classes + 1
    blank = np.zeros((tags, found + 1 + tags + 2), dtype=np.float32)
    return before.extra if not full and before.extra.shape == blank.shape else blank
