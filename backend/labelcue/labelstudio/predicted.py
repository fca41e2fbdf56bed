"""Another model's prediction → what a surrogate would say: numbers in the columns of its kind of label. Pure.

Predictions are as Label Studio has them, `{"score", "result": [regions]}`, from anybody's model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np

from labelcue.errors import LabelCueError, UnsupportedConfig
from labelcue.labels import CLASS, NUMBER, REGIONS, SET
from labelcue.labelstudio.drawing import accept
from labelcue.labelstudio.judging import Verdict, doubt_of, overruled, verdicts_of
from labelcue.labelstudio.regions import label_of
from labelcue.types import Floats, Json, Label, TaskSpec

SILENT = np.float32(1e-3)
"""Least probability of anything, so that nobody's word is final."""
HEARD = (CLASS, SET, NUMBER, REGIONS)
"""Kinds of label of which another model is heard."""
UNMARKED = 0.5
"""Doubt of an item in which a model marks nothing and does not say how surely: what it has missed leaves no region."""


def numbers_of(spec: TaskSpec, body: Mapping[str, Json]) -> Floats | None:
    """(k,) float32; None where the model said nothing of the learned control, or not how sure it is.

    A region's own `score` counts where it has one, else that of the prediction; what is beyond 0 to 1 is no score.
    Raises TaskUnreadable where it says what no annotator could, as a label that the config does not have.
    """
    result = body.get("result")
    if not isinstance(result, list) or spec.kind not in HEARD:
        return None
    own = [one for one in result if isinstance(one, Mapping) and one.get("from_name") == spec.from_name]
    answer = label_of(spec, own) if own else None
    overall = score_of(body.get("score"))
    if spec.kind == REGIONS:
        return _regions(spec, own, overall, verdicts_of(body, len(own), spec.classes))
    if answer is None:
        return None
    if spec.kind == NUMBER:
        return _number(answer, overall if (score := score_of(own[0].get("score"))) is None else score)
    each = _each(spec, own, overall)
    return _set(spec.classes, each) if spec.kind == SET else _class(spec.classes, each)


def regions_of(spec: TaskSpec, body: Mapping[str, Json]) -> list[Json]:
    """The regions of the learned control, each with an id; none where the model made no prediction.

    A label that crops overrule is theirs, with their probability as score."""
    result, task = body.get("result"), body.get("task")
    own = [one for one in result if one.get("from_name") == spec.from_name] if isinstance(result, list) else []
    named = [{**one, "id": str(one.get("id") or f"cue-{task}-{place}")} for place, one in enumerate(own)]
    overall, verdicts = score_of(body.get("score")), verdicts_of(body, len(own), spec.classes)
    return [_relabelled(spec, one, overall, verdict) for one, verdict in zip(named, verdicts, strict=True)]


def check(spec: TaskSpec, body: Mapping[str, Json]) -> None:
    """Pass where annotators may be shown it: raises UnsupportedConfig where Label Studio's SDK does not take it."""
    regions = regions_of(spec, body)
    try:
        if regions:
            accept(spec.xml, regions, "of another model")
    except LabelCueError:
        raise
    except Exception as error:  # the SDK trips over regions that are no regions, each time in another way
        raise UnsupportedConfig(
            f"Label Studio's SDK cannot read what another model marked: {type(error).__name__}."
        ) from error


def score_of(value: Json) -> float | None:
    """A score from 0 to 1; None for all else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None
    return float(value) if 0 <= value <= 1 else None


def _each(spec: TaskSpec, regions: Sequence[Mapping[str, Json]], overall: float | None) -> list[tuple[Label, float]]:
    """Every label with its region's score; those without any are left out."""
    found = []
    for region in regions:
        own = score_of(region.get("score"))
        score = overall if own is None else own
        answer = label_of(spec, [region])
        names = [answer] if isinstance(answer, str) else sorted(answer) if isinstance(answer, frozenset) else []
        found += [] if score is None else [(str(name), score) for name in names]
    return found


def _class(classes: Sequence[Label], each: Sequence[tuple[Label, float]]) -> Floats | None:
    """The score is the probability of the class, the others share what is left; never below their share."""
    if not each or len(classes) < 2:
        return None
    name, score = each[0]
    likely = min(max(score, 1 / len(classes)), 1 - float(SILENT))
    said = np.full(len(classes), (1 - likely) / (len(classes) - 1), dtype=np.float32)
    said[list(classes).index(name)] = likely
    return said


def _set(classes: Sequence[Label], each: Sequence[tuple[Label, float]]) -> Floats | None:
    """Of a label that is given its score, at least 1/2; of the others one less the lowest score, at most 1/2."""
    if not each:
        return None
    lowest = min(score for _, score in each)
    said = np.full(len(classes), min(0.5, 1 - lowest), dtype=np.float32)
    for name, score in each:
        said[list(classes).index(name)] = max(0.5, score)
    return np.clip(said, SILENT, 1 - SILENT)


def _number(answer: object, score: float | None) -> Floats | None:
    """The number, with one less the score as doubt; how far off it may be nobody says."""
    if not isinstance(answer, float) or score is None:
        return None
    return np.array([answer, 0.0, 1 - score], dtype=np.float32)


def _relabelled(
    spec: TaskSpec, region: Mapping[str, Json], overall: float | None, verdict: Verdict | None
) -> dict[str, Json]:
    """The region with the label by its crop, where that is the surer one."""
    own = score_of(region.get("score"))
    if verdict is None or not overruled(overall if own is None else own, verdict):
        return dict(region)
    value = {**region["value"], spec.control.lower(): [verdict.label]}
    return {**region, "value": value, "score": verdict.likely}


def _regions(
    spec: TaskSpec, own: Sequence[Mapping[str, Json]], overall: float | None, verdicts: Sequence[Verdict | None]
) -> Floats | None:
    """Of each class the chance that one of its regions is real, 1 - Π (1 - s); and last the doubt of the most doubtful
    region (the maximum over an image's detections: Brust, Käding & Denzler, VISAPP 2019).

    A region is there to be taken as it is: its doubt is 1 - s, the chance that it is wrong, however low s is; more
    where its crop speaks for another class."""
    by_region = [(_each(spec, [one], overall), verdict) for one, verdict in zip(own, verdicts, strict=True)]
    each = [(name, score, verdict) for found, verdict in by_region for name, score in found]
    if own and not each:
        return None
    absent = np.ones(len(spec.classes))
    for name, score, _ in each:
        absent[list(spec.classes).index(name)] *= 1 - score
    unsure = max((doubt_of(score, one) for _, score, one in each), default=1 - overall if overall else UNMARKED)
    present = np.clip(1 - absent, float(SILENT), 1 - float(SILENT))
    return np.append(present, unsure).astype(np.float32)
