"""Annotation → label; scores → prediction, in the regions of Label Studio. Pure.

Regions are made and checked by the SDK's LabelInterface, once for a config and label: predictions of one label differ
in their ids and scores alone. Labels compare exactly, as text: `R&D` in a label config is written `R&amp;D`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.types import Answer, Json, Label, Scores, TaskSpec

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def label_of(spec: TaskSpec, result: Sequence[Json]) -> Answer | None:
    """The class, set or number that an annotation's `result` gives; None where its control was left empty.

    A multiple Choices that was left empty is the empty set. Raises TaskUnreadable for a label that the config does not
    have, for two labels where it takes one, for a number out of its bounds, and for a broken region.
    """
    if spec.kind == "number":
        return _number_of(spec, result)
    chosen = _chosen(spec, result)
    if not chosen:
        return frozenset() if spec.kind == "set" else None
    if spec.kind == "class" and len(chosen) > 1:
        shown = ", ".join(repr(label[:60]) for label in chosen[:5])
        raise TaskUnreadable(f"{spec.from_name!r} has several labels: {shown}.", "It takes one; mend the annotation.")
    unknown = [label for label in chosen if label not in spec.classes]
    if unknown:
        known = ", ".join(repr(label[:60]) for label in spec.classes[:20])
        raise TaskUnreadable(
            f"{spec.from_name!r} has the unknown label {unknown[0][:60]!r}.",
            f"The label config knows: {known}{', ...' if len(spec.classes) > 20 else ''}.",
        )
    return frozenset(chosen) if spec.kind == "set" else chosen[0]


def _chosen(spec: TaskSpec, result: Sequence[Json]) -> list[Label]:
    chosen: list[Label] = []
    for region in result:
        if isinstance(region, Mapping) and region.get("from_name") == spec.from_name:
            chosen += [choice for choice in _choices(spec, region) if choice not in chosen]
    return chosen


def _number_of(spec: TaskSpec, result: Sequence[Json]) -> float | None:
    found: list[float] = []
    for region in result:
        if isinstance(region, Mapping) and region.get("from_name") == spec.from_name:
            value = region.get("value")
            number = value.get(spec.control.lower()) if isinstance(value, Mapping) else None
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
                raise TaskUnreadable(
                    f"A region of {spec.from_name!r} has no {spec.control.lower()}.",
                    "It was made under another label config; mend the annotation.",
                )
            found.append(float(number))
    if len(set(found)) > 1:
        raise TaskUnreadable(f"{spec.from_name!r} has several numbers.", "It takes one; mend the annotation.")
    if found and spec.bounds is not None and not spec.bounds[0] <= found[0] <= spec.bounds[1]:
        raise TaskUnreadable(
            f"{spec.from_name!r} has {found[0]:g}, and it goes from {spec.bounds[0]:g} to {spec.bounds[1]:g}.",
            "Mend the annotation, or the label config.",
        )
    return found[0] if found else None


def _choices(spec: TaskSpec, region: Mapping[str, Json]) -> list[Label]:
    value = region.get("value")
    choices = value.get(spec.control.lower()) if isinstance(value, Mapping) else None
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} has no list of {spec.control.lower()}.",
            "It was made under another label config; mend the annotation.",
        )
    return choices


def prediction(spec: TaskSpec, scores: Scores | None, reason: str = "", version: str = "") -> dict[str, Json]:
    """A prediction as /predict answers it: one region with the most probable class, its probability as score.

    Without scores, or where they name no class of the config, `result` is empty, `score` 0.0 and `reason` says why.
    """
    if scores is None:
        return _empty(reason or "there is no model yet", version)
    label, confidence = scores.label, scores.confidence
    if not math.isfinite(confidence):
        return _empty("the model gave no number", scores.version)
    named = [label] if isinstance(label, str) else sorted(label) if isinstance(label, frozenset) else []
    gone = [name for name in named if name not in spec.classes]
    if gone:
        return _empty(f"the label config has no {gone[0][:60]!r} any more", scores.version)
    value = _value(spec, label)
    try:
        regions = [_region(spec.xml, spec.from_name, value)] if value != () else []
    except UnsupportedConfig as error:
        return _empty(error.message, scores.version)
    field = spec.control.lower()
    own = [{**region, "id": f"cue-{scores.task}", "value": {field: _json(value)}} for region in regions]
    return {"result": own, "score": min(1.0, max(0.0, float(confidence))), "model_version": scores.version}


def _value(spec: TaskSpec, label: Answer) -> tuple[Label, ...] | int | float:
    """What the region says: choices in the config's order; stars, which are whole; or a number of few digits."""
    if isinstance(label, str):
        return (label,)
    if isinstance(label, frozenset):
        return tuple(name for name in spec.classes if name in label)
    low, high = spec.bounds or (-math.inf, math.inf)
    number = min(max(label, low), high)
    return round(number) if spec.control == "Rating" else float(f"{number:.4g}")


def _json(value: str | tuple[Label, ...] | float) -> Json:
    return list(value) if isinstance(value, tuple) else value


def _empty(reason: str, version: str) -> dict[str, Json]:
    return {"result": [], "score": 0.0, "model_version": version, "reason": reason}


@lru_cache(maxsize=1024)
def _region(xml: str, control: str, value: tuple[Label, ...] | float) -> Mapping[str, Json]:
    """The region for one answer, made and accepted by the SDK; raises UnsupportedConfig."""
    interface = _interface(xml)
    shown = ", ".join(map(repr, value))[:80] if isinstance(value, tuple) else f"{value:g}"
    given = _json(value[0] if isinstance(value, tuple) and len(value) == 1 else value)
    try:
        region = interface.create_regions({control: given})[0]
    except (ValueError, IndexError) as error:
        raise UnsupportedConfig(f"Label Studio's SDK makes no region for {shown}.") from error
    made = {
        "id": region.id,
        "from_name": region.from_tag.name,
        "to_name": region.to_tag.name,
        "type": region.from_tag.tag.lower(),
        "value": region.value.model_dump(),
    }
    wrong = interface.validate_prediction({"result": [made], "score": 1.0}, return_errors=True)
    if wrong:
        raise UnsupportedConfig(f"Label Studio's SDK refuses the label {shown}: {wrong[0][:200]}.")
    return made


@lru_cache(maxsize=16)
def _interface(xml: str) -> Any:
    # Imported here: it costs a second and 60 MB, which only those who predict should pay.
    from label_studio_sdk.label_interface.interface import LabelInterface

    try:
        # lxml takes no declared encoding in text.
        return LabelInterface(_DECLARATION.sub("", xml, count=1))
    except Exception as error:  # The SDK raises bare Exceptions among others.
        raise UnsupportedConfig(f"Label Studio's SDK cannot read the label config: {type(error).__name__}.") from error
