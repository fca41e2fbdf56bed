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
from labelcue.types import Json, Label, Scores, TaskSpec

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def label_of(spec: TaskSpec, result: Sequence[Json]) -> Label | None:
    """The class that an annotation's `result` gives; None where its control was left empty.

    Raises TaskUnreadable for a label that the config does not have, for two labels, and for a broken region.
    """
    chosen: list[Label] = []
    for region in result:
        if isinstance(region, Mapping) and region.get("from_name") == spec.from_name:
            chosen += [choice for choice in _choices(spec, region) if choice not in chosen]
    if not chosen:
        return None
    if len(chosen) > 1:
        shown = ", ".join(repr(label[:60]) for label in chosen[:5])
        raise TaskUnreadable(f"{spec.from_name!r} has several labels: {shown}.", "It takes one; mend the annotation.")
    if chosen[0] not in spec.classes:
        known = ", ".join(repr(label[:60]) for label in spec.classes[:20])
        raise TaskUnreadable(
            f"{spec.from_name!r} has the unknown label {chosen[0][:60]!r}.",
            f"The label config knows: {known}{', ...' if len(spec.classes) > 20 else ''}.",
        )
    return chosen[0]


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
    if label not in spec.classes:
        return _empty(f"the label config has no {label[:60]!r} any more", scores.version)
    try:
        region = _region(spec.xml, spec.from_name, label)
    except UnsupportedConfig as error:
        return _empty(error.message, scores.version)
    own = {**region, "id": f"cue-{scores.task}", "value": {spec.control.lower(): [label]}}
    return {"result": [own], "score": min(1.0, max(0.0, float(confidence))), "model_version": scores.version}


def _empty(reason: str, version: str) -> dict[str, Json]:
    return {"result": [], "score": 0.0, "model_version": version, "reason": reason}


@lru_cache(maxsize=1024)
def _region(xml: str, control: str, label: Label) -> Mapping[str, Json]:
    """The region for one label, made and accepted by the SDK; raises UnsupportedConfig."""
    interface = _interface(xml)
    try:
        region = interface.create_regions({control: label})[0]
    except (ValueError, IndexError) as error:
        raise UnsupportedConfig(f"Label Studio's SDK makes no region for {label[:60]!r}.") from error
    made = {
        "id": region.id,
        "from_name": region.from_tag.name,
        "to_name": region.to_tag.name,
        "type": region.from_tag.tag.lower(),
        "value": region.value.model_dump(),
    }
    wrong = interface.validate_prediction({"result": [made], "score": 1.0}, return_errors=True)
    if wrong:
        raise UnsupportedConfig(f"Label Studio's SDK refuses the label {label[:60]!r}: {wrong[0][:200]}.")
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
