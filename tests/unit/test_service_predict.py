"""/predict: one valid prediction a task, in order, always."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelcue.embedders import Embedder, embedders
from labelcue.service.fresh import BATCH, FreshVectors
from labelcue.settings import Settings
from labelcue.store.layout import Home
from labelcue.store.snapshot_file import read_snapshot
from labelcue.types import Floats, TaskId
from picturing import as_file, gradient
from servicing import BASIC, TOKEN, XML, client_of, connect, publish
from serving_media import serving

KNOWN = (100, 101, 102, 103)
LABELS = ("pos", "neg")


class Letters(Embedder):
    """Counts of four letters; calls `during` at each batch."""

    name = "letters"

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self._during = during

    @property
    def dim(self) -> int:
        return 4

    def embed(self, texts: Sequence[str]) -> Floats:
        self._during()
        counts = np.array([[text.count(letter) + 1 for letter in "abcd"] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Embedder]], None]:
    """Registers what makes the embedder `letters`, for one test."""

    def register(factory: Callable[[], Embedder]) -> None:
        embedders.names()
        monkeypatch.setitem(embedders._factories, "letters", {1: factory})

    register(Letters)
    return register


@pytest.fixture
def client(tmp_path: Path, use: Any) -> FlaskClient:
    connect(tmp_path)
    publish(tmp_path, KNOWN)
    return client_of(tmp_path)


def ask(client: FlaskClient, tasks: Any, **changes: Any) -> list[dict[str, Any]]:
    body = {"tasks": tasks, "project": "10.1795225247", "label_config": XML, "params": None, **changes}
    answer = client.post("/predict", json=body, headers=BASIC)
    assert answer.status_code == 200, answer.get_data()
    told = answer.get_json()
    assert set(told) == {"results", "model_version"}
    assert len(told["results"]) == len(tasks)
    for one in told["results"]:
        valid(one, told["model_version"])
    results: list[dict[str, Any]] = told["results"]
    return results


def valid(one: dict[str, Any], version: str) -> None:
    assert one["model_version"] == version
    assert re.fullmatch(r"cue-\d+", version)
    assert 0 <= one["score"] <= 1
    if not one["result"]:
        assert one["reason"]
        assert one["score"] == 0
        return
    (region,) = one["result"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("label", "text", "choices")
    assert set(region["value"]["choices"]) <= set(LABELS)


def task(number: int, text: str = "abba") -> dict[str, Any]:
    return {"id": number, "data": {"text": text}}


def test_known_tasks_are_answered_from_the_round(tmp_path: Path, client: FlaskClient) -> None:
    snapshot = read_snapshot(Home(tmp_path).snapshot(10))
    for number, one in zip((103, 100), ask(client, [task(103), {"id": 100}]), strict=True):
        scores = snapshot.probabilities[KNOWN.index(number)]
        assert one["result"][0]["value"]["choices"] == [LABELS[int(scores.argmax())]]
        assert one["score"] == pytest.approx(float(scores.max()), abs=1e-6)
        assert one["model_version"] == "cue-3"


def test_unknown_tasks_are_embedded_and_scored_as_the_round_would(tmp_path: Path, client: FlaskClient) -> None:
    snapshot = read_snapshot(Home(tmp_path).snapshot(10))
    first, known, second = ask(client, [task(7, "aaaa"), task(101), task(8, "dddd")])
    for one, text in ((first, "aaaa"), (second, "dddd")):
        logits = (snapshot.weights @ Letters().embed([text])[0] + snapshot.bias) / snapshot.temperature
        expected = np.exp(logits) / np.exp(logits).sum()
        assert one["score"] == pytest.approx(float(expected.max()), abs=1e-5)
        assert one["result"][0]["value"]["choices"] == [LABELS[int(expected.argmax())]]
    assert known["result"]


@pytest.mark.parametrize(
    "odd", [None, "x", 5, [], {}, {"id": None}, {"id": "7"}, {"id": True}, {"id": -1}, {"id": 2**70}]
)
def test_an_odd_item_is_answered_in_its_place(client: FlaskClient, odd: Any) -> None:
    before, middle, after = ask(client, [task(100), odd, task(101)])
    assert before["result"]
    assert after["result"]
    assert middle["result"] == []
    assert "id" in middle["reason"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "no data"),
        ("text", "no data"),
        ({}, "no field 'text'"),
        ({"text": None}, "empty"),
        ({"text": "  "}, "empty"),
        ({"text": {"a": 1}}, "dict"),
    ],
)
def test_an_unreadable_task_says_why(client: FlaskClient, data: Any, reason: str) -> None:
    good, bad = ask(client, [task(7), {"id": 8, "data": data}])
    assert good["result"]
    assert reason in bad["reason"]


def test_what_the_time_does_not_allow_comes_back_empty(tmp_path: Path, use: Any) -> None:
    now = [0.0]

    def slow() -> None:
        now[0] += 1.5

    use(lambda: Letters(slow))
    fresh = FreshVectors(Home(tmp_path), Settings(), lambda: now[0])
    tasks = {number: {"text": f"a{number}"} for number in range(5 * BATCH)}
    found = fresh.embed(10, "letters", tasks, _spec())  # type: ignore[arg-type]
    assert len(found.vectors) == 2 * BATCH
    assert len(found.reasons) == 3 * BATCH
    assert "2 s" in next(iter(found.reasons.values()))


def test_images_of_unknown_tasks_are_fetched_with_the_projects_own_token(tmp_path: Path) -> None:
    with serving() as studio:
        connect(tmp_path, url=studio.url)
        studio.gives("/data/upload/1/a.png", as_file(gradient()))
        spec = dataclasses.replace(_spec(), object="Image", field="image")
        tasks = {TaskId(7): {"image": "/data/upload/1/a.png"}, TaskId(8): {"image": "file:///etc/passwd"}}
        fresh = FreshVectors(Home(tmp_path), Settings(predict_embed_s=60))
        found = fresh.embed(10, "efficientnet-lite0", tasks, spec)
        assert TOKEN in studio.asked[0][1]
    assert found.vectors[TaskId(7)].shape == (1280,)
    assert "no address" in found.reasons[TaskId(8)]


def test_an_embedder_that_fails_spoils_nothing_else(client: FlaskClient, use: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("inner words")

    use(lambda: Letters(fail))
    known, fresh = ask(client, [task(100), task(7)])
    assert known["result"]
    assert "ZeroDivisionError" in fresh["reason"]
    assert "inner words" not in fresh["reason"]


def test_vectors_of_another_length_are_refused(tmp_path: Path, client: FlaskClient) -> None:
    publish(tmp_path, KNOWN, dim=9)
    known, fresh = ask(client, [task(100), task(7)])
    assert known["result"]
    assert "fit" in fresh["reason"]


def test_an_embedder_that_is_gone_is_named(tmp_path: Path, client: FlaskClient) -> None:
    publish(tmp_path, KNOWN, embedder="gone-for-good")
    known, fresh = ask(client, [task(100), task(7)])
    assert known["result"]
    assert "gone-for-good" in fresh["reason"]


def test_without_a_model_every_task_gets_the_reason(tmp_path: Path, use: Any) -> None:
    client = client_of(tmp_path)
    assert "not connected" in ask(client, [task(100)])[0]["reason"]
    connect(tmp_path)
    assert "no model yet" in ask(client, [task(100), None])[0]["reason"]
    publish(tmp_path, KNOWN, trained=False)
    (one,) = ask(client, [task(100)])
    assert "no model yet" in one["reason"]
    assert one["model_version"] == "cue-3"
    Home(tmp_path).snapshot(10).write_bytes(b"torn")
    assert "damaged" in ask(client, [task(100)])[0]["reason"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"project": None}, "project"),
        ({"project": ["10"]}, "project"),
        ({"project": "11.5"}, "not connected"),
        ({"label_config": None}, "label config"),
        ({"label_config": 5}, "label config"),
        ({"label_config": "<View"}, "not XML"),
        ({"label_config": "<View/>"}, "no control"),
        ({"label_config": XML.replace("pos", "x").replace("neg", "y")}, "none of the labels"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why_for_each_task(
    client: FlaskClient, changes: dict[str, Any], reason: str
) -> None:
    for one in ask(client, [task(100), task(7)], **changes):
        assert one["result"] == []
        assert reason in one["reason"]


def test_only_labels_of_the_request_are_answered(tmp_path: Path, client: FlaskClient) -> None:
    publish(tmp_path, KNOWN, classes=("pos", "neg", "odd"))
    shrunk = read_snapshot(Home(tmp_path).snapshot(10)).probabilities[:, :2].astype(float)
    shrunk /= shrunk.sum(axis=1, keepdims=True)
    for place, one in enumerate(ask(client, [task(number) for number in KNOWN])):
        assert one["result"][0]["value"]["choices"] == [LABELS[int(shrunk[place].argmax())]]
        assert one["score"] == pytest.approx(float(shrunk[place].max()), abs=1e-5)


@pytest.mark.parametrize("params", [None, {}, {"context": {"result": [{"id": 1}], "user_id": 1}}, "x", [1], 5])
def test_params_do_not_matter(client: FlaskClient, params: Any) -> None:
    assert ask(client, [task(100)], params=params)[0]["result"]


@pytest.mark.parametrize("body", [{}, {"tasks": None}, {"tasks": 1}, {"tasks": {"id": 1}}, [], None, "x", 3])
def test_a_body_without_tasks_is_refused(client: FlaskClient, body: Any) -> None:
    answer = client.post("/predict", json=body, headers=BASIC)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["code"] == "bad_request"


def test_no_tasks_no_predictions(client: FlaskClient) -> None:
    assert ask(client, []) == []


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
TASKS = VALUES | st.fixed_dictionaries(
    {"id": st.sampled_from(KNOWN) | st.integers(-2, 2**65) | VALUES},
    optional={"data": VALUES | st.fixed_dictionaries({"text": VALUES})},
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(TASKS, max_size=12))
def test_whatever_tasks_come_each_is_answered_in_order(client: FlaskClient, tasks: list[Any]) -> None:
    # The same task gets the same answer wherever it stands, and a known one always gets a label.
    for told, one in zip(tasks, ask(client, tasks), strict=True):
        number = told.get("id") if isinstance(told, dict) else None
        if type(number) is int and number in KNOWN:
            assert one == ask(client, [told])[0]
            assert one["result"]


def _spec() -> Any:
    from labelcue.labelstudio.config import parse_config

    return parse_config(XML)
