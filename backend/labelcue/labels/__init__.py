"""What a label is: one kind a file, registered under its name, which is what a surrogate says that it learns.

A kind knows how answers are read and kept, what they are as numbers, and what a model's word on an item amounts to. It
is light: whoever reads labels or shows predictions may use it without what trains.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from labelcue.errors import BadRequest
from labelcue.labels.belief import Belief
from labelcue.registry import Registry
from labelcue.types import Answer, Floats, Json, Label, TaskSpec

CLASS, SET, NUMBER, SPANS, PAIR, JOINT = "class", "set", "number", "spans", "pair", "joint"
REGIONS = "regions"
MEAN, MOST = "mean", "max"
COMBINES = (MEAN, MOST)
"""How the doubts of the parts of a label combine: their weighted mean, or the largest by weight."""
EVERY = (CLASS, SET, NUMBER, SPANS, JOINT, REGIONS)
"""The kinds that strategies tell apart."""


class Model(Protocol):
    """What a kind makes predictions of: the linear model of a round."""

    @property
    def weights(self) -> Floats:
        """(r, d) float32, one row a class or label; one row for numbers."""

    @property
    def bias(self) -> Floats:
        """(r,) float32."""

    @property
    def temperature(self) -> float:
        """Of the scores."""

    @property
    def l2(self) -> float:
        """Strength of the penalty."""

    @property
    def noise(self) -> float:
        """Standard deviation of labels around a number that is known."""

    @property
    def extra(self) -> Floats:
        """What the kind needs beside; (0, 0) where that is nothing."""


class LabelKind(ABC):
    """One kind of label. Stateless but for `bounds`."""

    name: ClassVar[str]
    form: ClassVar[str]
    """How an answer is passed, in words."""
    named: ClassVar[bool] = True
    """Whether answers name classes."""
    exclusive: ClassVar[bool] = False
    """Whether each item has one class, so that classes can have shares of a queue."""
    like: ClassVar[str] = ""
    """The kind as which strategies take it; empty: its own."""
    own: ClassVar[tuple[Label, ...]] = ()
    """Its classes, where they are always the same."""
    joins: ClassVar[bool] = False
    """Whether it may be a part of a label that has several."""
    keyed: ClassVar[bool] = False
    """Whether an answer is a mapping, from the names of parts."""
    bounds: tuple[float, float] | None = None
    """Where numbers lie; None: anywhere, or no numbers."""

    @property
    @abstractmethod
    def takes(self) -> str:
        """What answers are, in words."""

    def limit(self, bounds: object) -> None:
        """Allow labels between these two alone. Raises BadRequest."""
        raise BadRequest(
            f"The bounds are {bounds!r}, and labels that are {self.takes} have none.",
            "Leave them out, or choose a surrogate for numbers.",
        )

    def compose(self, parts: Sequence[Mapping[str, Any]], combine: str = MEAN) -> None:
        """Be of these parts, each `{name, kind, classes, weight}`. Raises BadRequest."""
        raise BadRequest(
            f"Labels that are {self.takes} have no parts.", "Leave them out, or choose the surrogate joint."
        )

    def columns(self, classes: int) -> int:
        """How many numbers a prediction is."""
        return classes

    def rows(self, classes: int) -> int:
        """How many rows of weights a model has, and an item's target numbers."""
        return classes

    @abstractmethod
    def read(self, label: object) -> Answer | None:
        """The label as it is kept; None where it is none of this kind, or lies out of bounds."""

    @abstractmethod
    def names(self, answer: Answer) -> Collection[Label]:
        """The classes that an answer names."""

    @abstractmethod
    def counts(self, answers: Iterable[Answer], present: Collection[Label]) -> bool:
        """Whether any of the answers can be learned from while these classes are allowed."""

    @abstractmethod
    def targets(self, answers: Sequence[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
        """(n, r) float32 truth of each item from all annotators' answers; each item has one that counts."""

    def pack(self, answer: Answer) -> Json:
        """As JSON, the same for the same answer."""
        return answer

    def unpack(self, packed: Json) -> Answer:
        """The inverse. Raises TypeError or ValueError for what is something else."""
        answer = self.read(packed)
        if answer is None:
            raise ValueError(f"{packed!r} is none of {self.takes}")
        return answer

    def as_json(self) -> dict[str, Json]:
        """What tells it apart from others of its name too."""
        return {"name": self.name}

    @abstractmethod
    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, k) predictions for (m, d) vectors of length one; k as in `columns`."""

    def settle(self, said: Floats) -> Floats:
        """(m, k) predictions within what labels can be; may overwrite them."""
        return said

    @abstractmethod
    def believe(self, said: Floats, given: Floats) -> Belief:
        """What (m, k) predictions amount to, beside the (n, r) targets of what is labelled."""

    @abstractmethod
    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """What one (k,) prediction comes down to, and how surely, 0 to 1."""

    def of_classes(self, classes: tuple[Label, ...], said: Floats) -> Floats:
        """(c,) what one (k,) prediction says of each class, 0 to 1; (0,) where there are none."""
        return said if self.named else said[:0]

    def titled(self, classes: tuple[Label, ...], said: Floats) -> dict[str, float]:
        """One (k,) prediction with the names of its numbers."""
        return dict(zip(classes, self.of_classes(classes, said).astype(np.float64).tolist(), strict=False))

    def cut(self, classes: tuple[Label, ...], said: Floats, columns: Sequence[int]) -> Floats:
        """One (k,) prediction with the classes of these places alone, in their order."""
        return said[list(columns)] if self.named else said

    def each(self, classes: tuple[Label, ...], said: Floats) -> tuple[float, ...]:
        """How sure each part of the guess is, where it has parts that are shown apart."""
        return ()

    def text(self, answer: Answer) -> str:
        """An answer for people."""
        return str(answer)

    def agreed(self, answers: Sequence[Answer]) -> tuple[Answer | None, bool]:
        """What several annotators say together, None where they are split evenly; whether they all say the same."""
        first, *rest = Counter(answers).most_common(2)
        return (None if rest and rest[0][1] == first[1] else first[0]), not rest

    @abstractmethod
    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """One (k,) prediction in words."""


kinds: Registry[LabelKind] = Registry("labelcue.labels")


def kind_of(body: Mapping[str, Any]) -> LabelKind:
    """The kind that `as_json` gave. Raises UnknownName, BadRequest, KeyError."""
    kind = kinds.create(body["name"])
    if body.get("bounds") is not None:
        kind.limit(tuple(body["bounds"]))
    if body.get("parts"):
        kind.compose(body["parts"], body.get("combine", MEAN))
    return kind


def kind_for(spec: TaskSpec) -> LabelKind:
    """The kind of label that a label config asks for."""
    kind = kinds.create(spec.kind)
    if spec.bounds is not None:
        kind.limit(spec.bounds)
    if spec.parts:
        kind.compose(**parts_for(spec))
    return kind


def parts_for(spec: TaskSpec) -> dict[str, Json]:
    """What a label of several controls is made of, as `compose` takes it."""
    each = [
        {"name": one.from_name, "kind": kind_for(one).as_json(), "classes": list(one.classes), "weight": one.weight}
        for one in spec.parts
    ]
    return {"parts": each, "combine": spec.combine}
