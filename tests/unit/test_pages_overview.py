"""The start page and the overview: what they say of a project, in every state."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from labelcue.service.pages.history import hourly
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from labelcue.types import Event, Kind
from paging import Visitor, fill, visitor_of
from servicing import NOW, connect, publish, service_of

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">{{ 7*7 }}</td></table>'
ALIVE = {
    "at": NOW - 1,
    "tasks": 3,
    "embedding": {"done": 3, "total": 3, "unreadable": 0},
    "reconcile": {"last_ok": NOW},
}


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    connect(tmp_path)
    visitor = visitor_of(tmp_path)
    visitor.log_in()
    return visitor


def test_without_a_project_the_start_page_says_how_to_connect_one(tmp_path: Path) -> None:
    visitor = visitor_of(tmp_path)
    assert "labelcue connect" in visitor.log_in().text


def test_the_start_page_lists_projects_with_their_state(tmp_path: Path, visitor: Visitor) -> None:
    assert "learner not running" in visitor.get("/").text
    write_status(Home(tmp_path).status(10), ALIVE)
    publish(tmp_path, [1, 2, 3])
    text = visitor.get("/").text
    assert "Project 10" in text
    assert "running" in text
    assert "<strong>5</strong> of 3 tasks labelled" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"gone": True}, "deleted in Label Studio"),
        ({"config_error": "No control."}, "needs you"),
        ({"embedding": {"done": 1, "total": 3}}, "reading tasks"),
        ({}, "waiting for the first round"),
    ],
)
def test_each_state_has_a_word(tmp_path: Path, visitor: Visitor, words: dict[str, object], said: str) -> None:
    write_status(Home(tmp_path).status(10), {**ALIVE, **words})
    assert said in visitor.get("/").text


def test_a_project_without_anything_teaches(visitor: Visitor) -> None:
    text = visitor.get("/projects/10").text
    assert "There is no queue yet" in text
    assert "No labels yet" in text
    assert "labelcue serve" in text


def test_the_next_items_come_with_text_reason_and_a_link(tmp_path: Path, visitor: Visitor) -> None:
    publish(tmp_path, [1, 2, 3])
    fill(visitor, {1: "first mail", 2: "second mail", 3: "third mail"}, {1: "pos"})
    text = visitor.get("/projects/10").text
    assert "first mail" not in text  # it was labelled since the round
    assert text.index("second mail") < text.index("third mail")
    assert "http://127.0.0.1:9/projects/10/data?task=2" in text
    assert "the model" in text


def test_what_is_held_back_is_not_next(tmp_path: Path, visitor: Visitor) -> None:
    publish(tmp_path, [1, 2])
    fill(visitor, {1: "first mail", 2: "second mail"}, {})
    service_of(visitor.client.application).ledger.append([Event(10, Kind.HOLD, "hold:1", {"task": 1})])
    text = visitor.get("/projects/10").text
    assert "first mail" not in text
    assert "second mail" in text


def test_texts_of_tasks_are_text_and_never_markup(tmp_path: Path) -> None:
    connect(tmp_path, title=HOSTILE)
    visitor = visitor_of(tmp_path)
    publish(tmp_path, [1], classes=("<b>pos", "</script>neg"))
    fill(visitor, {1: HOSTILE}, {})
    write_status(Home(tmp_path).status(10), {**ALIVE, "error": HOSTILE})
    visitor.log_in(name=HOSTILE[:60])
    for path in ("/", "/projects/10"):
        text = visitor.get(path).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "49" not in re.sub(r'/static/\w+/|(nonce|value)="[\w-]+"|499', "", text)  # tokens have any letters


def test_one_class_and_no_model_are_fine(tmp_path: Path, visitor: Visitor) -> None:
    publish(tmp_path, [1, 2], classes=("pos",), trained=False)
    fill(visitor, {1: "a", 2: "b"}, {})
    text = visitor.get("/projects/10").text
    assert "nothing yet" in text


def test_damaged_files_are_named_and_hide_nothing_else(tmp_path: Path, visitor: Visitor) -> None:
    Home(tmp_path).snapshot(10).write_bytes(b"no snapshot")
    answer = visitor.get("/projects/10")
    assert answer.status_code == 200
    assert "damaged" in answer.text
    assert "Project 10" in visitor.get("/").text


def test_health_says_how_far_the_queue_is_behind(tmp_path: Path, visitor: Visitor) -> None:
    write_status(Home(tmp_path).status(10), ALIVE)
    publish(tmp_path, [1])  # of position 7
    fill(visitor, dict.fromkeys(range(1, 9), "x"), {})
    assert "2 events not in the queue yet" in visitor.get("/projects/10").text


def test_health_says_how_many_boxes_are_learned_and_which_images_give_none(tmp_path: Path, visitor: Visitor) -> None:
    crops = {"learned": 40, "classes": 2, "kept": 90, "judged": 12, "waiting": 3, "missing": 0, "error": ""}
    write_status(Home(tmp_path).status(10), {**ALIVE, "crops": {**crops, "learned": 0}})
    assert "boxes learned" not in visitor.get("/projects/10").text
    write_status(Home(tmp_path).status(10), {**ALIVE, "crops": crops})
    assert "40 boxes learned, the other model&#39;s boxes of 12 tasks judged." in visitor.get("/projects/10").text
    broken = {"missing": 2, "problems": {"7": "The file is empty."}, "error": "The disk is full."}
    write_status(Home(tmp_path).status(10), {**ALIVE, "crops": {**crops, **broken}})
    text = visitor.get("/projects/10").text
    assert "The images of 2 give no crops: The file is empty. The disk is full." in text


def test_labels_an_hour_leave_out_pauses() -> None:
    times = [0.0, 60.0, 120.0, 10_000.0, 10_060.0]
    assert hourly(times, 10_060.0) == (2, pytest.approx(60.0))
    assert hourly([], 5.0) == (0, None)
    assert hourly([1.0], 5.0) == (1, None)


def test_after_the_start_of_the_service_no_page_waits_for_the_ledger(
    tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(visitor, {1: "one", 2: "two", 3: "three"}, {1: "pos"})
    app = visitor.client.application
    for warm in app.extensions["labelcue.warm"]:
        list(warm())
    ledger, whole = service_of(app).ledger, list[int]()
    read = ledger.read

    def seen(project: int, after: int = 0, upto: int | None = None, kinds: Collection[Kind] = ()) -> Iterator[Event]:
        if not after and not kinds:
            whole.append(project)
        return read(project, after, upto, kinds)

    monkeypatch.setattr(ledger, "read", seen)
    assert "<strong>1</strong>" in visitor.get("/projects/10").text
    assert whole == []


def test_dialogues_show_as_lines(tmp_path: Path, visitor: Visitor) -> None:
    publish(tmp_path, [1, 2])
    fill(visitor, {1: "first", 2: "second"}, {})
    xml = (
        '<View><Paragraphs name="t" value="$talk"/><Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/>'
    )
    talk: list[Any] = [{"author": "Ann", "text": "<b>Good</b> day"}]
    said, at = {1: talk, 2: "no dialogue"}, "2027-01-01T00:00:00Z"
    bodies = [{"task": task, "data": {"talk": one}, "updated_at": at} for task, one in said.items()]
    config = {"label_config": f"{xml}</Choices></View>", "updated_at": at}
    news = [Event(10, Kind.TASK, f"task:{body['task']}:later", body) for body in bodies]
    news.append(Event(10, Kind.LABEL_CONFIG, "label_config:2", config))
    service_of(visitor.client.application).ledger.append(news)
    text = visitor.get("/projects/10").text
    assert "Ann: &lt;b&gt;Good&lt;/b&gt; day" in text
    assert "is no list of turns" in text
