"""Regions of images as upright rectangles, and what crops say of another model's boxes."""

from __future__ import annotations

from typing import Any

import pytest

from labelcue.labelstudio.boxes import Box, box_of, class_of, has_boxes
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.judging import Verdict, doubt_of, overruled, verdicts_of, with_verdicts
from labelcue.labelstudio.predicted import check, numbers_of, regions_of
from labelcue.types import Event, Kind, TaskSpec


def spec_of(tag: str, shown: str = "Image") -> TaskSpec:
    labels = '<Label value="a"/><Label value="b"/>'
    return parse_config(f'<View><{shown} name="t" value="$t"/><{tag} name="c" toName="t">{labels}</{tag}></View>')


BOXES = spec_of("RectangleLabels")


def region(tag: str, label: str = "a", /, **value: Any) -> dict[str, Any]:
    size = {"original_width": 200, "original_height": 100}
    kind = tag.lower()
    return {"from_name": "c", "to_name": "t", "type": kind, "value": {**value, kind: [label]}, **size}


def rectangle(label: str = "a", score: float | None = None, /, **more: Any) -> dict[str, Any]:
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, **more}
    made = region("RectangleLabels", label, **value)
    return made if score is None else {**made, "score": score}


def around(tag: str, **value: Any) -> list[float] | None:
    found = box_of(spec_of(tag), region(tag, **value))
    return None if found is None else [round(side, 3) for side in found]


def test_a_rectangle_is_itself_and_what_lies_outside_the_image_is_cut_off() -> None:
    assert box_of(BOXES, rectangle()) == pytest.approx(Box(0.1, 0.2, 0.4, 0.6))
    assert box_of(BOXES, rectangle(x=-10, width=200)) == pytest.approx(Box(0, 0.2, 1, 0.6))


def test_a_turned_rectangle_lies_within_its_bounds() -> None:
    """A quarter turn clockwise about its top left corner: 60 x 40 pixels become 40 x 60, to the left of the corner."""
    assert around("RectangleLabels", x=50, y=20, width=30, height=40, rotation=90) == [0.3, 0.2, 0.5, 0.8]


def test_an_ellipse_and_an_outline_lie_within_theirs() -> None:
    assert around("EllipseLabels", x=50, y=50, radiusX=20, radiusY=10, rotation=0) == [0.3, 0.4, 0.7, 0.6]
    assert around("EllipseLabels", x=50, y=50, radiusX=20, radiusY=10, rotation=90) == [0.45, 0.1, 0.55, 0.9]
    assert around("PolygonLabels", points=[[10, 20], [50, 30], [20, 60]]) == [0.1, 0.2, 0.5, 0.6]


@pytest.mark.parametrize(
    "value",
    [
        {"x": 10},
        {"width": 0},
        {"x": "a"},
        {"x": None},
        {"y": float("nan")},
        {"width": float("inf")},
        {"x": 101},
        {"rotation": "round"},
        {"x": [1]},
        {"width": 10**400},
    ],
)
def test_what_is_no_rectangle_has_none(value: dict[str, Any]) -> None:
    given = {"x": 10, "y": 20, "width": 30, "height": 40, **value} if value != {"x": 10} else value
    assert box_of(BOXES, region("RectangleLabels", **given)) is None


def test_points_brushes_turned_images_and_nonsense_have_no_rectangle() -> None:
    assert box_of(spec_of("KeyPointLabels"), region("KeyPointLabels", x=1, y=1, width=1)) is None
    assert box_of(BOXES, {**rectangle(), "image_rotation": 90}) is None
    assert box_of(BOXES, {"value": None}) is None
    assert around("PolygonLabels", points=[]) is None
    assert around("PolygonLabels", points=[[1, 2], [3]]) is None
    tags = ("RectangleLabels", "PolygonLabels", "EllipseLabels", "KeyPointLabels", "BrushLabels")
    assert [has_boxes(spec_of(tag)) for tag in tags] == [True, True, True, False, False]
    assert not has_boxes(spec_of("TimeSeriesLabels", "TimeSeries"))


def test_a_region_of_one_known_label_has_a_class() -> None:
    assert class_of(BOXES, rectangle("b")) == "b"
    assert class_of(BOXES, rectangle("z")) is None
    for labels in ([], ["a", "b"], "a", None, [["a"]], [None]):
        assert class_of(BOXES, {"value": {"rectanglelabels": labels}}) is None
    assert class_of(BOXES, {"value": 3}) is None


def said(*regions: dict[str, Any], crops: Any, score: Any = None) -> list[float] | None:
    found = numbers_of(BOXES, {"score": score, "result": list(regions), "crops": crops})
    return None if found is None else [round(float(one), 3) for one in found]


def test_a_crop_that_makes_the_class_unlikely_adds_to_the_doubt_and_takes_none_away() -> None:
    box = rectangle("a", 0.9)
    assert said(box, crops=[None]) == said(box, crops=[["a", 0.8, 0.8]]) == [0.9, 0.001, 0.1]
    assert said(box, crops=[["b", 0.6, 0.4]]) == [0.9, 0.001, 0.143]
    assert said(box, crops=[["b", 0.9, 0.1]]) == [0.9, 0.001, 0.5]
    assert said(box, crops=[["b", 0.99, 0.01]]) == [0.9, 0.001, 0.917]
    assert doubt_of(0.9, None) == doubt_of(0.9, Verdict("a", 0.5, 0.5)) == pytest.approx(0.1)
    assert (doubt_of(1, Verdict("b", 1, 0)), doubt_of(0, Verdict("a", 1, 1)), doubt_of(1, Verdict("a", 1, 1))) == (
        0.5,
        1,
        0,
    )


@pytest.mark.parametrize("crops", [None, [], [None, None], "x", [["z", 0.9, 0.1]], [["b", 0.9]], [3], [{}]])
def test_verdicts_that_do_not_fit_count_for_nothing(crops: Any) -> None:
    assert said(rectangle("a", 0.9), crops=crops) == [0.9, 0.001, 0.1]
    assert verdicts_of({"crops": crops}, 1, ["a", "b"]) == [None]


def test_its_label_is_shown_only_where_it_is_clearly_the_surer_one() -> None:
    assert not overruled(0.1, None)
    assert not overruled(0.1, Verdict("a", 0.99, 0.99))
    assert not overruled(None, Verdict("b", 0.99, 0.01))
    assert not overruled(0.1, Verdict("b", 0.94, 0.01))
    assert not overruled(0.9, Verdict("b", 0.97, 0.01))
    assert not overruled(1.0, Verdict("b", 1.0, 0.0))
    assert not overruled(0.5, Verdict("b", 0.97, 0.02))
    assert overruled(0.5, Verdict("b", 0.97, 0.005))
    assert overruled(0.9, Verdict("b", 0.99, 0.0005))


def test_what_is_shown_keeps_the_other_models_geometry() -> None:
    body = {"task": 3, "result": [rectangle("a", 0.5), rectangle("a", 0.5, x=50)], "score": 0.5}
    shown = regions_of(BOXES, {**body, "crops": [["b", 0.97, 0.005], ["b", 0.6, 0.3]]})
    assert [one["value"]["rectanglelabels"] for one in shown] == [["b"], ["a"]]
    assert [(one["value"]["x"], one["score"]) for one in shown] == [(10, 0.97), (50, 0.5)]
    assert [one["id"] for one in shown] == ["cue-3-0", "cue-3-1"]
    check(BOXES, {**body, "crops": [["b", 0.97, 0.005], None]})
    assert regions_of(BOXES, body)[0]["value"] == rectangle("a")["value"]


def test_a_prediction_without_verdicts_is_left_as_it_is() -> None:
    event = Event(1, Kind.PREDICTION, "k", {"task": 3, "result": [], "score": 0.5})
    assert with_verdicts(event, None) is event
    crops = Event(1, Kind.CROPS, "c", {"task": 3, "of": "k", "said": []})
    assert with_verdicts(event, crops).body == {**event.body, "crops": []}
