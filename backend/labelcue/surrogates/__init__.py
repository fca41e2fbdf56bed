"""What is learned of the labels, on frozen embeddings: one surrogate a file, registered under its name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from labelcue.labels import CLASS, LabelKind
from labelcue.labels.tokens import Tokens
from labelcue.registry import Registry
from labelcue.types import Answer, Floats, Ints, Label

PIECE = 8192
"""Rows that are scored at a time: they stay in the cache."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The texts of the examples, token by token, for surrogates of spans."""

    tokens: Tokens
    """Of every row of the pool."""
    rows: Ints
    """(n,) rows of the examples, in their order."""
    answers: Sequence[Iterable[Answer]]
    """What the annotators of each example said."""
    classes: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """What annotators said, one row for each labelled item, in ascending order of the items' ids."""

    vectors: Floats
    """(n, d) float32 of length one."""
    targets: Floats
    """(n, r) float32: of classes the share of each among the item's labels, a row sums to the item's weight, usually
    1; of sets the share of the annotators who gave each label; of numbers (n, 1) their mean."""
    reading: Reading | None = None

    @property
    def classes_seen(self) -> int:
        """Number of classes with at least one label."""
        return int((self.targets.sum(axis=0) > 0).sum())

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True, slots=True)
class Head:
    """A linear model and all that its next warm fit depends on. Of classes: p = softmax((x @ weights.T + bias) /
    temperature)."""

    weights: Floats
    """(r, d) float32, one row a class or label; one for numbers."""
    bias: Floats
    """(r,) float32."""
    temperature: float = 1.0
    l2: float = 0.0
    """Strength of the penalty l2/2 |weights|² on the summed loss."""
    trained: bool = False
    """Whether there is something to tell apart, as two classes; else what it says is no more than a smoothed prior."""
    labelled: int = 0
    """Number of labelled items that it was fitted to."""
    share: float = 0.0
    """Power, below 1, of what the neighbours say in the probabilities of the pool; 0: the head speaks alone."""
    fused: float = 1.0
    """Temperature of head and neighbours together, where they speak together."""
    noise: float = 0.0
    """Standard deviation of labels around a number that is known."""
    extra: Floats = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    """What the kind of label needs beside: (r, 1) temperatures of the labels of sets; (k, d + 1) what has been told of
    the weights for numbers; a packed `labels.tagging.Tagger` for spans."""

    @classmethod
    def blank(cls, classes: int, dim: int) -> Head:
        """The head of so many rows that knows nothing: every class equally likely."""
        return cls(np.zeros((classes, dim), dtype=np.float32), np.zeros(classes, dtype=np.float32))

    def for_classes(self, before: tuple[Label, ...], after: tuple[Label, ...]) -> Head:
        """The same head with the rows of `after`: known classes keep theirs, new ones get zeros."""
        row = {label: index for index, label in enumerate(before)}
        kept = [(new, row[label]) for new, label in enumerate(after) if label in row]
        weights = np.zeros((len(after), self.weights.shape[1]), dtype=np.float32)
        bias = np.zeros(len(after), dtype=np.float32)
        for new, old in kept:
            weights[new], bias[new] = self.weights[old], self.bias[old]
        return replace(self, weights=weights, bias=bias)

    def probabilities(self, logits: Floats) -> Floats:
        """(m, c) float32 calibrated probabilities from (m, c) `x @ weights.T + bias`; overwrites `logits`."""
        if not logits.shape[1]:
            return logits
        for start in range(0, len(logits), PIECE):
            columns = np.ascontiguousarray(logits[start : start + PIECE].T)
            columns *= np.float32(1 / self.temperature)
            columns -= columns.max(axis=0)
            np.exp(columns, out=columns)
            columns /= columns.sum(axis=0)
            logits[start : start + PIECE] = columns.T
        return logits


class Links(Protocol):
    """The neighbour graph of all rows, symmetric: `start[i]` to `start[i + 1]` are the edges of row i, a loop first."""

    @property
    def start(self) -> Ints:
        """(n + 1,)."""

    @property
    def to(self) -> NDArray[np.int32]:
        """(e,) the other end of each edge."""

    @property
    def squared(self) -> Floats:
        """(e,) float32 squared distances."""

    @property
    def tenth(self) -> Floats:
        """(n,) float32 squared distance of each row to its tenth neighbour."""

    @property
    def scale(self) -> float:
        """Median distance to the twentieth neighbour."""


@dataclass(frozen=True, slots=True)
class Scored:
    """All rows of the pool after the head has scored them; whoever refines them may overwrite `logits`."""

    logits: Floats
    """(n, c) float32 `x @ weights.T + bias` of the head."""
    labelled: Ints
    """Rows of the examples, in their order."""
    unit: Callable[[Ints], Floats]
    """(m,) rows → (m, d) float32 vectors of length one."""
    links: Callable[[], Links]
    """The neighbour graph, brought up to date when asked for: the first time takes seconds to minutes."""
    tokens: Tokens | None = None
    """Of every row, for surrogates of spans."""
    heard: Floats | None = None
    """(n, k) float32 what another model says of each row, in the columns of predictions, NaN where it said nothing.
    None where it has said nothing at all, and for surrogates that do not listen."""


@dataclass(frozen=True, slots=True)
class Refined:
    """What a round goes on with."""

    probabilities: Floats
    """(n, k) float32: calibrated probabilities of the classes or labels; what other kinds of label have there."""
    head: Head
    """The head, with what refining chose and the next round depends on."""
    disagreement: Floats | None = None
    """(n,) float32 mutual information of a committee's members, in nats."""
    heard: bool = False
    """Whether predictions are another model's, and so not to be mistrusted for want of labels."""
    own: Floats | None = None
    """(n, c) float32 what the head alone says, where that differs: strategies go by it, as it is what labels train."""
    found: Floats | None = None
    """(s, 5) float32 predicted spans: row, start, end, place of the class, probability; by row and start."""


class Surrogate(ABC):
    """Fits a head to examples. The same arguments give the same bits, with one number of threads."""

    name: str
    kind: ClassVar[str] = CLASS
    """The kind of label that it learns."""
    summary: ClassVar[str] = ""
    """What it learns, in one plain sentence for admins."""
    when: ClassVar[str] = ""
    """When to use it, in one plain sentence for admins."""
    uses_graph: ClassVar[bool] = False
    """Whether `refine` looks at the neighbour graph."""
    listens: ClassVar[bool] = False
    """Whether it takes what another model says of items."""
    understudy: ClassVar[str] = ""
    """The surrogate that serves until the neighbour graph has grown; empty for those that do without the graph."""
    uses_tokens: ClassVar[bool] = False
    """Whether it reads the tokens of each text."""

    def suited(self, kind: LabelKind) -> Surrogate:
        """The surrogate for labels of this very kind, which is its own."""
        return self

    @abstractmethod
    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """The head for these examples, from `before` on, which has the same classes and dimensions.

        `full` starts from nothing and chooses everything again. Works with no examples and with one class.
        """

    def carried(self, head: Head, before: tuple[Label, ...], after: tuple[Label, ...]) -> Head:
        """The head of the round before, whose classes were others."""
        return head.for_classes(before, after)

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """The pool's predictions by `head`, which `fit` made of the same arguments, and what else the pool tells.

        Tasks that the pool does not know are answered by the head alone.
        """
        return Refined(head.probabilities(scored.logits), head)


surrogates: Registry[Surrogate] = Registry("labelcue.surrogates")


def suiting(name: str, kind: str) -> str:
    """`name`, where that surrogate learns labels of this kind, else the first one that does, and listens as it does if
    there is one. Raises UnknownName."""
    asked = surrogates.create(name)
    if asked.kind == kind:
        return name
    able = [other for other in surrogates.names() if surrogates.create(other).kind == kind]
    return next((other for other in able if surrogates.create(other).listens == asked.listens), able[0])
