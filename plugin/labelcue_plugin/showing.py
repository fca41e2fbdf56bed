"""What an annotator sees of LabelCue beside the task itself: why it is shown, and the model's label for it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIELD = "labelcue_reason"
"""The name by which a label config asks for the reason: value="$labelcue_reason"."""
OURS = "cue-"
"""How the version of every prediction of LabelCue begins."""
PASSING = "cue-queue-"
"""How the version of those begins that are deleted when the next ones are delivered."""
NO_ID = ""
"""Of a prediction that stands in no table. The editor takes this for 'none', and sends no parent with the annotation;
of None it makes the text "null", and of that a number that is none."""
LONGEST = 300
_ASKED = re.compile(rf"\${FIELD}\b")


@dataclass(frozen=True, slots=True)
class Shown:
    """What goes with one task."""

    why: str = ""
    prediction: Mapping[str, Any] | None = None
    """`result`, `score` and `model_version`, as in Label Studio's predictions; None: no label is to be shown."""


def shown_of(said: Mapping[str, Any]) -> Shown:
    """What LabelCue says of a candidate; what cannot be read is left out."""
    why, found = said.get("why"), said.get("prediction")
    return Shown(why[:LONGEST] if isinstance(why, str) else "", _prediction(found) if isinstance(found, dict) else None)


def asks_why(label_config: str | None) -> bool:
    """Whether the label config has a place for the reason."""
    return bool(label_config) and _ASKED.search(str(label_config)) is not None


def without_ours(data_types: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that tasks must have: not the one that is filled in when a task is served."""
    return {name: kind for name, kind in data_types.items() if name != FIELD}


def dressed(answer: Mapping[str, Any], shown: Shown | None, *, why: bool, suggest: bool) -> dict[str, Any]:
    """A task as Label Studio answers it, with what goes with it; `shown` is None where LabelCue does not say.

    Predictions that LabelCue has stored give way. Those that will be deleted lose their id in any case: an annotation
    that names a deleted one as its parent is refused. Others' stay, and are what is shown where the project chose them.
    """
    data, stored = answer.get("data"), list(answer.get("predictions") or ())
    changed: dict[str, Any] = {}
    if why and isinstance(data, dict):
        changed["data"] = {**data, FIELD: shown.why if shown else ""}
    if shown is not None and all(_is_of(OURS, one) for one in stored):
        fresh = shown.prediction if suggest else None
        changed["predictions"] = [{**fresh, "id": NO_ID, "task": answer.get("id")}] if fresh else []
    else:
        changed["predictions"] = [{**one, "id": NO_ID} if _is_of(PASSING, one) else one for one in stored]
    return {**answer, **changed}


def _is_of(versions: str, prediction: Any) -> bool:
    return isinstance(prediction, Mapping) and str(prediction.get("model_version")).startswith(versions)


def _prediction(said: Mapping[str, Any]) -> dict[str, Any] | None:
    result, score, version = said.get("result"), said.get("score"), said.get("model_version")
    if not isinstance(result, list) or not result or not all(isinstance(region, dict) for region in result):
        return None
    if not isinstance(score, (int, float)) or not math.isfinite(score) or not isinstance(version, str):
        return None
    return {"result": result, "score": float(score), "model_version": version[:LONGEST]}
