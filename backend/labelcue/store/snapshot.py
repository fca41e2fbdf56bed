"""The outcome of a round: the learner's checkpoint and the published queue at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.labels import LabelKind, kind_of
from labelcue.labels.belief import Belief
from labelcue.types import Answer, Floats, Ints, Json, Label, Round, TaskId

_INTEGERS = ("ids", "rank", "audits")


@dataclass(frozen=True, slots=True)
class Standing:
    """One task in one snapshot."""

    rank: int | None
    """Place in the queue from 0, the next one; None: not in the queue."""
    priority: float
    """0 to 1, relative to the head of the queue."""
    uncertainty: float
    """Margin uncertainty 1 - (p1 - p2), 0 to 1; 1 while nothing is trained."""
    entropy: float
    """Entropy in nats over log(number of classes), 0 to 1; 1 while nothing is trained."""
    novelty: float
    """Cosine distance to the nearest labelled, leased or earlier placed item, 0 to 1."""
    probabilities: dict[Label, float]
    """Calibrated; empty while there are no classes."""
    label: str | None
    """What is predicted, for people: the most probable class, a set, a number; None while nothing is trained."""
    confidence: float
    """How surely: the probability of the most probable class or set; 0 while there are no classes."""
    version: str
    reason: str = ""
    """Why it stands there, for admins; empty beyond the first places of the queue."""
    propensity: float | None = None
    """The chance that it was drawn with at its place; None where it was not drawn."""
    audit: bool = False
    """Whether it measures the model."""
    answer: Answer | None = None
    """What is predicted, as annotations have it; None while nothing is trained."""
    opinion: str = ""
    """The same in a sentence, where it is no single class."""
    each: tuple[float, ...] = ()
    """How sure each span of the answer is, in their order."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a round leaves behind: n tasks, c classes, d dimensions. Raises ValueError where the arrays disagree."""

    round: Round
    classes: tuple[Label, ...]
    trained: bool
    temperature: float
    l2: float
    labelled: int
    config_sha: str
    ids: Ints
    """(n,) int64, ascending: every live task that has a vector."""
    probabilities: Floats
    """(n, k) float32: calibrated, each row sums to 1; of sets each by itself, of regions a doubt with them; of numbers
    mean, deviation and doubt."""
    priority: Floats
    """(n,) float32, 0 to 1."""
    novelty: Floats
    """(n,) float32, 0 to 1."""
    rank: Ints
    """(n,) int64, 0 is next, -1 is not in the queue."""
    weights: Floats
    """(r, d) float32, one row a class or label; one for numbers."""
    bias: Floats
    """(r,) float32."""
    cover: Floats
    """(n,) float32, squared distance to the nearest covered item, in the order of `ids`."""
    share: float = 0.0
    """Power of the neighbours in the probabilities; 0: the weights speak alone."""
    fused: float = 1.0
    """Temperature of weights and neighbours together."""
    held_out: int = 0
    """Labelled audits, of which the model has not learned."""
    audits: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(a,) int64, ascending: tasks that are labelled as audits, or stand in the queue as such."""
    chances: Floats = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """(h,) float32 of the first places of the queue: the chance that each was drawn with, NaN where it was not."""
    reasons: tuple[str, ...] = ()
    """(h,) of the first places of the queue: why each task stands there, in a sentence for admins."""
    noise: float = 0.0
    """Standard deviation of labels around a number that is known."""
    extra: Floats = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    """What the kind of label needs beside the weights."""
    kind: Mapping[str, Json] = field(default_factory=lambda: {"name": "class"})
    """The kind of label, as JSON."""
    found: Floats = field(default_factory=lambda: np.empty((0, 5), dtype=np.float32))
    """(s, 5) float32 predicted spans, where labels are spans: place in `ids`, start, end, class, probability."""

    def __post_init__(self) -> None:
        n, c = len(self.ids), len(self.classes)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("ids", "priority", "novelty", "rank", "cover"), (n,))
        shapes |= {"audits": (len(self.audits),), "chances": (len(self.reasons),)}
        rows = self.labels_are.rows(c)
        shapes |= {"probabilities": (n, self.labels_are.columns(c)), "extra": self.extra.shape}
        shapes |= {"bias": (rows,), "weights": (rows, self.weights.shape[-1]), "found": (len(self.found), 5)}
        for name, shape in shapes.items():
            array: NDArray[Any] = getattr(self, name)
            dtype = np.int64 if name in _INTEGERS else np.float32
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"{name} is {array.dtype}{array.shape}, not {np.dtype(dtype)}{shape}")
        if n and not bool(np.all(self.ids[1:] > self.ids[:-1])):
            raise ValueError("ids are not ascending")

    @cached_property
    def labels_are(self) -> LabelKind:
        """The kind of label."""
        return kind_of(self.kind)

    @property
    def version(self) -> str:
        """The model's version, as predictions carry it."""
        return f"cue-{self.round.number}"

    @property
    def labels(self) -> int:
        """Labelled tasks, those that are held out of training included."""
        return self.labelled + self.held_out

    def is_audit(self, task: TaskId) -> bool:
        """Whether the task measures the model: nothing about it may be told to its annotator."""
        place = int(np.searchsorted(self.audits, task))
        return place < len(self.audits) and int(self.audits[place]) == task

    @cached_property
    def order(self) -> Ints:
        """Task ids in the queue's order, int64, the next one first."""
        queued = np.flatnonzero(self.rank >= 0)
        ordered: Ints = self.ids[queued[np.argsort(self.rank[queued], kind="stable")]]
        return ordered

    def of(self, task: TaskId) -> Standing | None:
        """Where one task stands, None where the round did not know it."""
        place = int(np.searchsorted(self.ids, task))
        if place == len(self.ids) or self.ids[place] != task:
            return None
        kind, said = self.labels_are, self.said(place)
        scores = kind.of_classes(self.classes, said).astype(np.float64)
        answer, sure = kind.guess(self.classes, said) if len(said) else (None, 0.0)
        known = answer if self.trained else None
        return Standing(
            rank=int(self.rank[place]) if self.rank[place] >= 0 else None,
            priority=float(self.priority[place]),
            uncertainty=float(self.doubt(np.array([place]))[0]),
            entropy=self._entropy(said) if self.trained else 1.0,
            novelty=float(self.novelty[place]),
            probabilities=dict(zip(self.classes, scores.tolist(), strict=True)),
            label=None if known is None else kind.text(known),
            confidence=sure,
            version=self.version,
            reason=self._reason(int(self.rank[place])),
            propensity=self._chance(int(self.rank[place])),
            audit=self.is_audit(task),
            answer=known,
            opinion="" if known is None or kind.exclusive else kind.opinion(self.classes, said),
            each=kind.each(self.classes, said) if self.trained else (),
        )

    def said(self, place: int) -> Floats:
        """(k,) what is predicted of a task by its place in `ids`; with four numbers more for each span that is."""
        row: Floats = self.probabilities[place]
        if not len(self.found):
            return row
        low, high = np.searchsorted(self.found[:, 0], [place, place + 1])
        return np.concatenate([row, self.found[low:high, 1:].ravel()])

    def doubt(self, places: Ints) -> NDArray[np.float64]:
        """(m,) uncertainty of some tasks by their place in `ids`; 1 while nothing is trained."""
        said = self.probabilities[places]
        if not self.trained:
            return np.ones(len(said))
        if self.labels_are.exclusive:
            ranked = np.sort(np.pad(said.astype(np.float64), ((0, 0), (2, 0))), axis=1)
            margins: NDArray[np.float64] = 1.0 - (ranked[:, -1] - ranked[:, -2])
            return margins
        return self._believed(said).doubt().astype(np.float64)

    def _entropy(self, said: Floats) -> float:
        if self.labels_are.exclusive:
            return _normalised_entropy(said.astype(np.float64))
        return float(self._believed(said[None]).entropy()[0])

    def _believed(self, said: Floats) -> Belief:
        return self.labels_are.believe(said, np.empty((0, said.shape[1]), dtype=np.float32))

    def _reason(self, rank: int) -> str:
        return self.reasons[rank] if 0 <= rank < len(self.reasons) else ""

    def _chance(self, rank: int) -> float | None:
        known = 0 <= rank < len(self.chances) and not np.isnan(self.chances[rank])
        return float(self.chances[rank]) if known else None


def _normalised_entropy(scores: NDArray[np.float64]) -> float:
    """Shannon's entropy over its maximum log(c), so that projects with more classes compare; 0 for a single class."""
    if len(scores) < 2:
        return 0.0
    positive = scores[scores > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(len(scores)))
