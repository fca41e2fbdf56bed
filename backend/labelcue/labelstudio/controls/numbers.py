"""Rating and Number: a number, within bounds where the config gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable
from labelcue.labels import NUMBER
from labelcue.labelstudio.controls import Control, controls
from labelcue.labelstudio.drawing import drawn
from labelcue.labelstudio.markup import Objects, number, on
from labelcue.types import Answer, Json, TaskSpec

STARS = 5
"""Label Studio's own number of stars, where a Rating gives none."""


@controls.register("Rating")
@controls.register("Number")
class Numbers(Control):
    """One number for the whole task."""

    def kind(self, element: Element, objects: Objects) -> str:
        """Numbers."""
        return NUMBER

    def bounds(self, element: Element) -> tuple[float, float] | None:
        """1 to `maxRating`; or `min` to `max`, where both are given."""
        if element.tag == "Rating":
            return (1.0, number(element.get("maxRating", "")) or float(STARS))
        low, high = number(element.get("min", "")), number(element.get("max", ""))
        return (low, high) if low is not None and high is not None else None

    def refused(self, element: Element) -> str:
        """Numbers for parts of the task, and bounds that are none."""
        given = {name: element.get(name, "") for name in ("maxRating", "min", "max") if element.get(name)}
        wrong = next((name for name, text in given.items() if number(text) is None), "")
        low, high = self.bounds(element) or (0.0, 1.0)
        checks = (
            (on(element, "perRegion"), f"a perRegion {element.tag} is not learned, only one answer for the whole task"),
            (on(element, "perItem"), f"a perItem {element.tag} is not learned, only one answer for the whole task"),
            (wrong, f"{wrong}={given.get(wrong, '')[:60]!r} is no number"),
            (low >= high, f"its numbers go from {low:g} to {high:g}, and learning needs two"),
        )
        return next((why for bad, why in checks if bad), "")

    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """The number; raises TaskUnreadable for two of them, and for one out of bounds."""
        found = [_number(spec, region) for region in regions]
        if len(set(found)) > 1:
            raise TaskUnreadable(f"{spec.from_name!r} has several numbers.", "It takes one; mend the annotation.")
        if found and spec.bounds is not None and not spec.bounds[0] <= found[0] <= spec.bounds[1]:
            raise TaskUnreadable(
                f"{spec.from_name!r} has {found[0]:g}, and it goes from {spec.bounds[0]:g} to {spec.bounds[1]:g}.",
                "Mend the annotation, or the label config.",
            )
        return found[0] if found else None

    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """One region with whole stars, or a number of four digits, within the bounds."""
        low, high = spec.bounds or (-math.inf, math.inf)
        within = min(max(cast(float, answer), low), high)
        value = round(within) if spec.control == "Rating" else float(f"{within:.4g}")
        return [{**drawn(spec.xml, spec.from_name, value), "value": {spec.control.lower(): value}}]


def _number(spec: TaskSpec, region: Mapping[str, Json]) -> float:
    field, value = spec.control.lower(), region.get("value")
    found = value.get(field) if isinstance(value, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} has no {field}.",
            "It was made under another label config; mend the annotation.",
        )
    return float(found)
