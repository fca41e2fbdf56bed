"""The XML of a label config → its tags. Pure.

It comes from anybody who may edit a project: no document type, no entity, no size and no depth beyond what label
configs need. (Label Studio's own parser costs a second to import and resolves entities; `drawing.py` uses it only on
what was read here before.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from labelcue.errors import UnsupportedConfig
from labelcue.types import Turns

LARGEST = 1_000_000
"""Characters of a label config."""
DEEPEST = 64
"""Levels of nested tags."""
READABLE = ("Text", "HyperText", "Paragraphs", "Image", "Audio", "Video", "TimeSeries")
"""Objects of one field. For the first four LabelCue has embedders; for the others somebody brings vectors."""
_TEXTS = ("Text", "HyperText", "Paragraphs")
_FIELD = re.compile(r"\$([\w-]+)")

Objects: TypeAlias = Mapping[str, Element]
"""The objects of a label config by their names."""


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


def tree(xml: str) -> Element:
    """The root; raises UnsupportedConfig."""
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


def controls_in(root: Element) -> list[Element]:
    """Every control, in the order of the config; the Labels that name boxes of a video are within what draws these."""
    found = [element for element in root.iter() if element.get("name") and element.get("toName")]
    drawn_on = {element.get("toName") for element in found if element.tag == "VideoRectangle"}
    videos = drawn_on & {element.get("name") for element in root.iter("Video")}
    naming = [element for element in found if element.tag == "Labels" and element.get("toName") in videos]
    return [_naming(element, naming) for element in found if element not in naming]


def _naming(element: Element, naming: Sequence[Element]) -> Element:
    """The control itself; one that draws on a video with the Labels beside it."""
    if element.tag != "VideoRectangle":
        return element
    whole = Element(element.tag, element.attrib)
    whole.extend([one for one in naming if one.get("toName") == element.get("toName")])
    return whole


def objects_in(root: Element) -> Objects:
    """Every object that has a value."""
    return {
        element.get("name", ""): element
        for element in root.iter()
        if element.get("name") and not element.get("toName") and (element.get("value") or element.get("valueList"))
    }


def field_of(element: Element) -> str:
    """The field of the task that an object shows, as `text` of `$text`; empty where its value is something else."""
    found = _FIELD.fullmatch(element.get("value", ""))
    return found.group(1) if found else ""


def turns_of(element: Element) -> Turns:
    """Where a Paragraphs finds who says what, by Label Studio's own names where it says none."""
    author, text = (element.get(f"{one}Key") or element.get(f"{one}key") for one in ("name", "text"))
    return Turns(field_of(element), author or "author", text or "text")


def sort_of(element: Element) -> str:
    """What an object shows: objects of one sort are read together."""
    return "text" if element.tag in _TEXTS else element.tag


def number(text: str) -> float | None:
    """The finite number that an attribute spells."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def on(element: Element, attribute: str) -> bool:
    """Whether an attribute is switched on."""
    return element.get(attribute, "").lower() == "true"


def refused_object(name: str, objects: Objects, readable: tuple[str, ...] = READABLE) -> str:
    """Why the object called `name` cannot be read; empty where it can. `readable`: the tags that may be."""
    target = objects.get(name)
    if target is None:
        several = "," in name
        return "it labels several objects" if several else f"there is no object {name[:60]!r} with a value"
    if target.tag not in readable:
        return f"it labels {target.tag[:60]}, and LabelCue reads {_listed(readable)} so far"
    if target.tag in _TEXTS and _by_address(target):
        return f"the text of {name[:60]!r} stands behind a URL; put the text itself into the task"
    if target.get("encoding", "none") != "none":
        return f"the text of {name[:60]!r} is encoded; put the plain text into the task"
    if not field_of(target):
        return f"the value of {name[:60]!r} is not one field of the task, as $text"
    return ""


def _by_address(target: Element) -> bool:
    return target.get("valueType", target.get("valuetype", "")).lower() == "url"


def _listed(tags: tuple[str, ...]) -> str:
    return f"{', '.join(tags[:-1])} and {tags[-1]}" if len(tags) > 1 else tags[0]
