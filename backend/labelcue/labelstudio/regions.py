"""Annotation → label; scores → prediction, in the regions of Label Studio. Pure.

Labels compare exactly, as text: `R&D` in a label config is written `R&amp;D`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from labelcue.errors import UnsupportedConfig
from labelcue.labelstudio.controls import controls
from labelcue.types import Answer, Json, Scores, TaskSpec


def label_of(spec: TaskSpec, result: Sequence[Json]) -> Answer | None:
    """What an annotation's `result` gives for the learned control; None where that was left empty.

    Raises TaskUnreadable for what is no answer under this label config, as a label that it does not have.
    """
    if spec.parts:
        given = [(part.from_name, label_of(part, result)) for part in spec.parts]
        return tuple((name, answer) for name, answer in given if answer is not None) or None
    own = [region for region in result if isinstance(region, Mapping) and region.get("from_name") == spec.from_name]
    return controls.create(spec.control).read(spec, own)


def prediction(spec: TaskSpec, scores: Scores | None, reason: str = "", version: str = "") -> dict[str, Json]:
    """A prediction as /predict answers it: regions that say what is predicted, and as score how surely.

    Without scores, or where they name what the config does not have, `result` is empty, `score` 0.0 and `reason` says
    why.
    """
    if scores is None:
        return _empty(reason or "there is no model yet", version)
    confidence = scores.confidence
    if not math.isfinite(confidence):
        return _empty("the model gave no number", scores.version)
    try:
        regions = _made(spec, scores.label)
    except UnsupportedConfig as error:
        return _empty(error.message, scores.version)
    own = [{**region, "id": _id(scores.task, place)} for place, region in enumerate(regions)]
    for region, sure in zip(own, scores.each, strict=False):
        region["score"] = sure
    return {"result": own, "score": min(1.0, max(0.0, float(confidence))), "model_version": scores.version}


def _made(spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
    if not spec.parts:
        return controls.create(spec.control).made(spec, answer)
    known = {part.from_name: part for part in spec.parts}
    pairs = answer if isinstance(answer, tuple) else ()
    return [region for name, one in pairs if name in known for region in _made(known[name], one)]


def _id(task: int, place: int) -> str:
    return f"cue-{task}-{place}" if place else f"cue-{task}"


def _empty(reason: str, version: str) -> dict[str, Json]:
    return {"result": [], "score": 0.0, "model_version": version, "reason": reason}
