"""Labels out of annotations, predictions out of scores."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue.errors import TaskUnreadable
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Scores, TaskId, TaskSpec

NASTY = ["ham", "<script>alert(1)</script>", "R&D", "&amp;", 'say "so"', "ä 😀", " spaced ", "x" * 300]


def spec(labels: list[str] | None = None, extra: str = "", head: str = "") -> TaskSpec:
    inside = "".join(f"<Choice value={quoteattr(label)}/>" for label in labels or ["ham", "spam"])
    return parse_config(
        f'{head}<View><Text name="text" value="$text"/>{extra}'
        f'<Choices name="label" toName="text">{inside}</Choices></View>'
    )


def region(*labels: Any, name: str = "label") -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(labels)}}


@pytest.mark.parametrize(
    ("result", "label"),
    [
        ([region("ham")], "ham"),
        ([region("spam") | {"id": "a", "origin": "manual"}], "spam"),
        ([region("other", name="topic"), region("ham")], "ham"),
        ([region("ham"), region("ham")], "ham"),
        ([], None),
        ([region()], None),
        ([region("ham", name="topic")], None),
        ([{}, {"from_name": None}, {"type": "relation", "from_id": "a"}], None),
    ],
)
def test_the_label_is_what_the_control_says(result: list[Any], label: str | None) -> None:
    assert label_of(spec(), result) == label


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ([region("ham", "spam")], "several labels: 'ham', 'spam'"),
        ([region("ham"), region("spam")], "several labels"),
        ([region("eggs")], "unknown label 'eggs'"),
        ([region("HAM")], "unknown label"),
        ([region("ham ")], "unknown label"),
        ([region("")], "unknown label ''"),
        ([region(["ham"])], "no list of choices"),
        ([region(None)], "no list of choices"),
        ([region() | {"value": None}], "no list of choices"),
        ([region() | {"value": {"choices": "ham"}}], "no list of choices"),
        ([region() | {"value": {"labels": ["ham"]}}], "no list of choices"),
    ],
)
def test_what_cannot_be_a_label_is_named(result: list[Any], why: str) -> None:
    with pytest.raises(TaskUnreadable) as caught:
        label_of(spec(), result)
    assert why in caught.value.message
    assert caught.value.remedy


def test_an_unknown_label_is_named_beside_the_known_ones() -> None:
    with pytest.raises(TaskUnreadable, match=r"'eggs'.*'ham', 'spam'"):
        label_of(spec(), [region("eggs")])


@pytest.mark.parametrize("label", NASTY)
def test_a_prediction_reads_back_as_its_label(label: str) -> None:
    known = spec(NASTY)
    assert known.classes == tuple(NASTY)
    scores = Scores(TaskId(7), tuple(0.65 if name == label else 0.05 for name in NASTY), tuple(NASTY), "cue-3")
    made = prediction(known, scores)
    assert label_of(known, json.loads(json.dumps(made))["result"]) == label
    assert (made["score"], made["model_version"]) == (0.65, "cue-3")


def test_aliases_are_what_is_predicted() -> None:
    known = parse_config(
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t">'
        '<Choice value="Unwanted mail" alias="spam"/><Choice value="Wanted" alias="ham"/></Choices></View>'
    )
    made = prediction(known, Scores(TaskId(1), (0.9, 0.1), ("spam", "ham"), "cue-1"))
    assert made["result"][0]["value"] == {"choices": ["spam"]}
    assert made["result"][0]["type"] == "choices"


def test_region_ids_differ_between_tasks_and_values_are_not_shared() -> None:
    known = spec()
    one, other = (prediction(known, Scores(TaskId(task), (0.9, 0.1), known.classes, "cue-1")) for task in (1, 2))
    assert one["result"][0]["id"] != other["result"][0]["id"]
    one["result"][0]["value"]["choices"].append("x")
    assert label_of(known, other["result"]) == "ham"
    again = prediction(known, Scores(TaskId(1), (0.9, 0.1), known.classes, "cue-1"))
    assert label_of(known, again["result"]) == "ham"


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (None, "no model"),
        (Scores(TaskId(1), (0.2, 0.8), ("ham", "eggs"), "cue-2"), "no 'eggs' any more"),
        (Scores(TaskId(1), (float("nan"), float("nan")), ("ham", "spam"), "cue-2"), "no number"),
    ],
)
def test_an_empty_prediction_says_why(scores: Scores | None, why: str) -> None:
    made = prediction(spec(), scores, version="cue-2")
    assert (made["result"], made["score"], made["model_version"]) == ([], 0.0, "cue-2")
    assert why in made["reason"]


def test_a_given_reason_is_kept() -> None:
    assert prediction(spec(), None, reason="task 5 has no 'text'")["reason"] == "task 5 has no 'text'"


def test_scores_stay_within_what_label_studio_takes() -> None:
    made = prediction(spec(), Scores(TaskId(1), (1.0000001, 0.0), ("ham", "spam"), "cue-1"))
    assert made["score"] == 1.0
    assert type(made["score"]) is float


def test_a_declared_encoding_does_not_stop_predictions() -> None:
    known = spec(head='<?xml version="1.0" encoding="UTF-8"?>\n')
    assert prediction(known, Scores(TaskId(1), (0.9, 0.1), known.classes, "cue-1"))["result"]


def test_a_config_that_the_sdk_cannot_read_gives_empty_predictions_with_the_reason() -> None:
    known = spec(extra="<undeclared:Header/>")
    made = prediction(known, Scores(TaskId(1), (0.9, 0.1), known.classes, "cue-1"))
    assert made["result"] == []
    assert "SDK" in made["reason"]


TEXT = '<View><Text name="text" value="$text"/>{}</View>'
MULTIPLE = TEXT.format(
    '<Choices name="label" toName="text" choice="multiple"><Choice value="rain"/><Choice value="R&amp;D"/></Choices>'
)
RATING = TEXT.format('<Rating name="label" toName="text" maxRating="7"/>')
NUMBER = TEXT.format('<Number name="label" toName="text" min="0" max="10"/>')


def number(value: Any, tag: str = "number") -> dict[str, Any]:
    return {"from_name": "label", "to_name": "text", "type": tag, "value": {tag: value}}


@pytest.mark.parametrize(
    ("xml", "result", "label"),
    [
        (MULTIPLE, [region("rain", "R&D")], frozenset({"rain", "R&D"})),
        (MULTIPLE, [region("rain"), region("R&D")], frozenset({"rain", "R&D"})),
        (MULTIPLE, [], frozenset()),
        (RATING, [number(3, "rating")], 3.0),
        (RATING, [], None),
        (NUMBER, [number(2.5)], 2.5),
        (NUMBER, [number(1, "other") | {"from_name": "other"}], None),
    ],
)
def test_sets_and_numbers_are_what_the_control_says(xml: str, result: list[Any], label: Any) -> None:
    assert label_of(parse_config(xml), result) == label


@pytest.mark.parametrize(
    ("xml", "result", "why"),
    [
        (MULTIPLE, [region("rain", "snow")], "unknown label 'snow'"),
        (MULTIPLE, [number(3)], "no list of choices"),
        (RATING, [number(8, "rating")], "has 8, and it goes from 1 to 7"),
        (RATING, [number("3", "rating")], "no rating"),
        (RATING, [number(True, "rating")], "no rating"),
        (RATING, [region("rain")], "no rating"),
        (NUMBER, [number(float("nan"))], "no number"),
        (NUMBER, [number(1), number(2)], "several numbers"),
    ],
)
def test_what_cannot_be_a_set_or_a_number_is_named(xml: str, result: list[Any], why: str) -> None:
    with pytest.raises(TaskUnreadable, match=why) as caught:
        label_of(parse_config(xml), result)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("xml", "answer", "read"),
    [
        (MULTIPLE, frozenset({"rain", "R&D"}), frozenset({"rain", "R&D"})),
        (MULTIPLE, frozenset({"R&D"}), frozenset({"R&D"})),
        (RATING, 3.6, 4.0),
        (RATING, 9.2, 7.0),
        (NUMBER, 3.14159, 3.142),
        (NUMBER, -1e-3, 0.0),
    ],
)
def test_predictions_of_sets_and_numbers_are_accepted_by_the_sdk_and_read_back(
    xml: str, answer: Any, read: Any
) -> None:
    known = parse_config(xml)
    made = prediction(known, Scores(TaskId(5), (), (), "cue-2", (answer, 0.75)))
    assert made["score"] == 0.75
    assert LabelInterface(xml).validate_prediction(json.loads(json.dumps(made)), return_errors=True) == []
    assert label_of(known, made["result"]) == read


def test_an_empty_set_has_no_region_and_a_score() -> None:
    made = prediction(parse_config(MULTIPLE), Scores(TaskId(5), (), (), "cue-2", (frozenset(), 0.75)))
    assert (made["result"], made["score"]) == ([], 0.75)
    gone = prediction(parse_config(MULTIPLE), Scores(TaskId(5), (), (), "cue-2", (frozenset({"hail"}), 0.75)))
    assert "no 'hail' any more" in gone["reason"]


def test_the_older_tag_of_page_labels_is_read_as_label_studios_editor_stores_it() -> None:
    spec = parse_config(
        '<View><HyperText name="t" value="$html"/><HyperTextLabels name="c" toName="t"><Label value="name"/>'
        '<Label value="B" alias="b"/></HyperTextLabels></View>'
    )
    path = "/p[1]/text()[1]"
    place = {"start": path, "startOffset": 0, "end": path, "endOffset": 3, "globalOffsets": {"start": 0, "end": 3}}
    region: dict[str, Any] = {"from_name": "c", "to_name": "t", "type": "hypertextlabels", "origin": "manual"}
    stored = {**region, "value": {**place, "text": "Ann", "hypertextlabels": ["name"]}}
    assert (spec.kind, spec.classes) == ("spans", ("name", "b"))
    assert label_of(spec, [stored]) == {(0, 3, "name")}
    with pytest.raises(TaskUnreadable, match="'c' has no list of hypertextlabels"):
        label_of(spec, [{**region, "value": {**place, "labels": ["name"]}}])
