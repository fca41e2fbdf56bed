"""A label is a set of spans of a text, none included: where each begins and ends, and its class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

import numpy as np

from labelcue.labels import LabelKind, Model, kinds
from labelcue.labels import measures as of
from labelcue.labels.belief import Belief, Groups
from labelcue.types import Answer, Floats, Json, Label, Span

DOUBT, START, END, FIRST, SECOND, LIKELY, NEXT = range(7)
"""Columns of a prediction: the doubt of the item; where its most doubtful span begins and ends; the two classes between
which that one hesitates, by their place, -1 for none; and their probabilities. Behind them come the expected number of
spans of each class, and, where a prediction is spelled out, `FOUND` numbers for each span that is predicted."""
FIXED = 7
FOUND = 4
"""Start, end, place of the class and probability of a predicted span."""
HESITATES = 0.5
"""Doubt from which a model counts as hesitating."""
SURELY = 0.5
"""Expected number of spans from which a class counts as expected."""


class SpanBelief(Belief):
    """(m, FIXED + c) predictions of items."""

    def doubt(self) -> Floats:
        """Of the most doubtful spans."""
        return of.rounded(self.said[:, DOUBT])

    def grouped(self) -> tuple[Floats, Groups]:
        """With the rarest class that is expected, by the labels given; where none is, with the likeliest."""
        expected = self.said[:, FIXED:]
        if not expected.shape[1]:
            return self.doubt(), np.zeros(len(self.said), dtype=np.int64)
        rarest = np.where(expected >= SURELY, self.counts, np.float32(np.inf)).argmin(axis=1)
        none = ~(expected >= SURELY).any(axis=1)
        return self.doubt(), np.where(none, expected.argmax(axis=1), rarest).astype(np.int64)

    def unevenness(self) -> float:
        """Of the classes' shares among all spans that are expected."""
        total = of.mean_prediction(self.said[:, FIXED:])
        if len(total) < 2 or not len(self.said) or total.sum() <= 0:
            return 0.0
        return of.unevenness(total / total.sum())

    def margin(self) -> Floats:
        """As `doubt`, which is of margins."""
        return self.doubt()

    def entropy(self) -> Floats:
        """As `doubt`."""
        return self.doubt()


@kinds.register("spans")
class Spans(LabelKind):
    """Any number of (start, end, class), which may overlap; `end` is the first place behind the span."""

    name = "spans"
    form = "a set of (start, end, class)"

    @property
    def takes(self) -> str:
        """Spans."""
        return "sets of (start, end, class)"

    def columns(self, classes: int) -> int:
        """What `FIXED` says, and the classes."""
        return FIXED + classes

    def rows(self, classes: int) -> int:
        """None on the vectors of items: what is learned of their words stands in `extra`."""
        return 0

    def read(self, label: object) -> Answer | None:
        """A set, list or tuple of triples: two whole numbers, the first below the second, and a name."""
        if not isinstance(label, (AbstractSet, list, tuple)):
            return None
        spans = [_span(one) for one in label]
        return None if None in spans else frozenset(cast("list[Span]", spans))

    def names(self, answer: Answer) -> Collection[Label]:
        """The classes of the spans, sorted."""
        return sorted({label for _, _, label in spans_of(answer)})

    def counts(self, answers: Iterable[Answer], present: Collection[Label]) -> bool:
        """Whether one of the answers says something of the allowed classes: of nothing but others it does not."""
        return any(_counts(answer, present) for answer in answers)

    def targets(self, answers: Sequence[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
        """(n, c) share of the annotators whose answer counts that gave a span of each class."""
        out = np.zeros((len(answers), len(classes)), dtype=np.float32)
        for target, given in zip(out, answers, strict=True):
            said = [set(self.names(answer)) for answer in given if _counts(answer, classes)]
            for place, label in enumerate(classes):
                target[place] = sum(label in one for one in said) / max(1, len(said))
        return out

    def pack(self, answer: Answer) -> Json:
        """A sorted list of lists."""
        return [list(span) for span in sorted(spans_of(answer))]

    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, k) that know nothing: spans are found in tokens, which the vectors of items do not have."""
        return unknown(len(vectors), len(model.extra) // 2)

    def believe(self, said: Floats, given: Floats) -> Belief:
        """By the doubt of the most doubtful spans."""
        return SpanBelief(said, given)

    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """The spans that a prediction spells out, and how surely: 1 less the item's doubt."""
        return frozenset(span for span, _ in found_in(classes, said)), float(1 - said[DOUBT])

    def each(self, classes: tuple[Label, ...], said: Floats) -> tuple[float, ...]:
        """The probability of each span that is spelled out, in their sorted order."""
        return tuple(likely for _, likely in sorted(found_in(classes, said)))

    def of_classes(self, classes: tuple[Label, ...], said: Floats) -> Floats:
        """The expected number of spans of each class, 1 at the most."""
        most: Floats = np.minimum(said[FIXED : FIXED + len(classes)], np.float32(1))
        return most

    def cut(self, classes: tuple[Label, ...], said: Floats, columns: Sequence[int]) -> Floats:
        """Without the spans of the other classes."""
        place = {old: new for new, old in enumerate(columns)}
        rows = said[FIXED + len(classes) :].reshape(-1, FOUND)
        kept = np.array([[*row[:2], place[int(row[2])], row[3]] for row in rows if int(row[2]) in place])
        expected = said[FIXED : FIXED + len(classes)][list(columns)]
        cut: Floats = np.concatenate([said[:FIXED], expected, kept.ravel()]).astype(np.float32)
        return cut

    def text(self, answer: Answer) -> str:
        """Class and place of each span."""
        return ", ".join(f"{label} {start}-{end}" for start, end, label in sorted(spans_of(answer))) or "no span"

    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """Which span is doubtful, and what is expected."""
        expected = [
            f"{label} ({number:.1f})" for label, number in zip(classes, said[FIXED:], strict=False) if number >= SURELY
        ]
        words = f"expects {', '.join(expected) or 'no span'}"
        if said[DOUBT] < HESITATES or said[END] <= said[START]:
            return f"the model {words}"
        first, second = (_called(classes, said[place]) for place in (FIRST, SECOND))
        doubtful = f"characters {said[START]:.0f} to {said[END]:.0f}"
        return (
            f"the model hesitates whether {doubtful} are {first} or {second} "
            f"({said[LIKELY]:.2f}/{said[NEXT]:.2f}), and {words}"
        )


def unknown(items: int, classes: int) -> Floats:
    """(m, FIXED + c) predictions of items of which nothing is known."""
    out = np.zeros((items, FIXED + classes), dtype=np.float32)
    out[:, DOUBT], out[:, [FIRST, SECOND]] = 1, -1
    return out


def spans_of(answer: Answer) -> frozenset[Span]:
    """The spans of an answer of this kind."""
    return cast("frozenset[Span]", answer) if isinstance(answer, frozenset) else frozenset()


def found_in(classes: tuple[Label, ...], said: Floats) -> list[tuple[Span, float]]:
    """The spans that a prediction (FIXED + c + FOUND s,) spells out, each with its probability."""
    rows = said[FIXED + len(classes) :].reshape(-1, FOUND)
    return [((int(start), int(end), classes[int(place)]), float(likely)) for start, end, place, likely in rows]


def _span(one: object) -> Span | None:
    if not isinstance(one, (list, tuple)) or len(one) != 3:
        return None
    start, end, label = one
    numbers = all(isinstance(at, (int, np.integer)) and not isinstance(at, bool) for at in (start, end))
    if not numbers or not isinstance(label, str) or not label or not 0 <= start < end:
        return None
    return int(start), int(end), str(label)


def _counts(answer: Answer, present: Collection[Label]) -> bool:
    spans = spans_of(answer)
    return not spans or any(label in present for _, _, label in spans)


def _called(classes: tuple[Label, ...], place: float) -> str:
    return classes[int(place)] if place >= 0 else "no span"
