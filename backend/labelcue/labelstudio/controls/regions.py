"""Controls that mark parts of an item: boxes, outlines and points on images, stretches of sound, video, series and
dialogues.

What is learned of them is which classes occur; the regions themselves are another model's, or the annotators'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable
from labelcue.labels import REGIONS
from labelcue.labelstudio.controls import Control, controls
from labelcue.labelstudio.markup import Objects, refused_object
from labelcue.types import Answer, Json, Label, TaskSpec

IMAGE = "Image"
MARKS = {
    "TimeSeriesLabels": "TimeSeries",
    "TimelineLabels": "Video",
    "VideoRectangle": "Video",
    "ParagraphLabels": "Paragraphs",
}
"""Tag → the object whose parts it marks; of others that is an image."""


@controls.register("RectangleLabels")
@controls.register("PolygonLabels")
@controls.register("KeyPointLabels")
@controls.register("EllipseLabels")
@controls.register("BrushLabels")
@controls.register("TimeSeriesLabels")
@controls.register("TimelineLabels")
@controls.register("ParagraphLabels")
class Marks(Control):
    """Regions with labels, any number of them."""

    field: ClassVar[str] = ""
    """Where a region's value has its labels; empty where that is called as the control."""

    def kind(self, element: Element, objects: Objects) -> str:
        """What occurs."""
        return REGIONS

    def classes(self, element: Element) -> tuple[Label, ...]:
        """What Label Studio stores: the alias where there is one, else the value."""
        return tuple(dict.fromkeys(one.get("alias") or one.get("value") or "" for one in element.iter("Label")))

    def refused(self, element: Element) -> str:
        """Labels that come from each task, and nameless ones."""
        classes = self.classes(element)
        checks = (
            (element.get("value") or element.get("apiUrl"), "its labels come from each task (dynamic labels)"),
            ("" in classes, "a Label has neither value nor alias"),
            (not classes, "it has no Label"),
        )
        return next((why for wrong, why in checks if wrong), "")

    def refused_objects(self, element: Element, objects: Objects) -> str:
        """All but the object whose parts it marks."""
        return refused_object(element.get("toName", ""), objects, (MARKS.get(element.tag, IMAGE),))

    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """The classes that occur, none where nothing is marked. Raises TaskUnreadable for one the config lacks."""
        found = [label for region in regions for label in self.labels_of(spec, region)]
        unknown = [label for label in found if label not in spec.classes]
        if unknown:
            known = ", ".join(repr(label[:60]) for label in spec.classes[:20])
            raise TaskUnreadable(
                f"{spec.from_name!r} has the unknown label {unknown[0][:60]!r}.",
                f"The label config knows: {known}{', ...' if len(spec.classes) > 20 else ''}.",
            )
        return frozenset(found)

    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """None: where something is cannot be told from what occurs."""
        return []

    def labels_of(self, spec: TaskSpec, region: Mapping[str, Json]) -> list[Label]:
        """The labels of a region, one at least; raises TaskUnreadable."""
        value, field = region.get("value"), self.field or spec.control.lower()
        labels = value.get(field) if isinstance(value, Mapping) else None
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
            raise TaskUnreadable(
                f"A region of {spec.from_name!r} has no list of {field}.",
                "It was made under another label config; mend the annotation.",
            )
        return labels
