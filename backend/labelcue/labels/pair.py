"""A label is the better side of a pair: left or right. An item is a pair, its vector what sets the sides apart."""

from __future__ import annotations

from typing import ClassVar

from labelcue.labels import CLASS, kinds
from labelcue.labels.choice import Choice
from labelcue.types import Answer, Label

SIDES = ("left", "right")


@kinds.register("pair")
class Pair(Choice):
    """One of the two sides. Strategies take it as a class."""

    name = "pair"
    form = "left or right"
    like = CLASS
    joins = False
    own: ClassVar[tuple[Label, ...]] = SIDES

    @property
    def takes(self) -> str:
        """The sides."""
        return "sides of a pair, left or right"

    def read(self, label: object) -> Answer | None:
        """One of the sides."""
        return str(label) if isinstance(label, str) and label in SIDES else None
