"""A label is a set of classes, none of them included: one yes or no a class, independent of each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from labelcue.labels import LabelKind, Model, kinds
from labelcue.labels import measures as of
from labelcue.labels.belief import Belief, Groups
from labelcue.types import Answer, Floats, Json, Label

LIKELY = np.float32(0.5)
"""Probability from which a label is predicted."""
HESITATES = 0.5
"""Binary margin uncertainty of a label from which the model counts as hesitating."""
SHOWN = 3
"""So many labels are named in a reason."""


class SetBelief(Belief):
    """(m, c) probability of each label, c of them independent; with no label at all everything is open: 1."""

    def doubt(self) -> Floats:
        """Mean binary entropy: `entropy`."""
        return self.entropy()

    def grouped(self) -> tuple[Floats, Groups]:
        """With the rarest label that is predicted, by the labels given; where none is, with the likeliest."""
        if not self.said.shape[1]:
            return self.doubt(), np.zeros(len(self.said), dtype=np.int64)
        rarest = np.where(self.said >= LIKELY, self.counts, np.float32(np.inf)).argmin(axis=1)
        none = ~(self.said >= LIKELY).any(axis=1)
        return self.doubt(), np.where(none, self.said.argmax(axis=1), rarest).astype(np.int64)

    def unevenness(self) -> float:
        """Of the labels' shares among all that are expected."""
        total = of.mean_prediction(self.said)
        if len(total) < 2 or not len(self.said) or total.sum() <= 0:
            return 0.0
        return of.unevenness(total / total.sum())

    def margin(self) -> Floats:
        """The closest call of any label: 1 - min_l |2 p_l - 1| (Brinker, On Active Learning in Multi-label
        Classification, 2006: "binary minimum")."""
        if not self.said.shape[1]:
            return np.ones(len(self.said), dtype=np.float32)
        return of.rounded(1 - np.abs(2 * self.said - 1).min(axis=1))

    def entropy(self) -> Floats:
        """Mean over the labels of H(p_l) / log 2: the average of the binary entropies (compared by Cherman,
        Papanikolaou, Tsoumakas & Monard, Evolving Systems 10, 2019)."""
        return of.binary_entropy(self.said)

    def least_confidence(self) -> Floats:
        """1 - Π max(p_l, 1 - p_l): the chance that the likeliest set is not the right one."""
        return of.rounded(1 - np.maximum(self.said, 1 - self.said).prod(axis=1))

    def hardness(self) -> Floats:
        """Mean of p (1 - p) over the labels, never below that of a score of 10."""
        width = max(1, self.said.shape[1])
        hard: Floats = np.maximum((self.said * (1 - self.said)).sum(axis=1) / np.float32(width), of.EASIEST)
        return hard.astype(np.float32)

    def slopes(self) -> Floats:
        """p - (p >= 1/2): of the binary losses, were the predicted set the label."""
        return self.said - (self.said >= LIKELY)

    def information(self, disagreement: Floats) -> Floats:
        """Over c log 2."""
        return of.rounded(disagreement / np.float32(max(1, self.said.shape[1]) * np.log(2)))


@kinds.register("set")
class Several(LabelKind):
    """Any number of some classes."""

    name = "set"
    form = "a set of names of classes"
    joins = True

    @property
    def takes(self) -> str:
        """Names."""
        return "sets of strings"

    def read(self, label: object) -> Answer | None:
        """A set, list or tuple of strings, none of them empty."""
        if not isinstance(label, (AbstractSet, list, tuple)):
            return None
        if any(not isinstance(one, str) or not one for one in label):
            return None
        return frozenset(map(str, label))

    def names(self, answer: Answer) -> Collection[Label]:
        """All of them, sorted."""
        return sorted(_set(answer))

    def counts(self, answers: Iterable[Answer], present: Collection[Label]) -> bool:
        """Whether one of the sets says something of the allowed classes: of nothing but others it does not."""
        return any(_counts(_set(answer), present) for answer in answers)

    def targets(self, answers: Sequence[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
        """(n, c) share of the annotators whose answer counts that gave each label."""
        out = np.zeros((len(answers), len(classes)), dtype=np.float32)
        for target, given in zip(out, answers, strict=True):
            said = [_set(answer) for answer in given if _counts(_set(answer), classes)]
            for place, label in enumerate(classes):
                target[place] = sum(label in one for one in said) / len(said)
        return out

    def pack(self, answer: Answer) -> Json:
        """A sorted list."""
        return sorted(_set(answer))

    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, c) sigmoid of each label's score over its temperature."""
        return sigmoids((vectors @ model.weights.T + model.bias).astype(np.float32), model)

    def believe(self, said: Floats, given: Floats) -> Belief:
        """By mean binary entropy."""
        return SetBelief(said, given)

    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """The labels that are likelier than not, and the chance that this is the very set, were they independent."""
        found = frozenset(label for label, likely in zip(classes, said, strict=True) if likely >= LIKELY)
        return found, float(np.maximum(said, 1 - said).prod())

    def text(self, answer: Answer) -> str:
        """The labels, sorted."""
        return ", ".join(sorted(_set(answer))) or "no label"

    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """The labels that are expected, and those of which the model is unsure, the closest call first."""
        order = np.argsort(np.abs(said - LIKELY), kind="stable")
        unsure = [place for place in order if 1 - abs(2 * float(said[place]) - 1) >= HESITATES]
        sure = [place for place in order[::-1] if said[place] >= LIKELY and place not in unsure]
        parts = [f"the model is unsure of {_listed(classes, said, unsure)}"] if unsure else []
        expected = _listed(classes, said, sure) if sure else "no label" if not unsure else ""
        if expected:
            parts.append(f"expects {expected}" if parts else f"the model expects {expected}")
        return " and ".join(parts)


def sigmoids(scores: Floats, model: Model) -> Floats:
    """(m, c) float32 probabilities from (m, c) scores, each label over its own temperature; overwrites `scores`.

    `model.extra`: (c, 1) temperature of each label as a multiple of the common one; (0, 0): 1 for all.
    """
    own = model.extra[:, 0] if model.extra.size else np.ones(scores.shape[1], dtype=np.float32)
    scores *= (-1 / (model.temperature * own)).astype(np.float32)
    np.clip(scores, -80, 80, out=scores)  # float32 has no e^89
    np.exp(scores, out=scores)
    scores += 1
    return np.reciprocal(scores, out=scores)


def _set(answer: Answer) -> frozenset[Label]:
    return answer if isinstance(answer, frozenset) else frozenset()


def _counts(answer: frozenset[Label], present: Collection[Label]) -> bool:
    return not answer or not answer.isdisjoint(present)


def _listed(classes: tuple[Label, ...], said: Floats, places: Sequence[int]) -> str:
    named = ", ".join(f"{classes[place]} ({said[place]:.2f})" for place in places[:SHOWN])
    return f"{named} and {len(places) - SHOWN} more" if len(places) > SHOWN else named
