"""Asking another model: what it says reaches the ledger once, whatever it is and however it fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from labelcue.calling import Caller
from labelcue.consulting import Consultant, require_model
from labelcue.consulting.backend import Backend
from labelcue.consulting.naming import Named, read
from labelcue.consulting.sources import Answers, Source, Word
from labelcue.consulting.studio import Standing
from labelcue.errors import ConfigError, OutsideDown, OutsideError
from labelcue.hearing import Hearing
from labelcue.labelstudio.config import parse_config
from labelcue.service.marked import Marked
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.fold import fold
from labelcue.types import Event, Json, Kind, TaskId, TaskSpec
from other_model import OtherModel

PROJECT = 7
XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    '<Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
SPEC = parse_config(XML)


def says(label: str, score: float | None = 0.75) -> dict[str, Any]:
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    return {"result": [region], "score": score}


class Room:
    """A ledger with some tasks, and whoever asks about them; its clock stands until a test moves it."""

    def __init__(self, ledger: Ledger, source: Source, model: str = "http://model/") -> None:
        self.ledger, self.now, self.source = ledger, 0.0, source
        self.model = model
        self.consultant = self.anew()

    def anew(self) -> Consultant:
        """After a restart."""
        nobody: Any = None
        return Consultant(nobody, self.ledger, PROJECT, self.model, source=self.source, clock=lambda: self.now)

    def work(self) -> None:
        while self.consultant.step():
            pass
        self.consultant.step()
        self.consultant._tell("")

    def predictions(self) -> list[Event]:
        return list(self.ledger.read(PROJECT, kinds=(Kind.PREDICTION,)))

    def heard(self) -> dict[TaskId, Any]:
        state = fold(self.ledger.read(PROJECT))
        said = Hearing(state, self.ledger.event).said(sorted(state.tasks), SPEC)
        return {task: None if one is None else [round(float(x), 3) for x in one] for task, one in said.items()}


def put(ledger: Ledger, task: int, said: Json, mark: int = 0) -> None:
    body = {"task": task, "data": {"text": "x", "said": said}, "updated_at": f"2026-01-01T00:00:{mark:02}.000000Z"}
    ledger.append([Event(PROJECT, Kind.TASK, f"task:{task}:{mark}", body)])


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    body = {"label_config": XML, "updated_at": "2026-01-01T00:00:00.000000Z"}
    made.append([Event(PROJECT, Kind.LABEL_CONFIG, "config", body)])
    return made


@pytest.fixture
def model() -> Iterator[OtherModel]:
    serving = OtherModel()
    serving.serve()
    yield serving
    serving.close()


@pytest.fixture
def room(ledger: Ledger, model: OtherModel) -> Room:
    return Room(ledger, Backend(Caller(model.url, wait=lambda seconds: None, seconds=60), PROJECT))


def test_every_task_is_asked_about_once_in_batches(room: Room, model: OtherModel) -> None:
    for task in range(1, 41):
        put(room.ledger, task, says("ham" if task % 2 else "spam", 0.5 + task / 100))
    room.work()
    assert [len(one) for one in model.tasks()] == [16, 16, 8]
    assert room.heard()[TaskId(3)] == [0.53, 0.47]
    assert room.heard()[TaskId(20)] == [0.3, 0.7]
    assert model.asked[0] == (
        "/setup",
        {"project": "7.0", "schema": XML, "hostname": "", "access_token": ""},
    )
    put(room.ledger, 41, says("ham"))
    room.work()
    assert model.tasks()[3:] == [[41]]
    assert {**room.consultant.status(), "problems": {}} == {
        "model": "http://model/",
        "error": "",
        "heard": 41,
        "waiting": 0,
        "missing": 0,
        "problems": {},
    }


def test_a_restart_asks_about_nothing_that_was_answered(room: Room, model: OtherModel) -> None:
    for task in range(1, 4):
        put(room.ledger, task, says("ham"))
    room.work()
    room.consultant = room.anew()
    room.work()
    assert model.tasks() == [[1, 2, 3]]
    assert len(room.predictions()) == 3


def test_new_data_and_a_new_version_are_asked_about_again_and_only_news_is_kept(room: Room, model: OtherModel) -> None:
    put(room.ledger, 1, says("ham"))
    put(room.ledger, 2, says("ham"))
    room.work()
    put(room.ledger, 2, says("spam"), mark=1)
    assert room.heard() == {1: [0.75, 0.25]}
    room.work()
    assert model.tasks() == [[1, 2], [2]]
    assert room.heard() == {1: [0.75, 0.25], 2: [0.25, 0.75]}
    model.version = "boxer-2"
    room.work()
    assert len(model.tasks()) == 2
    room.now += 61
    room.work()
    assert model.tasks()[2:] == [[1, 2]]
    room.now += 61
    room.work()
    assert len(model.tasks()) == 3
    assert [event.body["version"] for event in room.predictions()] == ["http://model/ boxer-1"] * 3 + [
        "http://model/ boxer-2"
    ] * 2


def test_another_model_than_before_is_asked_about_everything(room: Room, model: OtherModel) -> None:
    put(room.ledger, 1, says("ham"))
    room.work()
    room.model = "http://other/"
    room.consultant = room.anew()
    room.work()
    assert model.tasks() == [[1], [1]]


def test_a_model_may_come_back_to_what_it_said_before(ledger: Ledger) -> None:
    source = Told({1: Word([], 0.5)})
    room = Room(ledger, source, "labelstudio")
    put(ledger, 1, None)
    for score in (0.5, 0.6, 0.5):
        word: Any = says("ham", score)
        source.words = {TaskId(1): Word(word["result"], score)}
        source.changes += 1
        room.now += 61
        room.work()
        assert room.heard()[TaskId(1)] == [score, round(1 - score, 3)]
    source.words = {TaskId(1): Word(None)}
    source.changes += 1
    room.now += 61
    room.work()
    assert room.heard() == {1: None}
    assert room.consultant.status()["missing"] == 1


class Told(Source):
    """Says what a test says."""

    batch = 10
    lasting = False

    def __init__(self, words: Mapping[int, Word], error: Exception | None = None) -> None:
        self.words: Mapping[Any, Word] = words
        self.changes = 0
        self.error = error

    def mark(self, spec: TaskSpec) -> str:
        return str(self.changes)

    def ask(self, tasks: Sequence[tuple[TaskId, Mapping[str, Json]]], spec: TaskSpec) -> Answers:
        if self.error is not None:
            raise self.error
        return Answers({task: self.words[task] for task, _ in tasks if task in self.words})


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "no prediction"),
        ({}, "no prediction"),
        ({"result": "x"}, "no prediction"),
        (says("ham", None), "how sure"),
        (says("ham", math.inf), "how sure"),
        (says("nonsense"), "nonsense"),
        ({"result": [1, 2], "score": 0.5}, "no list of regions"),
        ({"result": [{"from_name": "label", "value": {"choices": ["ham"]}}], "score": 0.5}, "refuses"),
        ({"result": [{"from_name": "label", "value": "x" * 300_000}], "score": 0.5}, "over 200,000"),
    ],
)
def test_what_cannot_be_used_is_named_and_spoils_no_other(ledger: Ledger, said: Any, reason: str) -> None:
    good = Word(says("ham")["result"], 0.75)
    result = said.get("result") if isinstance(said, dict) else None
    bad = Word(result if isinstance(result, list) else None, (said or {}).get("score"))
    room = Room(ledger, Told({1: good, 2: bad, 3: good}))
    for task in (1, 2, 3):
        put(ledger, task, None)
    room.work()
    assert room.heard() == {1: [0.75, 0.25], 3: [0.75, 0.25]}
    status = room.consultant.status()
    assert (status["missing"], list(status["problems"])) == (1, ["2"])
    assert reason in status["problems"]["2"]
    assert len(room.predictions()) == 2


def test_one_bad_task_spoils_no_other(room: Room, model: OtherModel) -> None:
    for task in range(1, 6):
        put(room.ledger, task, "stumble" if task == 3 else says("ham"))
    room.work()
    assert sorted(room.heard()) == [1, 2, 4, 5]
    assert "500" in room.consultant.status()["problems"]["3"]


def test_a_model_that_is_down_is_asked_again_and_nothing_is_lost(room: Room, model: OtherModel) -> None:
    for task in range(1, 6):
        put(room.ledger, task, says("ham"))
    model.fails = [503] * 4
    with pytest.raises(OutsideDown, match="503"):
        room.work()
    assert room.heard() == {}
    room.work()
    assert sorted(room.heard()) == [1, 2, 3, 4, 5]


def test_wrong_numbers_of_results_are_named(room: Room, model: OtherModel) -> None:
    for task in range(1, 4):
        put(room.ledger, task, says("ham"))
    model.short = True
    with pytest.raises(OutsideError, match="2 results for 3 tasks"):
        room.work()
    model.short = False
    room.work()
    assert sorted(room.heard()) == [1, 2, 3]


def test_a_backend_without_setup_and_with_a_key_is_asked_all_the_same(
    ledger: Ledger, model: OtherModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", "ada:secret")
    room = Room(ledger, Backend(Caller(model.url, "env:MODEL_KEY", wait=lambda seconds: None), PROJECT))
    put(ledger, 1, says("ham"))
    model.fails = [404]
    room.work()
    assert list(room.heard()) == [1]
    assert set(model.keys) == {"Basic YWRhOnNlY3JldA=="}


def test_deleted_tasks_are_not_asked_about(room: Room, model: OtherModel) -> None:
    put(room.ledger, 1, says("ham"))
    put(room.ledger, 2, says("ham"))
    room.ledger.append([Event(PROJECT, Kind.TASK_DELETED, "gone", {"task": 1})])
    room.work()
    assert model.tasks() == [[2]]


class StudioWith:
    """A Label Studio whose tasks have predictions."""

    def __init__(self, predictions: Sequence[Mapping[str, Any]]) -> None:
        self.predictions = predictions

    def model_versions(self, _project: int) -> dict[str, int]:
        found = [str(one["model_version"]) for one in self.predictions]
        return {name: found.count(name) for name in found}

    def tasks_of(self, _project: int, tasks: Sequence[int], _include: Sequence[str]) -> list[dict[str, Any]]:
        return [{"id": task, "predictions": list(self.predictions)} for task in tasks]


@pytest.mark.parametrize(
    ("version", "score", "mark"), [("", 0.9, "a: 1, b: 2"), ("a", 0.7, "a: 1"), ("cue-queue-3", 0.1, "cue-queue-3: 1")]
)
def test_of_predictions_in_label_studio_the_newest_that_counts_is_taken(version: str, score: float, mark: str) -> None:
    every = [(5, "b", 0.9), (1, "a", 0.7), (9, "cue-queue-3", 0.1), (4, "b", 0.8)]
    ls: Any = StudioWith([{"id": n, "model_version": name, **says("ham", one)} for n, name, one in every])
    standing = Standing(ls, PROJECT, version)
    assert standing.mark(SPEC) == mark
    words = standing.ask([(TaskId(4), {})], SPEC).words
    assert words == {4: Word(says("ham")["result"], score)}
    nobody: Any = StudioWith([])
    assert Standing(nobody, PROJECT, "").ask([(TaskId(4), {})], SPEC).words == {4: Word(None)}


def test_the_service_finds_the_latest_of_a_task(room: Room) -> None:
    marked = Marked()
    put(room.ledger, 1, says("ham"))
    assert marked.of(room.ledger, PROJECT, TaskId(1)) is None
    room.work()
    event = marked.of(room.ledger, PROJECT, TaskId(1))
    assert event is not None
    assert event.body["score"] == 0.75
    put(room.ledger, 1, says("spam"), mark=1)
    assert marked.of(room.ledger, PROJECT, TaskId(1)) is None


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("labelstudio", Named()),
        ("labelstudio:yolo-8", Named(version="yolo-8")),
        ("http://host:9091", Named("http://host:9091/")),
        ("https://host/ml,key=env:KEY", Named("https://host/ml/", "env:KEY")),
    ],
)
def test_names(name: str, named: Named) -> None:
    assert require_model(name) == name
    assert read(name) == named


@pytest.mark.parametrize(
    "name", ["labelstudio:", "host:9091", "ftp://host", "http://a:sk-1@host", "http://host,key=sk-1"]
)
def test_names_of_nobody(name: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        require_model(name)
    assert wrong.value.remedy
    assert "sk-1" not in str(wrong.value)


def test_nobody_is_asked_where_nobody_is_named(ledger: Ledger) -> None:
    nobody: Any = None
    consultant = Consultant(nobody, ledger, PROJECT, "")
    step: Callable[[], bool] = consultant.step
    assert step() is False
    assert consultant.status()["model"] == ""
