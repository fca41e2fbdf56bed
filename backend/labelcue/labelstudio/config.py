"""Label config XML → what LabelCue can learn from it, or a clear word on why not. Pure.

`markup.py` reads the XML, and each sort of control says in its file of `controls/` what it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from labelcue.errors import UnsupportedConfig
from labelcue.labels import COMBINES, JOINT, MEAN, LabelKind, kinds
from labelcue.labelstudio.controls import Control, controls, named, refusal
from labelcue.labelstudio.markup import Objects, controls_in, field_of, number, objects_in, on, sort_of, tree, turns_of
from labelcue.types import TaskSpec

SUPPORTED = (
    "LabelCue learns Choices (single or multiple), Taxonomy, Rating, Number and Pairwise on a Text, HyperText, "
    "Paragraphs, Image, Audio, Video or TimeSeries, and Labels on a Text, HyperText or Audio, whose value is one "
    "field, as $text; and boxes, outlines and points with labels on an Image, TimelineLabels on a Video, "
    "VideoRectangle with Labels there, TimeSeriesLabels on a TimeSeries, ParagraphLabels on a "
    "Paragraphs."
)
WEIGHT, COMBINE = "cueWeight", "cueCombine"
"""Attributes of ours, of a control and of the root, which Label Studio keeps and passes over."""


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
    """What can be learned, of one control or of several; raises UnsupportedConfig that names each and what is wrong."""
    root = tree(xml)
    objects, elements = objects_in(root), controls_in(root)
    if not elements:
        raise UnsupportedConfig("The label config has no control, so nothing can be labelled.", SUPPORTED)
    reasons = _reasons(elements, objects)
    specs = [_spec(element, objects, xml) for element, why in zip(elements, reasons, strict=True) if not why]
    if not specs:
        whys = "; ".join(f"{named(one)}: {why}" for one, why in zip(elements[:10], reasons, strict=False))
        raise UnsupportedConfig(f"LabelCue cannot learn this label config. {whys}.", SUPPORTED)
    return specs[0] if len(specs) == 1 else _joined(specs, root.get(COMBINE, MEAN))


def describe(xml: str) -> list[ControlInfo]:
    """Every control in the order of the config; raises UnsupportedConfig where the XML cannot be read."""
    root = tree(xml)
    objects, elements = objects_in(root), controls_in(root)
    infos = []
    for element, why in zip(elements, _reasons(elements, objects), strict=True):
        target = objects.get(element.get("toName", "").partition(",")[0])
        tag = "" if target is None else target.tag
        infos.append(ControlInfo(element.get("name", ""), element.tag, tag, not why, why))
    return infos


def words_of(spec: TaskSpec) -> str:
    """What is learned, for people: `Choices on $text (ham, spam)`."""
    if spec.parts:
        return "; ".join(f"{part.from_name!r}: {words_of(part)}" for part in spec.parts)
    shown = ", ".join(spec.classes[:8]) + (", …" if len(spec.classes) > 8 else "") or "numbers"
    fields = " and ".join(f"${field}" for field in (spec.field, *(field for field, _ in spec.others)))
    return f"{spec.control} on {fields} ({shown})"


def picture_field(xml: str) -> str:
    """The field of the first picture that annotators see; empty where there is none, or the XML cannot be read."""
    try:
        return next(filter(None, (field_of(one) for one in tree(xml).iter("Image"))), "")
    except UnsupportedConfig:
        return ""


def _reasons(elements: Sequence[Element], objects: Objects) -> list[str]:
    """Why each control is not learned, empty for those that are.

    Kinds that join are learned together, of objects of one sort; another kind where it is the only control.
    """
    whys = [refusal(element, objects) or _weightless(element) for element in elements]
    free = [place for place, why in enumerate(whys) if not why]
    joining = [place for place in free if _kind(elements[place], objects).joins]
    first = (joining or free or [0])[0]
    for place in free[:]:
        element, leader = elements[place], elements[first]
        if place != first and (not joining or place not in joining):
            whys[place] = f'a {element.tag} is learned by itself alone; set {WEIGHT}="0" on the others for that'
        elif _shown(element, objects) != _shown(leader, objects):
            whys[place] = f"it labels another sort of object than {named(leader)}, which is learned"
        elif element.get("name") in (elements[other].get("name") for other in free if other < place):
            whys[place] = "another control has its name"
    return whys


def _weightless(element: Element) -> str:
    """Why its weight keeps it from being learned."""
    given = element.get(WEIGHT, "1")
    weight = number(given)
    if weight is None or weight < 0:
        return f"{WEIGHT}={given[:60]!r} is no number from 0 up"
    return f'{WEIGHT}="0" leaves it to the annotators' if weight == 0 else ""


def _shown(element: Element, objects: Objects) -> str:
    return sort_of(_control(element).targets(element, objects)[0])


def _control(element: Element) -> Control:
    return controls.create(element.tag)


def _kind(element: Element, objects: Objects) -> LabelKind:
    return kinds.create(_control(element).kind(element, objects))


def _spec(element: Element, objects: Objects, xml: str) -> TaskSpec:
    control = _control(element)
    target, *others = control.targets(element, objects)
    return TaskSpec(
        from_name=element.get("name", ""),
        to_name=element.get("toName", ""),
        control=element.tag,
        object=target.tag,
        field=field_of(target),
        classes=control.classes(element),
        xml=xml,
        kind=control.kind(element, objects),
        bounds=control.bounds(element),
        others=tuple((field_of(other), other.tag) for other in others),
        inline=on(target, "inline"),
        weight=number(element.get(WEIGHT, "1")) or 1.0,
        turns=tuple(turns_of(one) for one in (target, *others) if one.tag == "Paragraphs"),
    )


def _joined(specs: Sequence[TaskSpec], combine: str) -> TaskSpec:
    """All of them as the parts of one."""
    if combine not in COMBINES:
        raise UnsupportedConfig(f"{COMBINE}={combine[:60]!r} is unknown.", f"Choose one of: {', '.join(COMBINES)}.")
    first = specs[0]
    fields = dict.fromkeys((spec.field, spec.object) for spec in specs)
    return replace(
        first,
        control=" + ".join(spec.control for spec in specs),
        classes=(),
        kind=JOINT,
        bounds=None,
        others=tuple(fields)[1:],
        weight=1.0,
        parts=tuple(specs),
        combine=combine,
        turns=tuple(dict.fromkeys(one for spec in specs for one in spec.turns)),
    )
