"""Boxes that follow something through a video: their classes come from the Labels beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labelstudio.config import describe, parse_config
from labelcue.labelstudio.predicted import check, numbers_of, regions_of
from labelcue.labelstudio.regions import label_of

LABELS = (
    '<Labels name="what" toName="video" allowEmpty="true"><Label value="Man"/><Label value="Woman" alias="w"/></Labels>'
)
VIDEO = '<Video name="video" value="$video" framerate="25.0"/>'
BOX = '<VideoRectangle name="box" toName="video"/>'
XML = f"<View>{LABELS}{VIDEO}{BOX}</View>"
SPEC = parse_config(XML)
FIRST = {"x": 35.02, "y": 26.85, "width": 11.58, "height": 15.44}


def track(*labels: str, **more: Any) -> dict[str, Any]:
    """As Label Studio's editor 1.23 stores a drawn box; without a label the value has no `labels`."""
    frame = {"frame": 1, "enabled": True, "rotation": 0, **FIRST, "time": 0.04}
    value = {
        "framesCount": 1050,
        "duration": 42.008633,
        "sequence": [frame],
        **({"labels": [*labels]} if labels else {}),
    }
    ends = {"id": "m_ZSsi_1OJ", "from_name": "box", "to_name": "video", "type": "videorectangle", "origin": "manual"}
    return {"value": value, **ends, **more}


@pytest.mark.parametrize("order", [LABELS + VIDEO + BOX, VIDEO + BOX + LABELS, BOX + LABELS + VIDEO])
def test_the_labels_beside_it_are_its_classes(order: str) -> None:
    spec = parse_config(f"<View>{order}</View>")
    assert (spec.from_name, spec.to_name, spec.control, spec.kind) == ("box", "video", "VideoRectangle", "regions")
    assert (spec.object, spec.field, spec.classes) == ("Video", "video", ("Man", "w"))
    assert spec.classes == tuple(LabelInterface(XML).get_control("what").labels)
    assert [(one.name, one.supported) for one in describe(f"<View>{order}</View>")] == [("box", True)]


def test_annotations_say_what_occurs_and_a_box_may_have_several_labels_or_none() -> None:
    assert label_of(SPEC, [track("w"), track("w"), track()]) == {"w"}
    assert label_of(SPEC, [track("Man", "w")]) == {"Man", "w"}
    assert label_of(SPEC, [track()]) == label_of(SPEC, []) == frozenset()


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (track("Nobody"), "unknown label 'Nobody'"),
        ({"from_name": "box", "value": {"labels": ["w"]}}, "no sequence of boxes"),
        ({"from_name": "box", "value": {"sequence": [], "labels": "w"}}, "no list of labels"),
        ({"from_name": "box", "value": {"sequence": [], "labels": [7]}}, "no list of labels"),
    ],
)
def test_what_is_no_box_of_this_label_config_is_named(region: dict[str, Any], reason: str) -> None:
    with pytest.raises(TaskUnreadable, match=f"'box' has .*{reason}"):
        label_of(SPEC, [region])


def test_another_models_boxes_are_heard_and_stand_unchanged() -> None:
    body = {"task": 7, "score": None, "result": [track("Man", score=0.75), track("w", score=0.9), track(score=0.1)]}
    said = numbers_of(SPEC, body)
    assert said is not None
    assert np.allclose(said, [0.75, 0.9, 0.25])
    assert regions_of(SPEC, body) == body["result"]
    check(SPEC, body)


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (VIDEO + BOX, "'box' .VideoRectangle.: no Labels on the same Video names what is in its boxes"),
        (LABELS.replace("video", "other") + VIDEO + BOX, "no Labels on the same Video"),
        (LABELS + LABELS.replace("what", "how") + VIDEO + BOX, "2 Labels name what is in its boxes"),
        ('<Labels name="what" toName="video"/>' + VIDEO + BOX, "of 'what' .Labels., .*: it has no Label"),
        (LABELS.replace("<Labels", '<Labels value="$all"') + VIDEO + BOX, "dynamic labels"),
        (
            LABELS.replace('"video"', '"t"') + '<Image name="t" value="$t"/>' + BOX.replace("video", "t"),
            "no Labels on the same Video",
        ),
        (LABELS + VIDEO, "'what' .Labels.: it labels Video, and LabelCue reads Text, HyperText and Audio so far"),
    ],
)
def test_what_cannot_be_learned_is_named(inside: str, reason: str) -> None:
    with pytest.raises(UnsupportedConfig, match=reason):
        parse_config(f"<View>{inside}</View>")


def test_labels_of_a_text_stay_their_own() -> None:
    spec = parse_config(f'<View><Text name="video" value="$text"/>{LABELS}{BOX}</View>')
    assert (spec.from_name, spec.control, spec.kind) == ("what", "Labels", "spans")
