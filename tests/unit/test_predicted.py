"""Other models' predictions as numbers, and what is marked as labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.predicted import UNMARKED, numbers_of
from labelcue.labelstudio.regions import label_of
from labelcue.types import TaskSpec

CHOICES = '<View><Text name="t" value="$t"/><Choices name="c" toName="t"{}>{}</Choices></View>'
THREE = "".join(f'<Choice value="{name}"/>' for name in "abc")
CLASS = parse_config(CHOICES.format("", THREE))
SET = parse_config(CHOICES.format(' choice="multiple"', THREE))
RATING = parse_config('<View><Text name="t" value="$t"/><Rating name="c" toName="t"/></View>')
BOXES = parse_config(
    '<View><Image name="t" value="$t"/><RectangleLabels name="c" toName="t"><Label value="a"/>'
    '<Label value="b"/></RectangleLabels></View>'
)


def chosen(*names: str, **more: Any) -> dict[str, Any]:
    return {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": list(names)}, **more}


def box(name: str, score: float | None = None, **more: Any) -> dict[str, Any]:
    value = {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": [name]}
    scored = {} if score is None else {"score": score}
    return {"from_name": "c", "to_name": "t", "type": "rectanglelabels", "value": value, **scored, **more}


def said(spec: TaskSpec, *regions: object, score: Any = None) -> list[float] | None:
    found = numbers_of(spec, {"score": score, "result": list(regions)})
    return None if found is None else [round(float(one), 3) for one in found]


def test_a_class_has_its_score_and_the_others_share_the_rest() -> None:
    assert said(CLASS, chosen("b"), score=0.8) == [0.1, 0.8, 0.1]
    assert said(CLASS, chosen("b", score=0.6), score=0.9) == [0.2, 0.6, 0.2]
    assert said(CLASS, chosen("b"), score=0.0) == [0.333, 0.333, 0.333]
    assert said(CLASS, chosen("b"), score=1) == pytest.approx([0, 0.999, 0], abs=2e-3)


def test_labels_of_a_set_stand_by_themselves() -> None:
    assert said(SET, chosen("a", "c"), score=0.9) == [0.9, 0.1, 0.9]
    assert said(SET, chosen("a", score=0.9), chosen("c", score=0.7)) == [0.9, 0.3, 0.7]
    assert said(SET, chosen("a"), score=0.2) == [0.5, 0.5, 0.5]


def test_a_number_has_one_less_its_score_as_doubt() -> None:
    region = {"from_name": "c", "to_name": "t", "type": "rating", "value": {"rating": 4}}
    assert said(RATING, region, score=0.75) == [4, 0, 0.25]
    assert said(RATING, {**region, "score": 0.5}, score=0.75) == [4, 0, 0.5]


def test_regions_say_what_occurs_and_the_most_doubtful_one_how_unsure_it_is() -> None:
    assert said(BOXES, box("a", 0.9), box("a", 0.5), box("b", 0.8)) == [0.95, 0.8, 0.5]
    assert said(BOXES, box("a", 0.95)) == [0.95, 0.001, 0.05]
    assert said(BOXES, box("a"), box("b"), score=0.75) == [0.75, 0.75, 0.25]


def test_where_nothing_is_marked_the_score_tells_how_surely() -> None:
    assert said(BOXES, score=0.75) == [0.001, 0.001, 0.25]
    assert said(BOXES) == said(BOXES, score=0) == [0.001, 0.001, UNMARKED]


@pytest.mark.parametrize("spec", [CLASS, SET, BOXES])
def test_without_a_score_nothing_is_said(spec: TaskSpec) -> None:
    region = box("a") if spec is BOXES else chosen("a")
    for score in (None, "0.5", True, float("nan"), -1, 7, []):
        assert said(spec, region, score=score) is None
        assert said(spec, {**region, "score": score}) is None


def test_other_controls_and_no_prediction_at_all_say_nothing() -> None:
    assert said(CLASS, {**chosen("a"), "from_name": "other"}, score=0.9) is None
    assert said(CLASS, score=0.9) is None
    assert numbers_of(BOXES, {"score": 0.5, "result": None}) is None
    assert numbers_of(BOXES, {}) is None


@pytest.mark.parametrize(
    ("spec", "region"),
    [
        (CLASS, chosen("z", score=0.5)),
        (CLASS, chosen("a", "b", score=0.5)),
        (BOXES, box("z", 0.5)),
        (BOXES, {"from_name": "c", "value": {}}),
        (RATING, {"from_name": "c", "value": {"rating": 99}}),
    ],
)
def test_what_no_annotator_could_say_is_named(spec: TaskSpec, region: dict[str, Any]) -> None:
    with pytest.raises(TaskUnreadable, match="'c'"):
        said(spec, region)


def test_annotations_say_what_occurs() -> None:
    assert label_of(BOXES, [box("a"), box("b"), box("a")]) == {"a", "b"}
    assert label_of(BOXES, []) == frozenset()
    assert (BOXES.kind, BOXES.classes, BOXES.object) == ("regions", ("a", "b"), "Image")


@pytest.mark.parametrize(
    ("tag", "shown", "inner", "reason"),
    [
        ("RectangleLabels", "Text", '<Label value="a"/>', "it labels Text, and LabelCue reads Image so far"),
        ("TimeSeriesLabels", "Image", '<Label value="a"/>', "LabelCue reads TimeSeries so far"),
        ("TimelineLabels", "Audio", '<Label value="a"/>', "LabelCue reads Video so far"),
        ("PolygonLabels", "Image", "", "it has no Label"),
        ("KeyPointLabels", "Image", "<Label/>", "neither value nor alias"),
        ("Rectangle", "Image", "", "not learned yet; the same with labels"),
    ],
)
def test_what_cannot_be_learned_is_named(tag: str, shown: str, inner: str, reason: str) -> None:
    with pytest.raises(UnsupportedConfig, match=reason):
        parse_config(f'<View><{shown} name="t" value="$x"/><{tag} name="c" toName="t">{inner}</{tag}></View>')


def test_choices_stand_on_sound_video_and_series_too() -> None:
    for shown in ("Audio", "Video", "TimeSeries"):
        spec = parse_config(CHOICES.format("", THREE).replace("<Text", f"<{shown}"))
        assert (spec.object, spec.kind) == (shown, "class")


def test_numbers_are_float32() -> None:
    found = numbers_of(BOXES, {"result": [box("a", 0.5)]})
    assert found is not None
    assert found.dtype == np.float32
