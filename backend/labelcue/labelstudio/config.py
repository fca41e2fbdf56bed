"""Label config XML → what LabelCue can learn from it, or a clear word on why not. Pure.

`markup.py` reads the XML, and each sort of control says in its file of `controls/` what it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from labelcue.errors import UnsupportedConfig
from labelcue.labelstudio.controls import Control, control_of, named, refusal
from labelcue.labelstudio.markup import Objects, controls_in, field_of, objects_in, tree
from labelcue.types import TaskSpec

SUPPORTED = (
    "LabelCue learns one Choices (single or multiple), Rating or Number on a Text, HyperText or Image, or Labels on a "
    "Text, whose value is one field, as $text."
)


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
    root = tree(xml)
    objects, elements = objects_in(root), controls_in(root)
    if not elements:
        raise UnsupportedConfig("The label config has no control, so nothing can be labelled.", SUPPORTED)
    learnable = [(element, control_of(element.tag)) for element in elements if not refusal(element, objects)]
    ranked = [(control.rank(element), element, control) for element, control in learnable if control is not None]
    if not ranked:
        reasons = "; ".join(f"{named(element)}: {refusal(element, objects)}" for element in elements[:10])
        raise UnsupportedConfig(f"LabelCue cannot learn this label config. {reasons}.", SUPPORTED)
    first = min(rank for rank, _, _ in ranked)
    chosen = [(element, control) for rank, element, control in ranked if rank == first]
    if len(chosen) > 1:
        names = ", ".join(named(element) for element, _ in chosen[:10])
        raise UnsupportedConfig(
            f"The label config has {len(chosen)} controls that could be learned: {names}.",
            "Keep one of them; LabelCue learns one control a project.",
        )
    return _spec(*chosen[0], objects, xml)


def describe(xml: str) -> list[ControlInfo]:
    """Every control in the order of the config; raises UnsupportedConfig where the XML cannot be read."""
    root = tree(xml)
    objects = objects_in(root)
    infos = []
    for element in controls_in(root):
        target = objects.get(element.get("toName", ""))
        why = refusal(element, objects)
        tag = "" if target is None else target.tag
        infos.append(ControlInfo(element.get("name", ""), element.tag, tag, not why, why))
    return infos


def picture_field(xml: str) -> str:
    """The field of the first picture that annotators see; empty where there is none, or the XML cannot be read."""
    try:
        return next(filter(None, (field_of(one) for one in tree(xml).iter("Image"))), "")
    except UnsupportedConfig:
        return ""


def _spec(element: Element, control: Control, objects: Objects, xml: str) -> TaskSpec:
    target = objects[element.get("toName", "")]
    return TaskSpec(
        from_name=element.get("name", ""),
        to_name=element.get("toName", ""),
        control=element.tag,
        object=target.tag,
        field=field_of(target),
        classes=control.classes(element),
        xml=xml,
        kind=control.kind(element),
        bounds=control.bounds(element),
    )
