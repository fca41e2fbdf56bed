"""Pairwise: which of two objects is the better one, left or right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labels import PAIR
from labelcue.labels.pair import SIDES
from labelcue.labelstudio.controls import Control, controls
from labelcue.labelstudio.drawing import accept
from labelcue.labelstudio.markup import Objects, field_of, refused_object, sort_of
from labelcue.types import Answer, Json, Label, TaskSpec


@controls.register("Pairwise")
class Pairwise(Control):
    """Two objects, the first of which is the left one."""

    def kind(self, element: Element, objects: Objects) -> str:
        """Pairs."""
        return PAIR

    def classes(self, element: Element) -> tuple[Label, ...]:
        """The sides."""
        return SIDES

    def refused(self, element: Element) -> str:
        """All is in what it compares."""
        return ""

    def targets(self, element: Element, objects: Objects) -> list[Element]:
        """The left one and the right one."""
        return [objects[name] for name in _names(element)]

    def refused_objects(self, element: Element, objects: Objects) -> str:
        """Two objects of one sort that show different fields."""
        names = _names(element)
        if len(names) != 2:
            return f"it compares {len(names)} objects, and learning needs two"
        unread = next(filter(None, (refused_object(name, objects, self.reads) for name in names)), "")
        if unread:
            return unread
        left, right = self.targets(element, objects)
        if sort_of(left) != sort_of(right):
            return f"it compares a {left.tag} with a {right.tag}, and learning needs two of a sort"
        same = field_of(left) == field_of(right)
        return "it compares a field with itself" if same else ""

    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """The side that was taken; raises TaskUnreadable where that is neither, or both."""
        taken = {_side(spec, region) for region in regions} - {"none"}
        if len(taken) > 1:
            raise TaskUnreadable(f"{spec.from_name!r} takes both sides.", "It takes one; mend the annotation.")
        return taken.pop() if taken else None

    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """One region of the left object, whichever side it says.

        The editor itself names the control as its own object, and so does the SDK; but Label Studio refuses predictions
        like that, and the editor takes both.
        """
        if answer not in SIDES:
            raise UnsupportedConfig(f"{str(answer)[:60]!r} is no side")
        left = spec.to_name.partition(",")[0].strip()
        made = {"from_name": spec.from_name, "to_name": left, "type": "pairwise", "value": {"selected": answer}}
        accept(spec.xml, [made], str(answer))
        return [made]


def _names(element: Element) -> list[str]:
    return [name.strip() for name in element.get("toName", "").split(",")]


def _side(spec: TaskSpec, region: Mapping[str, Json]) -> str:
    value = region.get("value")
    side = value.get("selected") if isinstance(value, Mapping) else None
    if side not in (*SIDES, "none"):
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} names no side.",
            "It was made under another label config; mend the annotation.",
        )
    return str(side)
