"""Every registered control, on its first day: add a label config and answers to EXAMPLES."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue.errors import TaskUnreadable
from labelcue.labels import kinds
from labelcue.labelstudio.config import describe, parse_config
from labelcue.labelstudio.controls import control_of, controls
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Answer, Scores, TaskId

TREE = '<Choice value="x"><Choice value="a"/><Choice value="B" alias="b"/></Choice><Choice value="y"/>'
TWO = '<Choice value="a"/><Choice value="b"/>'


class Example(NamedTuple):
    """A control that is called c, and answers that annotators give."""

    xml: str
    answers: list[Answer]


def on_text(control: str) -> str:
    return f'<View><Text name="t" value="$text"/>{control}</View>'


EXAMPLES: dict[str, list[Example]] = {
    "Choices": [
        Example(on_text(f'<Choices name="c" toName="t">{TWO}</Choices>'), ["a", "b"]),
        Example(
            on_text(f'<Choices name="c" toName="t" choice="multiple">{TWO}</Choices>'),
            [frozenset({"a"}), frozenset({"a", "b"}), frozenset()],
        ),
    ],
    "Labels": [
        Example(
            on_text(
                '<Labels name="c" toName="t"><Label value="name"/><Label value="A &amp; B" alias="a&amp;b"/></Labels>'
            ),
            [frozenset(), frozenset({(0, 3, "name")}), frozenset({(0, 3, "name"), (1, 9, "a&b"), (1, 9, "name")})],
        )
    ],
    "Rating": [Example(on_text('<Rating name="c" toName="t" maxRating="7"/>'), [1.0, 7.0])],
    "Taxonomy": [
        Example(on_text(f'<Taxonomy name="c" toName="t">{TREE}</Taxonomy>'), [frozenset({"x / a", "y"}), frozenset()]),
        Example(on_text(f'<Taxonomy name="c" toName="t" maxUsages="1" leafsOnly="true">{TREE}</Taxonomy>'), ["x / a"]),
    ],
    "Pairwise": [
        Example(
            '<View><Text name="t" value="$a"/><Text name="u" value="$b"/><Pairwise name="c" toName="t,u"/></View>',
            ["left", "right"],
        )
    ],
    "Number": [Example(on_text('<Number name="c" toName="t" min="0" max="10"/>'), [0.0, 2.5])],
}


def marking(tag: str, shown: str = "Image") -> Example:
    """A control that marks parts: predictions of its own mark nothing."""
    inner = f'<{tag} name="c" toName="t"><Label value="a"/><Label value="b" alias="B"/></{tag}>'
    return Example(f'<View><{shown} name="t" value="$x"/>{inner}</View>', [frozenset()])


ON_PAGE = (
    '<View><HyperText name="t" value="$html"/><Labels name="c" toName="t">'
    '<Label value="name"/><Label value="b"/></Labels></View>'
)
EXAMPLES["HyperTextLabels"] = [
    Example(ON_PAGE.replace("Labels", "HyperTextLabels"), [frozenset(), frozenset({(0, 3, "name"), (1, 9, "b")})])
]
EXAMPLES["Labels"] += [
    Example(ON_PAGE, [frozenset(), frozenset({(0, 3, "name"), (1, 9, "b")})]),
    marking("Labels", "Audio"),
]
for _tag in ("RectangleLabels", "PolygonLabels", "KeyPointLabels", "EllipseLabels", "BrushLabels"):
    EXAMPLES[_tag] = [marking(_tag)]
EXAMPLES["TimeSeriesLabels"] = [marking("TimeSeriesLabels", "TimeSeries")]
EXAMPLES["TimelineLabels"] = [marking("TimelineLabels", "Video")]
EXAMPLES["ParagraphLabels"] = [marking("ParagraphLabels", "Paragraphs")]
EXAMPLES["VideoRectangle"] = [
    Example(
        '<View><Labels name="l" toName="t"><Label value="a"/><Label value="b" alias="B"/></Labels>'
        '<Video name="t" value="$x"/><VideoRectangle name="c" toName="t"/></View>',
        [frozenset()],
    )
]
EVERY = [(tag, example) for tag in sorted(EXAMPLES) for example in EXAMPLES[tag]]
BROKEN: list[Any] = [
    None,
    {},
    [],
    "x",
    {"choices": "a"},
    {"rating": "1"},
    {"number": None},
    {"taxonomy": ["a"]},
    {"selected": "up"},
    {"x": ["a"]},
]


def test_every_registered_control_has_an_example() -> None:
    assert set(controls.names()) == set(EXAMPLES)
    assert control_of("NoSuchTag") is None
    assert control_of("Choices:x@y") is None


@pytest.mark.parametrize(("tag", "example"), EVERY)
def test_its_spec_is_one_that_is_learned(tag: str, example: Example) -> None:
    spec = parse_config(example.xml)
    assert (spec.control, spec.from_name) == (tag, "c")
    assert [info.supported for info in describe(example.xml)] == [True]
    kind = kinds.create(spec.kind)
    if spec.bounds is not None:
        kind.limit(spec.bounds)
    for answer in example.answers:
        assert kind.read(answer) == answer


@pytest.mark.parametrize(("tag", "example"), EVERY)
def test_regions_of_predictions_are_accepted_and_read_back(tag: str, example: Example) -> None:
    spec = parse_config(example.xml)
    for answer in example.answers:
        made = prediction(spec, Scores(TaskId(7), (), spec.classes, "cue-1", (answer, 0.75)))
        assert "reason" not in made
        result = json.loads(json.dumps(made["result"]))
        said = {"result": result, "score": made["score"]}
        assert LabelInterface(example.xml).validate_prediction(said, return_errors=True) == []
        assert label_of(spec, result) == answer
        assert len({region["id"] for region in result}) == len(result)


@pytest.mark.parametrize(("tag", "example"), EVERY)
@pytest.mark.parametrize("value", BROKEN, ids=repr)
def test_broken_regions_are_named(tag: str, example: Example, value: Any) -> None:
    spec = parse_config(example.xml)
    with pytest.raises(TaskUnreadable) as caught:
        label_of(spec, [{"from_name": "c", "to_name": spec.to_name, "type": tag.lower(), "value": value}])
    assert "'c'" in caught.value.message
    assert caught.value.remedy
