"""Label config XML → what LabelCue can learn from it, or a clear word on why not. Pure.

The XML comes from anybody who may edit a project: no document type, no entity, no size and no depth beyond what label
configs need. (Label Studio's own parser costs a second to import and resolves entities; `regions.py` uses it only on
what was read here before.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from labelcue.errors import UnsupportedConfig
from labelcue.types import TaskSpec

LARGEST = 1_000_000
"""Characters of a label config."""
DEEPEST = 64
"""Levels of nested tags."""
SUPPORTED = (
    "LabelCue learns one Choices (single or multiple), Rating or Number on a Text, HyperText or Image whose "
    "value is one field, as $text."
)
READABLE = ("Text", "HyperText", "Image")
SINGLE = ("", "single", "single-radio")
STARS = 5
"""Label Studio's own number of stars, where a Rating gives none."""
FUTURE = {
    "Taxonomy": "a flat Choices would be learned",
    "Pairwise": "a Choices with the two sides as choices would be learned",
    **dict.fromkeys(("Labels", "HyperTextLabels", "ParagraphLabels"), "a Choices for the whole text would be learned"),
    **dict.fromkeys(
        ("RectangleLabels", "PolygonLabels", "KeyPointLabels", "BrushLabels", "EllipseLabels", "TimeSeriesLabels"),
        "a Choices for the whole task would be learned",
    ),
}
"""What LabelCue would learn in place of a control that it does not learn yet."""
_FIELD = re.compile(r"\$([\w-]+)")


@dataclass(frozen=True, slots=True)
class ControlInfo:
    """One control of a label config: what annotators fill in."""

    name: str
    tag: str
    object: str
    """The tag of the object that it labels; empty where the config has no such object."""
    supported: bool
    why: str
    """Why it cannot be learned; empty where it can."""


def parse_config(xml: str) -> TaskSpec:
    """The one control that can be learned; raises UnsupportedConfig that names the controls and what is wrong."""
    root = _tree(xml)
    objects = _objects(root)
    controls = _controls(root)
    learnable = [control for control in controls if not _refusal(control, objects)]
    if not controls:
        raise UnsupportedConfig("The label config has no control, so nothing can be labelled.", SUPPORTED)
    if not learnable:
        reasons = "; ".join(f"{_named(control)}: {_refusal(control, objects)}" for control in controls[:10])
        raise UnsupportedConfig(f"LabelCue cannot learn this label config. {reasons}.", SUPPORTED)
    first = min(map(_rank, learnable))
    learnable = [control for control in learnable if _rank(control) == first]
    if len(learnable) > 1:
        names = ", ".join(_named(control) for control in learnable[:10])
        raise UnsupportedConfig(
            f"The label config has {len(learnable)} controls that could be learned: {names}.",
            "Keep one of them; LabelCue learns one control a project.",
        )
    return _spec(learnable[0], objects, xml)


def describe(xml: str) -> list[ControlInfo]:
    """Every control in the order of the config; raises UnsupportedConfig where the XML cannot be read."""
    root = _tree(xml)
    objects = _objects(root)
    infos = []
    for control in _controls(root):
        target = objects.get(control.get("toName", ""))
        why = _refusal(control, objects)
        tag = "" if target is None else target.tag
        infos.append(ControlInfo(control.get("name", ""), control.tag, tag, not why, why))
    return infos


def picture_field(xml: str) -> str:
    """The field of the first picture that annotators see; empty where there is none, or the XML cannot be read."""
    try:
        values = (_FIELD.fullmatch(one.get("value", "")) for one in _tree(xml).iter("Image"))
        return next((found.group(1) for found in values if found is not None), "")
    except UnsupportedConfig:
        return ""


def _controls(root: Element) -> list[Element]:
    return [element for element in root.iter() if element.get("name") and element.get("toName")]


def _objects(root: Element) -> dict[str, Element]:
    return {
        element.get("name", ""): element
        for element in root.iter()
        if element.get("name") and not element.get("toName") and (element.get("value") or element.get("valueList"))
    }


def _named(control: Element) -> str:
    return f"{control.get('name', '')[:60]!r} ({control.tag[:60]})"


def _spec(control: Element, objects: Mapping[str, Element], xml: str) -> TaskSpec:
    target = objects[control.get("toName", "")]
    field = _FIELD.fullmatch(target.get("value", ""))
    return TaskSpec(
        from_name=control.get("name", ""),
        to_name=control.get("toName", ""),
        control=control.tag,
        object=target.tag,
        field=field.group(1) if field else "",
        classes=_classes(control),
        xml=xml,
        kind=KINDS[_rank(control)],
        bounds=_bounds(control),
    )


def _rank(control: Element) -> int:
    """0 for a single choice, and so on: of several controls the first sort is learned, the others are left alone."""
    if control.tag != "Choices":
        return 2 if control.tag == "Rating" else 3
    return 0 if control.get("choice", "") in SINGLE else 1


def _bounds(control: Element) -> tuple[float, float] | None:
    """Where a control's numbers lie; None where it takes any, or none."""
    if control.tag == "Rating":
        return (1.0, _number(control.get("maxRating", "")) or float(STARS))
    low, high = _number(control.get("min", "")), _number(control.get("max", ""))
    return (low, high) if control.tag == "Number" and low is not None and high is not None else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _classes(control: Element) -> tuple[str, ...]:
    """What Label Studio stores as the answer: the alias where there is one, else the value; in the config's order."""
    answers = (choice.get("alias") or choice.get("value") or "" for choice in control.iter("Choice"))
    return tuple(dict.fromkeys(answers))


def _refusal(control: Element, objects: Mapping[str, Element]) -> str:
    """Why the control cannot be learned; empty where it can."""
    rule = RULES.get(control.tag)
    if rule is None:
        instead = FUTURE.get(control.tag)
        return f"{control.tag[:60]} is not learned yet{(instead and '; ' + instead) or ''}"
    return rule(control) or _refused_object(control.get("toName", ""), objects)


def _refused_choices(control: Element) -> str:
    choice = control.get("choice", "")
    choices = list(control.iter("Choice"))
    classes = _classes(control)
    checks = (
        (choice not in (*SINGLE, "multiple"), f"choice={choice[:60]!r} is unknown"),
        (control.get("value") or control.get("apiUrl"), "its choices come from each task (dynamic choices)"),
        (_on(control, "perRegion"), "perRegion choices are not learned, only one answer for the whole task"),
        (_on(control, "perItem"), "perItem choices are not learned, only one answer for the whole task"),
        (any(_nested(one) for one in choices), "nested Choice tags (a hierarchy) are not learned, only a flat list"),
        ("" in classes, "a Choice has neither value nor alias"),
        (len(classes) < 2, f"it has {len(classes)} different choices, and learning needs two"),
    )
    return next((why for wrong, why in checks if wrong), "")


def _refused_number(control: Element) -> str:
    """Of a Rating or a Number."""
    given = {name: control.get(name, "") for name in ("maxRating", "min", "max") if control.get(name)}
    wrong = next((name for name, text in given.items() if _number(text) is None), "")
    low, high = _bounds(control) or (0.0, 1.0)
    checks = (
        (_on(control, "perRegion"), f"a perRegion {control.tag} is not learned, only one answer for the whole task"),
        (_on(control, "perItem"), f"a perItem {control.tag} is not learned, only one answer for the whole task"),
        (wrong, f"{wrong}={given.get(wrong, '')[:60]!r} is no number"),
        (low >= high, f"its numbers go from {low:g} to {high:g}, and learning needs two"),
    )
    return next((why for bad, why in checks if bad), "")


RULES = {"Choices": _refused_choices, "Rating": _refused_number, "Number": _refused_number}
"""Tag → why such a control cannot be learned."""
KINDS = ("class", "set", "number", "number")
"""The kind of label of each rank of control."""


def _on(control: Element, attribute: str) -> bool:
    return control.get(attribute, "").lower() == "true"


def _nested(choice: Element) -> bool:
    return any(inner is not choice for inner in choice.iter("Choice"))


def _refused_object(name: str, objects: Mapping[str, Element]) -> str:
    target = objects.get(name)
    if target is None:
        several = "," in name
        return "it labels several objects" if several else f"there is no object {name[:60]!r} with a value"
    if target.tag not in READABLE:
        return f"it labels {target.tag[:60]}, and LabelCue reads {', '.join(READABLE[:-1])} and {READABLE[-1]} so far"
    if target.tag != "Image" and target.get("valueType", target.get("valuetype", "")).lower() == "url":
        return f"the text of {name[:60]!r} stands behind a URL; put the text itself into the task"
    if target.get("encoding", "none") != "none":
        return f"the text of {name[:60]!r} is encoded; put the plain text into the task"
    if not _FIELD.fullmatch(target.get("value", "")):
        return f"the value of {name[:60]!r} is not one field of the task, as $text"
    return ""


class _Reader:
    """Builds the tree while expat reads, and stops at once at what no label config needs."""

    def __init__(self) -> None:
        self.builder = TreeBuilder()
        self.depth = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnsupportedConfig(f"The label config is nested deeper than {DEEPEST} tags.", "Make it flatter.")
        self.builder.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self.depth -= 1
        self.builder.end(tag)

    def _doctype(self, *_: object) -> None:
        # Before any entity is read, let alone expanded.
        raise UnsupportedConfig("The label config has a document type (DOCTYPE).", "Take it out; nothing needs it.")


def _tree(xml: str) -> Element:
    if len(xml) > LARGEST:
        raise UnsupportedConfig(f"The label config is over {LARGEST:,} characters.", "Make it smaller.")
    reader = _Reader()
    try:
        reader.parser.Parse(xml, True)
    except (expat.ExpatError, ValueError) as error:
        raise UnsupportedConfig(
            f"The label config is not XML: {error}.", "Mend it in the project's settings."
        ) from error
    return reader.builder.close()
