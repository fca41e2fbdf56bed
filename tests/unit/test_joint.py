"""Labels of several parts: each learned as if alone, doubts combined as asked, and missing parts no label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue import Cue
from labelcue.errors import BadRequest, TaskUnreadable
from labelcue.labels import kind_for, kind_of
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Scores, TaskId

ROWS, DIM = 240, 10
CLASSES = ["a", "b", "c"]
TOPIC = {"name": "topic", "kind": {"name": "class"}, "classes": CLASSES}
STARS = {"name": "stars", "kind": {"name": "number", "bounds": [1, 5]}}
TWO = '<Choice value="a"/><Choice value="b"/>'
CONFIG = (
    '<View><Text name="t" value="$text"/><Text name="u" value="$other"/>'
    f'<Choices name="topic" toName="t">{TWO}</Choices><Rating name="stars" toName="u"/>'
    f'<Choices name="tags" toName="t" choice="multiple">{TWO}</Choices></View>'
)


def pool() -> tuple[np.ndarray, list[dict[str, Any]]]:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((ROWS, DIM)).astype(np.float32)
    said = [{"topic": CLASSES[int(row[:3].argmax())], "stars": float(np.clip(3 + row[4], 1, 5))} for row in vectors]
    return vectors, said


def cue(*parts: dict[str, Any], combine: str = "mean", **more: Any) -> Cue:
    return Cue(pool()[0], surrogate="joint", parts={"parts": parts, "combine": combine}, **more)


def test_each_part_is_learned_as_if_it_were_the_only_one() -> None:
    vectors, said = pool()
    both, topic, stars = (
        cue(TOPIC, STARS),
        Cue(vectors, classes=CLASSES),
        Cue(vectors, surrogate="regression", bounds=(1, 5)),
    )
    both.label({item: said[item] for item in range(50)})
    topic.label({item: said[item]["topic"] for item in range(50)})
    stars.label({item: said[item]["stars"] for item in range(50)})
    found = both.predict_parts(range(ROWS))
    alone = topic.predict_proba(range(ROWS))
    np.testing.assert_allclose([[one[f"topic.{name}"] for name in CLASSES] for one in found], alone, atol=1e-4)
    np.testing.assert_allclose([one["stars.mean"] for one in found], stars.predict(range(ROWS)).mean, atol=1e-3)


def test_a_part_that_an_item_lacks_is_no_label_of_it() -> None:
    _, said = pool()
    some, few = cue(TOPIC, STARS), cue(TOPIC, STARS)
    topics = {item: {"topic": said[item]["topic"]} for item in range(30)}
    some.label(topics | {item: said[item] for item in range(30, 40)})
    few.label({item: said[item] for item in range(30, 40)})
    assert few.predict_parts([100])[0]["stars.mean"] == pytest.approx(
        some.predict_parts([100])[0]["stars.mean"], abs=1e-4
    )
    assert few.predict_parts([100])[0]["topic.a"] != some.predict_parts([100])[0]["topic.a"]


def test_a_part_without_labels_is_in_full_doubt_and_not_predicted() -> None:
    _, said = pool()
    half = cue(TOPIC, STARS)
    half.label({item: {"topic": said[item]["topic"]} for item in range(60)})
    alone = cue(TOPIC)
    alone.label({item: {"topic": said[item]["topic"]} for item in range(60)})
    assert set(half.predict_parts([70])[0]) == {"topic.a", "topic.b", "topic.c"}
    doubt, single = ({one.id: one.uncertainty for one in made.rank(ROWS)} for made in (half, alone))
    for item in range(60, ROWS):
        assert doubt[item] == pytest.approx((single[item] + 1) / 2, abs=1e-3)


@pytest.mark.parametrize("combine", ["mean", "max"])
def test_doubts_combine_by_their_weights(combine: str) -> None:
    _, said = pool()
    weighed = [TOPIC | {"weight": 3.0}, STARS | {"weight": 1.0}]
    both, topic, stars = cue(*weighed, combine=combine), cue(TOPIC), cue(STARS)
    for one, names in ((both, ("topic", "stars")), (topic, ("topic",)), (stars, ("stars",))):
        one.label({item: {name: said[item][name] for name in names} for item in range(60)})
    every, first, second = ({one.id: one.uncertainty for one in made.rank(ROWS)} for made in (both, topic, stars))
    for item in range(60, ROWS):
        mean = (3 * first[item] + second[item]) / 4
        largest = max(first[item], second[item] / 3)
        assert every[item] == pytest.approx(mean if combine == "mean" else largest, abs=1e-3)


@pytest.mark.parametrize(
    "label", [{}, {"topic": "d"}, {"stars": 9}, {"topic": "a", "other": 1}, "a", {1: "a"}, {"topic": ["a"]}, [1, 2]]
)
def test_what_is_no_label_of_these_parts_is_refused(label: Any) -> None:
    with pytest.raises(BadRequest, match="item 0"):
        cue(TOPIC, STARS).label({0: label})


@pytest.mark.parametrize(
    ("parts", "combine", "why"),
    [
        ([], "mean", "nothing"),
        ([TOPIC, TOPIC], "mean", "topic, topic"),
        ([TOPIC], "sum", "'sum'"),
        ([TOPIC | {"weight": 0}], "mean", "weight"),
        ([TOPIC | {"classes": []}], "mean", "no classes"),
        ([{"name": "", "kind": {"name": "class"}}], "mean", "called ''"),
        ([{"name": "p", "kind": {"name": "pair"}}], "mean", "class, a set or a number"),
    ],
)
def test_parts_that_make_no_label_are_refused(parts: list[Any], combine: str, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        cue(*parts, combine=combine)
    assert why in f"{caught.value.message} {caught.value.remedy}"


def test_annotators_agree_part_by_part() -> None:
    kind = kind_of({"name": "joint", "parts": [TOPIC, STARS]})
    answers = [kind.read(one) for one in ({"topic": "a", "stars": 2}, {"topic": "a"}, {"topic": "b", "stars": 4})]
    assert kind.agreed([one for one in answers if one is not None]) == ((("topic", "a"), ("stars", 3.0)), False)
    assert kind.text((("topic", "a"), ("stars", 3.0))) == "topic: a; stars: 3"


def test_annotations_are_read_and_predictions_made_control_by_control() -> None:
    spec = parse_config(CONFIG)
    kind = kind_for(spec)
    answer = kind.read({"topic": "a", "stars": 4, "tags": {"b"}})
    assert answer is not None
    made = prediction(spec, Scores(TaskId(3), (), (), "cue-1", (answer, 0.5)))
    assert LabelInterface(CONFIG).validate_prediction(made, return_errors=True) == []
    assert [(one["id"], one["from_name"], one["to_name"]) for one in made["result"]] == [
        ("cue-3", "topic", "t"),
        ("cue-3-1", "stars", "u"),
        ("cue-3-2", "tags", "t"),
    ]
    assert label_of(spec, made["result"]) == answer
    assert label_of(spec, made["result"][:1]) == (("topic", "a"), ("tags", frozenset()))
    with pytest.raises(TaskUnreadable, match="'stars'"):
        label_of(spec, [made["result"][1] | {"value": {"rating": 9}}])
