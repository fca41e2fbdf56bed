"""Labels: spans of a text or a page, each of a class, none included; stretches of a sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labels import REGIONS, SPANS
from labelcue.labels.spans import spans_of
from labelcue.labelstudio.controls import Control, controls
from labelcue.labelstudio.controls.regions import Marks
from labelcue.labelstudio.drawing import accept
from labelcue.labelstudio.markup import Objects
from labelcue.types import Answer, Json, Label, Span, TaskSpec

OCCURRING = Marks()


@controls.register("Labels")
class Labels(Control):
    """Regions of a text or a page, and of a sound, of which is learned which classes occur.

    Offsets count characters as Label Studio's editor does, 😀 as one: of a Text those of the task's text as it is, line
    ends and spaces included; of a HyperText those of the page that a browser makes of it (`embedders/page_text.py`).
    """

    reads: ClassVar[tuple[str, ...]] = ("Text", "HyperText", "Audio")

    def kind(self, element: Element, objects: Objects) -> str:
        """Spans, but of a sound what occurs."""
        target = objects.get(element.get("toName", ""))
        return REGIONS if target is not None and target.tag == "Audio" else SPANS

    def classes(self, element: Element) -> tuple[Label, ...]:
        """What Label Studio stores: the alias where there is one, else the value."""
        answers = (label.get("alias") or label.get("value") or "" for label in element.iter("Label"))
        return tuple(dict.fromkeys(answers))

    def refused(self, element: Element) -> str:
        """Labels of each task, and none at all."""
        classes = self.classes(element)
        checks = (
            (element.get("value") or element.get("apiUrl"), "its labels come from each task (dynamic labels)"),
            ("" in classes, "a Label has neither value nor alias"),
            (not classes, "it has no Label"),
        )
        return next((why for wrong, why in checks if wrong), "")

    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """All spans, the empty set where none was marked; a region of several labels is a span of each.

        Raises TaskUnreadable for a label that the config does not have, and for places that are none.
        """
        if spec.kind == REGIONS:
            return OCCURRING.read(spec, regions)
        spans = {span for region in regions for span in _spans(spec, region)}
        unknown = sorted({label for _, _, label in spans}.difference(spec.classes))
        if unknown:
            known = ", ".join(repr(label[:60]) for label in spec.classes[:20])
            raise TaskUnreadable(
                f"{spec.from_name!r} has the unknown label {unknown[0][:60]!r}.",
                f"The label config knows: {known}{', ...' if len(spec.classes) > 20 else ''}.",
            )
        return frozenset(spans)

    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """One region a span, in their order; none of a sound."""
        if spec.kind == REGIONS:
            return OCCURRING.made(spec, answer)
        spans = sorted(spans_of(answer))
        gone = sorted({label for _, _, label in spans}.difference(spec.classes))
        if gone:
            raise UnsupportedConfig(f"the label config has no {gone[0][:60]!r} any more")
        made: list[Mapping[str, Json]] = [
            {
                "id": str(place),
                "from_name": spec.from_name,
                "to_name": spec.to_name,
                "type": spec.control.lower(),
                "value": {**_place(spec, start, end), spec.control.lower(): [label]},
            }
            for place, (start, end, label) in enumerate(spans)
        ]
        if made:
            accept(spec.xml, made, f"{len(made)} spans")
        return made


@controls.register("HyperTextLabels")
class PageLabels(Labels):
    """The older tag of Labels on a page, which Label Studio's editor still takes; its regions are called after it."""

    reads = ("HyperText",)


def _place(spec: TaskSpec, start: int, end: int) -> dict[str, Json]:
    """Where a region is. Of a page the editor makes the paths by itself, as these here lead nowhere."""
    if spec.object != "HyperText":
        return {"start": start, "end": end}
    nowhere = {"start": "", "startOffset": 0, "end": "", "endOffset": 0}
    return {**nowhere, "globalOffsets": {"start": start, "end": end}}


def _given(spec: TaskSpec, value: Mapping[str, Json]) -> Mapping[str, Json]:
    """What has `start` and `end` as numbers: of a page what the editor counted, where there is such a thing."""
    counted = value.get("globalOffsets") if spec.object == "HyperText" else None
    return counted if isinstance(counted, Mapping) else value


def _spans(spec: TaskSpec, region: Mapping[str, Json]) -> list[Span]:
    value = region.get("value")
    whole: Mapping[str, Json] = value if isinstance(value, Mapping) else {}
    given, labels = _given(spec, whole), whole.get(spec.control.lower())
    start, end = _whole(given.get("start")), _whole(given.get("end"))
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} has no list of {spec.control.lower()}.",
            "It was made under another label config; mend the annotation.",
        )
    if not 0 <= start < end:
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} goes from {given.get('start')!r} to {given.get('end')!r}."[:200],
            "It has to have a first character, and a later one behind it; mend the annotation, or import it with "
            "globalOffsets where it is one of HyperText.",
        )
    return [(start, end, label) for label in labels]


def _whole(place: Json) -> int:
    """The number, -1 for what is none."""
    return place if isinstance(place, int) and not isinstance(place, bool) else -1
