"""Tokens → spans: a linear chain over the tags of tokens. Light, and the same in the learner and in the service.

A tag is no span, or for each class the begin or the inside of one (BIO; Ramshaw & Marcus, 1995). What tokens say alone
and how tags follow one another are learned apart, and multiplied as in a hybrid of a classifier and a hidden Markov
model: p(tag | token) / p(tag) for the likelihood (Bourlard & Morgan, 1994), here both with the power `FOLLOW`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelcue.labels.spans import DOUBT, END, FIRST, FIXED, LIKELY, NEXT, SECOND, START
from labelcue.types import Floats, Ints

LOOK = 14
"""So many leading dimensions of a token's neighbours count for it; those of the reader of texts say how words look."""
FOLLOW = 0.5
"""Power of how tags follow one another; by tokens alone a span breaks, in full the chain is too sure of itself."""
WORST = 3
"""So many most doubtful spans make up the doubt of an item."""
ROOM = 500_000
"""Numbers of the chains that are followed side by side: 2 MB."""


class Tagger(NamedTuple):
    """What is learned, as one array holds it (`of`, `packed`); k = 2 c + 1 tags."""

    theta: Floats
    """(k, f + 1) weights of a token's features and, last, intercepts."""
    follow: Floats
    """(k, k) log probability of the next tag; -inf where none can follow."""
    start: Floats
    """(k,) log probability of the first tag."""
    prior: Floats
    """(k,) log share of each tag."""

    @classmethod
    def of(cls, extra: Floats) -> Tagger:
        """The inverse of `packed`."""
        k = len(extra)
        return cls(extra[:, : -k - 2], extra[:, -k - 2 : -2], extra[:, -2], extra[:, -1])

    def packed(self) -> Floats:
        """(k, f + 1 + k + 2) float32."""
        columns = [self.theta, np.maximum(self.follow, NEVER), self.start[:, None], self.prior[:, None]]
        return np.ascontiguousarray(np.column_stack(columns), dtype=np.float32)


class Tagged(NamedTuple):
    """What was found in the texts of m items."""

    said: Floats
    """(m, FIXED + c) float32, as in `labels.spans`."""
    found: Floats
    """(s, 5) float32: item, start, end, place of the class, probability; by item and start."""


NEVER = -60.0
"""Logarithm of what cannot be, as a finite number."""


def features(states: Floats, items: Ints) -> Floats:
    """(t, f) float32 of tokens: their states and the leading dimensions of the tokens before and behind."""
    lead, same = states[:, :LOOK], items[1:] == items[:-1]
    before, behind = np.zeros_like(lead), np.zeros_like(lead)
    before[1:][same], behind[:-1][same] = lead[:-1][same], lead[1:][same]
    return np.column_stack([states, before, behind])


def width(states: int) -> int:
    """Number of features of tokens with so many dimensions."""
    return states + 2 * min(states, LOOK)


def allowed(tags: int) -> NDArray[np.bool_]:
    """(k, k) whether a tag may follow another: the inside of a span only its begin and itself."""
    fine = np.ones((tags, tags), dtype=bool)
    for inside in range(2, tags, 2):
        fine[:, inside] = False
        fine[[inside - 1, inside], inside] = True
    return fine


def tag(tagger: Tagger, states: Floats, offsets: Ints, counts: Ints) -> Tagged:
    """Spans and doubts of m items: their tokens (t, r), where these stand (t, 2), how many each item has (m,)."""
    items = np.repeat(np.arange(len(counts)), counts)
    likely = token_tags(tagger, states, counts)
    begin, inside = likely[:, 1::2], likely[:, 2::2]
    classes = by_class(likely)
    best = classes.argmax(axis=1)
    spans = _spans(best, begin, inside, items)
    said = np.zeros((len(counts), FIXED + begin.shape[1]), dtype=np.float32)
    said[:, [FIRST, SECOND]] = -1
    np.add.at(said[:, FIXED:], items, begin)
    _doubts(said, classes, best, spans, offsets, items)
    first, last = spans
    sure = _least(classes.max(axis=1), first, last)
    places = [items[first], offsets[first, 0], offsets[last, 1], best[first] - 1, sure]
    return Tagged(said, np.column_stack(places).astype(np.float32))


def token_tags(tagger: Tagger, states: Floats, counts: Ints) -> Floats:
    """(t, k) probability of each tag of each token."""
    items = np.repeat(np.arange(len(counts)), counts)
    return marginals(tagger, _scores(tagger, features(states, items)), counts)


def by_class(tags: Floats) -> Floats:
    """(t, 1 + c) of no span and of each class from (t, k) of tags."""
    summed: Floats = np.column_stack([tags[:, 0], tags[:, 1::2] + tags[:, 2::2]])
    return summed


def marginals(tagger: Tagger, scores: Floats, counts: Ints) -> Floats:
    """(t, k) float32 probability of each tag of each token given all tokens of its item, by forward and backward
    recursion (Rabiner, 1989), many items side by side."""
    out = np.empty_like(scores)
    emit = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    step, begin = np.exp(FOLLOW * tagger.follow), np.exp(FOLLOW * tagger.start)
    starts, order = np.cumsum(counts) - counts, np.argsort(counts, kind="stable")
    order = order[counts[order] > 0][::-1]  # the longest first, so that those still running stand in front
    while len(order):
        many = max(1, ROOM // (int(counts[order[0]]) * scores.shape[1]))
        lanes, order = order[:many], order[many:]
        _recur(out, emit, step, begin, starts[lanes], counts[lanes])
    return out


def _recur(out: Floats, emit: Floats, step: Floats, begin: Floats, starts: Ints, counts: Ints) -> None:
    """Forward and backward over the lanes, whose counts fall; writes their rows of `out`."""
    most = int(counts[0])
    running = [int(np.searchsorted(-counts, -at, side="left")) for at in range(most)]  # lanes longer than `at`
    forward = np.zeros((most, len(counts), emit.shape[1]), dtype=np.float32)
    forward[0] = _scaled(begin * emit[starts])
    for at in range(1, most):
        on = running[at]
        forward[at, :on] = _scaled(forward[at - 1, :on] @ step * emit[starts[:on] + at])
    back = np.ones((len(counts), emit.shape[1]), dtype=np.float32)
    for at in range(most - 1, -1, -1):
        on = running[at]
        out[starts[:on] + at] = _scaled(forward[at, :on] * back[:on])
        back[:on] = _scaled((emit[starts[:on] + at] * back[:on]) @ step.T)


def _scaled(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    scaled: NDArray[np.floating] = rows / np.maximum(rows.sum(axis=1, keepdims=True), np.float32(1e-30))
    return scaled


def _scores(tagger: Tagger, found: Floats) -> Floats:
    """(t, k) log likelihood of each token by its tag, but for a constant."""
    scores = (found @ tagger.theta[:, :-1].T + tagger.theta[:, -1]).astype(np.float32)
    scores -= scores.max(axis=1, keepdims=True, initial=-np.inf)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores - np.float32(FOLLOW) * tagger.prior


def _spans(best: Ints, begin: Floats, inside: Floats, items: Ints) -> tuple[Ints, Ints]:
    """(s,) first and (s,) last token of each span: a new one where the class or the item changes, or where one more
    begins than goes on."""
    if not len(best):
        return best, best
    some = np.maximum(best - 1, 0)[:, None]
    anew = (np.take_along_axis(begin, some, 1) > np.take_along_axis(inside, some, 1))[:, 0]
    change = np.concatenate([[True], (best[1:] != best[:-1]) | (items[1:] != items[:-1])])
    opens = change | (anew & (best > 0))
    first = np.flatnonzero(opens)
    last = np.concatenate([first[1:], [len(best)]]) - 1
    spans = best[first] > 0
    return first[spans], last[spans]


def _least(sure: Floats, first: Ints, last: Ints) -> Floats:
    """(s,) the least of the tokens of each span."""
    if not len(first):
        return np.empty(0, dtype=np.float32)
    edges = np.column_stack([first, last + 1]).ravel()
    least: Floats = np.minimum.reduceat(np.append(sure, np.float32(np.inf)), edges)[::2]
    return least


def _doubts(said: Floats, by_class: Floats, best: Ints, spans: tuple[Ints, Ints], offsets: Ints, items: Ints) -> None:
    """Writes each item's doubt, the mean of its `WORST` most doubtful spans, and what the worst one is.

    What is no span, but more doubtful than the tokens beside it, counts as one that may have been missed.
    """
    if not len(best):
        return
    ranked = np.argsort(by_class, axis=1)[:, :-3:-1]
    two = np.take_along_axis(by_class, ranked, 1)
    doubt = 1 - (two[:, 0] - two[:, 1])
    first, last = _parts(spans, doubt, best, items)
    worst = _worst(doubt, first, last)
    order = np.lexsort((-doubt[worst], items[worst]))
    first, last, worst = first[order], last[order], worst[order]
    item = items[worst]
    opens = np.flatnonzero(np.concatenate([[True], item[1:] != item[:-1]]))
    nth = np.arange(len(item)) - np.repeat(opens, np.diff(np.append(opens, len(item))))
    top = nth < WORST
    np.add.at(said[:, DOUBT], item[top], doubt[worst[top]] / WORST)
    of, token = item[opens], worst[opens]
    said[of, START], said[of, END] = offsets[first[opens], 0], offsets[last[opens], 1]
    said[of, FIRST], said[of, SECOND] = ranked[token, 0] - 1, ranked[token, 1] - 1
    said[of, LIKELY], said[of, NEXT] = two[token, 0], two[token, 1]


def _parts(spans: tuple[Ints, Ints], doubt: Floats, best: Ints, items: Ints) -> tuple[Ints, Ints]:
    """First and last token of every span that is predicted, and of each that may have been missed."""
    edge = np.full(1, -1.0, dtype=np.float32)
    same = items[1:] == items[:-1]
    before = np.concatenate([edge, np.where(same, doubt[:-1], -1)])
    behind = np.concatenate([np.where(same, doubt[1:], -1), edge])
    alone = np.flatnonzero((best == 0) & (doubt >= before) & (doubt > behind))
    return np.concatenate([spans[0], alone]), np.concatenate([spans[1], alone])


def _worst(doubt: Floats, first: Ints, last: Ints) -> Ints:
    """(p,) the most doubtful token of each part."""
    length = int((last - first).max(initial=0)) + 1
    worst, most = first.copy(), doubt[first].copy()
    for step in range(1, length):
        at = np.minimum(first + step, last)
        better = doubt[at] > most
        worst[better], most[better] = at[better], doubt[at][better]
    return worst
