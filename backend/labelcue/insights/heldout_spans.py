"""Spans of labelled texts by taggers that did not see them, nor a near-copy of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labelcue.insights.heldout import folds_of_groups, neighbourhood
from labelcue.labels import SPANS, kinds
from labelcue.labels.tagging import Tagger, by_class, tag, token_tags
from labelcue.labels.tokens import Tokens
from labelcue.surrogates import Examples, Head, Reading
from labelcue.surrogates.tagger import TokenTagger, plausible, tags_of
from labelcue.types import Answer, Bools, Floats, Ints, Label, Span


class Blind(NamedTuple):
    """Of m labelled texts."""

    found: tuple[frozenset[Span], ...]
    """What is predicted of each."""
    belief: Floats
    """(m,) float32 how likely the answer that was given is, by `surrogates.tagger.plausible`."""
    doubtful: Bools
    """(m,) whether confident learning takes one of its words to have a wrong label."""


def blind_spans(
    vectors: Floats,
    tokens: Tokens,
    rows: Ints,
    answers: Sequence[frozenset[Span]],
    classes: tuple[Label, ...],
    rng: np.random.Generator,
) -> Blind:
    """`vectors` (m, d) of length one and `answers` of the texts that stand in the `rows` (m,) of `tokens`; two or more.

    Wrong words by confident learning (Northcutt, Jiang & Chuang, JAIR 2021) as cleanlab does it for tokens, the texts
    by their least likely word (Wang & Mueller, arXiv 2210.03920).
    """
    fold = _folds(vectors, answers, classes, rng)
    found: list[frozenset[Span]] = [frozenset()] * len(rows)
    belief, words = np.ones(len(rows), dtype=np.float32), list[tuple[Ints, Ints, Floats]]()
    for number in np.unique(fold):
        kept, left = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        extra = _learned(tokens, rows[kept], [answers[row] for row in kept], classes, rng)
        if extra is None:
            continue
        piece, told = tokens.of_rows(rows[left]), [answers[row] for row in left]
        tagger = Tagger.of(extra)
        for item, start, end, place, _ in tag(tagger, piece.states, piece.offsets, piece.counts).found.tolist():
            row = left[int(item)]
            found[row] |= {(int(start), int(end), classes[int(place)])}
        belief[left] = plausible(extra, piece, told, classes)
        given = by_class(tags_of(piece, [[one] for one in told], classes)).argmax(axis=1)
        words.append((left[piece.items], given, by_class(token_tags(tagger, piece.states, piece.counts))))
    return Blind(tuple(found), belief, _doubtful(words, len(rows)))


def _folds(
    vectors: Floats, answers: Sequence[frozenset[Span]], classes: tuple[Label, ...], rng: np.random.Generator
) -> Ints:
    kind = kinds.create(SPANS)
    targets = kind.targets([[one] for one in answers], classes)
    none = (targets.sum(axis=1, keepdims=True) == 0).astype(np.float32)
    return folds_of_groups(np.column_stack([targets, none]), neighbourhood(vectors, rng).group, rng)


def _learned(
    tokens: Tokens, rows: Ints, answers: Sequence[Answer], classes: tuple[Label, ...], rng: np.random.Generator
) -> Floats | None:
    """What a tagger learns of these texts; None where they do not suffice."""
    reading = Reading(tokens, rows, [[one] for one in answers], classes)
    targets = kinds.create(SPANS).targets([[one] for one in answers], classes)
    examples = Examples(np.empty((len(rows), 0), dtype=np.float32), targets, reading)
    head = TokenTagger().fit(examples, Head.blank(0, 0), True, rng)
    return head.extra if head.trained else None


def _doubtful(words: Sequence[tuple[Ints, Ints, Floats]], items: int) -> Bools:
    """(m,) items that have a flagged word."""
    out = np.zeros(items, dtype=np.bool_)
    if not words:
        return out
    from cleanlab.filter import find_label_issues

    item, given, likely = (np.concatenate(part) for part in zip(*words, strict=True))
    present = np.unique(given)
    if len(present) < 2:
        return out
    among = likely[:, present].astype(np.float64) + 1e-9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a class has too few words to find any of them wrong
        flags = find_label_issues(
            np.searchsorted(present, given),
            among / among.sum(axis=1, keepdims=True),
            filter_by="prune_by_noise_rate",
            n_jobs=1,
        )
    out[item[np.asarray(flags)]] = True
    return out
