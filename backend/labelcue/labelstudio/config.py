"""Label config XML → what LabelCue can learn from it, or a clear word on why not. Pure.

The XML comes from anybody who may edit a project: no document type, no entity, no size and no depth beyond what label
configs need. (Label Studio's own parser costs a second to import and resolves entities; `regions.py` uses it only on
what was read here before.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from labelcue.errors import UnsupportedConfig
from labelcue.types import TaskSpec

LARGEST = 1_000_000
"""Characters of a label config."""
DEEPEST = 64
"""Levels of nested tags."""
SUPPORTED = (
    "LabelCue learns one single-choice Choices on a Text, HyperText or Image whose value is one field, as $text."
)
READABLE = ("Text", "HyperText", "Image")
SINGLE = ("", "single", "single-radio")
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
    )


def _classes(control: Element) -> tuple[str, ...]:
    """What Label Studio stores as the answer: the alias where there is one, else the value; in the config's order."""
    answers = (choice.get("alias") or choice.get("value") or "" for choice in control.iter("Choice"))
    return tuple(dict.fromkeys(answers))


def _refusal(control: Element, objects: Mapping[str, Element]) -> str:
    """Why the control cannot be learned; empty where it can."""
    if control.tag != "Choices":
        return f"{control.tag[:60]} is not learned yet"
    return _refused_choices(control) or _refused_object(control.get("toName", ""), objects)


def _refused_choices(control: Element) -> str:
    choice = control.get("choice", "")
    choices = list(control.iter("Choice"))
    classes = _classes(control)
    checks = (
        (choice == "multiple", 'choice="multiple" is not learned yet, only choice="single"'),
        (choice not in SINGLE, f"choice={choice[:60]!r} is unknown"),
        (control.get("value") or control.get("apiUrl"), "its choices come from each task (dynamic choices)"),
        (_on(control, "perRegion"), "perRegion choices are not learned, only one answer for the whole task"),
        (_on(control, "perItem"), "perItem choices are not learned, only one answer for the whole task"),
        (any(_nested(one) for one in choices), "nested Choice tags (a hierarchy) are not learned, only a flat list"),
        ("" in classes, "a Choice has neither value nor alias"),
        (len(classes) < 2, f"it has {len(classes)} different choices, and learning needs two"),
    )
    return next((why for wrong, why in checks if wrong), "")


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
