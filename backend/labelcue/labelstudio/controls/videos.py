"""VideoRectangle: boxes that follow something through a video, and take their classes from the Labels beside it."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable
from labelcue.labelstudio.controls import controls, named
from labelcue.labelstudio.controls.regions import Marks
from labelcue.types import Json, Label, TaskSpec


@controls.register("VideoRectangle")
class Tracks(Marks):
    """Tracked boxes, of which is learned which classes occur.

    Label Studio's editor stores one region a box, under the name of the VideoRectangle, with the classes as `labels`; a
    region of the Labels by itself there is none.
    """

    field = "labels"

    def refused(self, element: Element) -> str:
        """Boxes without classes, and those that two Labels name: the editor stores the word of one of them alone."""
        given = element.findall("Labels")
        if not given:
            return "no Labels on the same Video names what is in its boxes"
        if len(given) > 1:
            return f"{len(given)} Labels name what is in its boxes, and Label Studio stores what one of them says"
        why = super().refused(given[0])
        return f"of {named(given[0])}, which names what is in its boxes: {why}" if why else ""

    def labels_of(self, spec: TaskSpec, region: Mapping[str, Json]) -> list[Label]:
        """None of a box that was drawn without one, as the editor allows."""
        value = region.get("value")
        if not isinstance(value, Mapping) or not isinstance(value.get("sequence"), list):
            raise TaskUnreadable(
                f"A region of {spec.from_name!r} has no sequence of boxes.",
                "It was made under another label config; mend the annotation.",
            )
        return super().labels_of(spec, region) if value.get("labels") else []
