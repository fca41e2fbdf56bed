"""The parts of a label that has several, and how their models, targets and predictions stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelcue.errors import BadRequest
from labelcue.labels import LabelKind, Model, kind_of
from labelcue.types import Floats, Json, Label

NUMBERS = ("temperature", "l2", "noise", "trained", "labelled", "share", "fused")
"""What a part's model is beside its arrays, in the order in which it is packed."""
HEADER = len(NUMBERS) + 2
"""Numbers in a part's first packed row: these, and the shape of its `extra`."""


@dataclass(frozen=True)
class Part:
    """One control's share of a label."""

    name: str
    kind: LabelKind
    classes: tuple[Label, ...]
    weight: float = 1.0

    @property
    def rows(self) -> int:
        """Rows of weights."""
        return self.kind.rows(len(self.classes))

    @property
    def columns(self) -> int:
        """Of a prediction: whether the part is trained, 0 or 1, and what its kind says."""
        return 1 + self.kind.columns(len(self.classes))

    def as_json(self) -> dict[str, Json]:
        """What `part_of` takes."""
        kind = self.kind.as_json()
        return {"name": self.name, "kind": kind, "classes": list(self.classes), "weight": self.weight}


@dataclass(frozen=True)
class PartModel:
    """The model of one part, as kinds take it."""

    weights: Floats
    bias: Floats
    temperature: float
    l2: float
    noise: float
    trained: bool
    labelled: int
    share: float
    fused: float
    extra: Floats


def part_of(body: Mapping[str, Any]) -> Part:
    """A part by its JSON. Raises BadRequest, UnknownName."""
    weight, name = body.get("weight", 1.0), body.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"A part of the label is called {name!r}.", "Give every part a name.")
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < np.inf:
        raise BadRequest(f"The weight of {name!r} is {weight!r}.", "Give a number above 0, or leave the part out.")
    kind = kind_of(body["kind"])
    classes = kind.own or tuple(map(str, body.get("classes", ())))
    if not kind.joins or (kind.named and not classes):
        raise BadRequest(f"The part {name!r} has no classes.", "Name them; and a part is a class, a set or a number.")
    return Part(name, kind, classes, float(weight))


def packed(models: Sequence[Any], dim: int) -> Floats:
    """(e, w) float32: for each part's model a row of its numbers, then the rows of its `extra`, filled up with 0."""
    width, rows = max(dim + 1, HEADER), []
    for model in models:
        numbers = [float(getattr(model, name)) for name in NUMBERS]
        block = np.zeros((1 + len(model.extra), width), dtype=np.float32)
        block[0, :HEADER] = [*numbers, *model.extra.shape]
        block[1:, : model.extra.shape[1]] = model.extra
        rows.append(block)
    return np.vstack(rows)


def unpacked(model: Model, parts: Sequence[Part]) -> list[PartModel]:
    """The inverse: each part's model; blank ones where nothing was learned."""
    models, start, rest = [], 0, model.extra
    for part in parts:
        rows = slice(start, start + part.rows)
        start = rows.stop
        header = rest[0] if len(rest) else np.array([1, 0, 0, 0, 0, 0, 1, 0, 0], dtype=np.float32)
        numbers: dict[str, Any] = dict(zip(NUMBERS, map(float, header), strict=False))
        numbers |= {"trained": bool(numbers["trained"]), "labelled": int(numbers["labelled"])}
        long, wide = int(header[HEADER - 2]), int(header[HEADER - 1])
        extra = np.ascontiguousarray(rest[1 : 1 + long, :wide])
        rest = rest[1 + long :]
        models.append(PartModel(model.weights[rows], model.bias[rows], **numbers, extra=extra))
    return models


def blocks(said: Floats, parts: Sequence[Part]) -> Iterator[Floats]:
    """Views of each part's columns of (m, k) predictions."""
    start = 0
    for part in parts:
        yield said[:, start : start + part.columns]
        start += part.columns


def rows(given: Floats, parts: Sequence[Part]) -> Iterator[Floats]:
    """Views of each part's columns of (n, r) targets."""
    start = 0
    for part in parts:
        yield given[:, start : start + part.rows]
        start += part.rows
