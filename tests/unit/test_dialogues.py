"""Dialogues: Label Studio's Paragraphs, read as a text of a line a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue.embedders import Embedder, unit
from labelcue.embedders.dialogues import told
from labelcue.embedders.fitting import embedder_for
from labelcue.embedders.joining import embed_all, texts_of
from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.predicted import check, numbers_of
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Floats, Scores, TaskId, Turns

TWO = '<Choice value="a"/><Choice value="b"/>'
XML = f'<View><Paragraphs name="t" value="$talk"/><Choices name="c" toName="t">{TWO}</Choices></View>'
SPEC = parse_config(XML)
OWN = parse_config(XML.replace('value="$talk"', 'value="$talk" nameKey="speaker" textKey="phrase" layout="dialogue"'))
BESIDE = parse_config(
    f'<View><Text name="u" value="$note"/><Choices name="d" toName="u">{TWO}</Choices>{XML[6:-7]}</View>'
)
PAIR = parse_config(
    '<View><Paragraphs name="t" value="$talk"/><Paragraphs name="u" value="$other" textkey="said"/>'
    '<Pairwise name="c" toName="t,u"/></View>'
)
TALK = [{"author": "Ann", "text": "Good day"}, {"author": "", "text": "no <b>tags</b>"}, {"text": "", "start": 1.5}]
TOLD = "Ann: Good day\nno <b>tags</b>\n"


class Lengths(Embedder):
    """Which texts it was asked for, and a vector each."""

    name = "lengths"

    def __init__(self) -> None:
        self.asked: list[str] = []

    @property
    def dim(self) -> int:
        return 2

    def embed(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return unit([[len(text), 1] for text in texts])


def test_a_dialogue_is_a_line_a_turn() -> None:
    assert told({"talk": TALK, "n": 7}, SPEC) == {"talk": TOLD, "n": 7}
    turns = [{"speaker": "Bob", "phrase": "Yes", "author": "no", "text": "no"}, {"speaker": 3, "phrase": "No"}]
    assert told({"talk": turns}, OWN) == {"talk": "Bob: Yes\nNo"}
    assert told({"talk": [{"author": "Ann", "text": " "}]}, SPEC) == {"talk": ""}
    assert told({"note": "x"}, SPEC) == {"note": "x"}


def test_the_config_says_where_turns_stand() -> None:
    assert (SPEC.object, SPEC.field, SPEC.kind, SPEC.turns) == (
        "Paragraphs",
        "talk",
        "class",
        (Turns("talk", "author", "text"),),
    )
    assert OWN.turns == (Turns("talk", "speaker", "phrase"),)
    assert (BESIDE.kind, BESIDE.others, BESIDE.turns) == ("joint", (("talk", "Paragraphs"),), SPEC.turns)
    assert PAIR.turns == (Turns("talk", "author", "text"), Turns("other", "author", "said"))
    assert parse_config(XML.replace("Paragraphs", "Text")).turns == ()
    assert embedder_for("auto", "Paragraphs") == "minilm"


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        ("Hello", "is no list of turns"),
        (None, "is no list of turns"),
        ({"author": "Ann", "text": "Hello"}, "is no list of turns"),
        (["Hello"], "is no list of turns"),
        ([{"author": "Ann"}], "A turn of the field 'talk' has no text 'text'"),
        ([{"author": "Ann", "text": 7}], "has no text 'text'"),
        ([], "The field 'talk' is empty"),
        ([{"author": "Ann", "text": ""}], "The field 'talk' is empty"),
    ],
)
def test_what_is_no_dialogue_is_named_and_stops_no_other_task(talk: Any, reason: str) -> None:
    tasks = [(TaskId(1), {"talk": talk}), (TaskId(2), {"talk": TALK}), (TaskId(3), {}), (TaskId(4), {"talk": TALK})]
    embedder = Lengths()
    found = embed_all(embedder, tasks, SPEC)
    assert (found.ok, embedder.asked, found.vectors.shape) == ((1, 3), [TOLD], (2, 2))
    assert reason in found.problems[TaskId(1)]
    assert "no field 'talk'" in found.problems[TaskId(3)]
    assert list(texts_of(SPEC, [data for _, data in tasks])) == [TOLD, TOLD]


def test_dialogues_beside_texts_and_against_each_other() -> None:
    embedder = Lengths()
    one, two = {"note": "a note", "talk": TALK}, {"note": "a note", "talk": "no dialogue"}
    found = embed_all(embedder, [(TaskId(2), two), (TaskId(1), one)], BESIDE)
    assert (found.ok, sorted(embedder.asked)) == ((1,), sorted(["a note", TOLD]))
    assert list(texts_of(BESIDE, [one, two])) == ["a note", TOLD]
    sides = {"talk": TALK, "other": [{"author": "Bob", "said": "Yes"}]}
    left = embed_all(Lengths(), [(TaskId(1), sides)], PAIR).vectors
    assert left.shape == (1, 2)
    assert np.isfinite(left).all()


def test_what_annotators_mark_in_a_dialogue_occurs_in_it() -> None:
    xml = XML.replace("Choices", "ParagraphLabels").replace("Choice ", "Label ")
    spec = parse_config(xml)
    place = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 5, "text": "Hello"}  # as the editor stores it
    end = {"from_name": "c", "to_name": "t", "type": "paragraphlabels", "origin": "manual"}
    marks: list[Any] = [{**end, "value": {**place, "paragraphlabels": ["b"]}}]
    assert (spec.kind, spec.classes, spec.turns) == ("regions", ("a", "b"), SPEC.turns)
    assert (label_of(spec, marks), label_of(spec, [])) == ({"b"}, frozenset())
    body = {"task": 7, "score": 0.75, "result": marks}
    check(spec, body)
    assert np.allclose(numbers_of(spec, body), [0.001, 0.75, 0.25])


def test_predictions_are_accepted_and_read_back() -> None:
    made = prediction(SPEC, Scores(TaskId(7), (0.2, 0.8), ("a", "b"), "cue-1"))
    assert LabelInterface(XML).validate_prediction({"result": made["result"], "score": 0.8}, return_errors=True) == []
    assert label_of(SPEC, made["result"]) == "b"


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (XML.replace('value="$talk"', 'value="$talk" valueType="url"'), "stands behind a URL"),
        (XML.replace("$talk", "$a $b"), "is not one field of the task"),
        (
            XML.replace("Choices", "Labels").replace("Choice ", "Label "),
            "it labels Paragraphs, and LabelCue reads Text",
        ),
    ],
)
def test_what_cannot_be_learned_is_named(inside: str, reason: str) -> None:
    with pytest.raises(UnsupportedConfig, match=reason):
        parse_config(inside)


def test_told_names_the_key_that_is_missing() -> None:
    with pytest.raises(TaskUnreadable) as caught:
        told({"talk": [{"author": "Ann", "text": "x"}]}, OWN)
    assert "'phrase'" in caught.value.message
    assert "textKey" in caught.value.remedy
