"""What annotators fill in: one control or family of controls a file, registered under its tags.

A control knows what of the label config it learns, or why not, how an annotation's regions are read, and how a
prediction's regions are made. All of it is pure, and light: Label Studio's SDK is for what makes regions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar
from xml.etree.ElementTree import Element

from labelcue.labelstudio.markup import READABLE, Objects, refused_object
from labelcue.registry import Registry
from labelcue.types import Answer, Json, Label, TaskSpec

NOT_YET = {
    **dict.fromkeys(
        ("Rectangle", "Polygon", "KeyPoint", "Ellipse", "Brush"),
        "the same with labels, as RectangleLabels, would be",
    ),
    "MagicWand": "a Choices for the whole task would be learned",
}
"""What LabelCue would learn in place of a control that is not registered."""


class Control(ABC):
    """One sort of control. Stateless; `element` is its tag in a label config, of which nothing is known yet."""

    reads: ClassVar[tuple[str, ...]] = READABLE
    """The objects that it may label."""

    @abstractmethod
    def kind(self, element: Element, objects: Objects) -> str:
        """The kind of label that it gives on what it labels, as in the room `labels`."""

    def classes(self, element: Element) -> tuple[Label, ...]:
        """The classes that it offers, as Label Studio stores them, in the config's order."""
        return ()

    def bounds(self, element: Element) -> tuple[float, float] | None:
        """Where its numbers lie; None where it takes any, or none."""
        return None

    @abstractmethod
    def refused(self, element: Element) -> str:
        """Why such a control cannot be learned; empty where it can."""

    def targets(self, element: Element, objects: Objects) -> list[Element]:
        """The objects that it labels, where none is refused."""
        return [objects[element.get("toName", "")]]

    def refused_objects(self, element: Element, objects: Objects) -> str:
        """Why what it labels cannot be read; empty where it can."""
        return refused_object(element.get("toName", ""), objects, self.reads)

    @abstractmethod
    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """What an annotator's regions of this control say; None where it was left empty. Raises TaskUnreadable."""

    @abstractmethod
    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """New regions that say `answer`, accepted by the SDK; their ids are no matter. Raises UnsupportedConfig."""


controls: Registry[Control] = Registry("labelcue.labelstudio.controls")


@lru_cache(maxsize=256)
def control_of(tag: str) -> Control | None:
    """The control of this tag; None where none is registered."""
    return controls.create(tag) if tag in controls.names() else None


def named(control: Element) -> str:
    """A control for people."""
    return f"{control.get('name', '')[:60]!r} ({control.tag[:60]})"


def refusal(element: Element, objects: Objects) -> str:
    """Why the control cannot be learned; empty where it can."""
    control = control_of(element.tag)
    if control is None:
        instead = NOT_YET.get(element.tag)
        return f"{element.tag[:60]} is not learned yet{(instead and '; ' + instead) or ''}"
    return control.refused(element) or control.refused_objects(element, objects)
