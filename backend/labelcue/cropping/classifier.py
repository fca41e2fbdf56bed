"""The class of a box by what is in it: a logistic regression on vectors of crops, learned from annotators' boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from labelcue.labels import CLASS, kinds
from labelcue.labelstudio.judging import Verdict
from labelcue.surrogates import Examples, Head
from labelcue.surrogates.logistic import Logistic
from labelcue.types import Floats, Label

FEWEST = 5
"""Boxes of a class from which on it is told apart from others: of a class that it has not seen, a model says that it is
another one."""


@dataclass(frozen=True)
class BoxModel:
    """What the labels of boxes teach."""

    classes: tuple[Label, ...]
    """Those with boxes enough, in the order of the label config."""
    head: Head = field(repr=False)

    def judge(self, vectors: Floats, labels: Sequence[Label | None]) -> list[Verdict | None]:
        """What it makes of (m, d) crops that another model has labelled; None where it does not know that label."""
        said = kinds.create(CLASS).say(vectors, self.head) if len(vectors) else vectors
        return [self._verdict(row, label) for row, label in zip(said, labels, strict=True)]

    def _verdict(self, row: Floats, label: Label | None) -> Verdict | None:
        if label not in self.classes:
            return None
        best = int(row.argmax())
        likely, theirs = float(row[best]), float(row[self.classes.index(label)])
        return Verdict(self.classes[best], round(likely, 4), round(theirs, 4))


def known(labels: Sequence[Label], classes: Sequence[Label]) -> tuple[Label, ...]:
    """The classes with boxes enough; none where fewer than two have them, as there is nothing to tell apart."""
    counts = Counter(labels)
    found = tuple(label for label in classes if counts[label] >= FEWEST)
    return found if len(found) > 1 else ()


def learn(
    vectors: Floats,
    labels: Sequence[Label],
    classes: tuple[Label, ...],
    before: BoxModel | None,
    rng: np.random.Generator,
) -> BoxModel:
    """From (n, d) float32 crops of length one and their labels, of which those of these two or more `classes` count.

    After a model of the same classes it goes on from there, and chooses its penalty anew as rounds do.
    """
    rows = [row for row, label in enumerate(labels) if label in classes]
    targets = np.zeros((len(rows), len(classes)), dtype=np.float32)
    targets[np.arange(len(rows)), [classes.index(labels[row]) for row in rows]] = 1
    start = before.head if before is not None and before.classes == classes else None
    blank = Head.blank(len(classes), vectors.shape[1])
    return BoxModel(classes, Logistic().fit(Examples(vectors[rows], targets), start or blank, start is None, rng))
