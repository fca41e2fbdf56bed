"""What the plugin asks of the service: candidates, leases, actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from labelcue.service.live import SKEW_S, Live
from labelcue.service.reasons import reason_of, why_of
from labelcue.store.head import Head, write_head
from labelcue.store.layout import Home
from labelcue.store.memory import MemoryLedger
from labelcue.store.snapshot import Standing
from labelcue.types import Event, Kind, TaskId
from servicing import BEARER, NOW, XML, client_of, connect, publish, service_of


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """Project 10, whose round at position 7 queues tasks 1 to 6 in this order."""
    connect(tmp_path)
    publish(tmp_path, range(1, 7))
    client = client_of(tmp_path)
    # The published round knows seven events.
    ledger = service_of(client.application).ledger
    ledger.append([Event(10, Kind.TASK, f"t{n}", {"task": n, "data": {}, "updated_at": ""}) for n in range(1, 8)])
    return client


def following(client: FlaskClient, user: int, **more: Any) -> list[int]:
    answer = client.post("/api/projects/10/next", json={"user": user, **more}, headers=BEARER)
    assert answer.status_code == 200
    assert answer.headers["LabelCue-Protocol"] == "1"
    return [task["id"] for task in answer.json["tasks"]]


def tell(client: FlaskClient, kind: Kind, key: str, **body: Any) -> None:
    service_of(client.application).ledger.append([Event(10, kind, key, body)])


def annotated(client: FlaskClient, annotation: int, task: int, user: int) -> None:
    body = {"annotation": annotation, "task": task, "user": user, "updated_at": "", "cancelled": False, "result": []}
    tell(client, Kind.ANNOTATION, f"a{annotation}", **body)


def test_the_head_of_the_queue_with_words(client: FlaskClient) -> None:
    answer = client.post("/api/projects/10/next", json={"user": 1, "limit": 2}, headers=BEARER).json
    assert (answer["queue_version"], answer["as_of"]) == ("cue-3", NOW - 60)
    assert [task["id"] for task in answer["tasks"]] == [1, 2]
    assert answer["tasks"][0]["priority"] == 1
    assert all("distance 0.25" in task["reason"] for task in answer["tasks"])


def test_nothing_is_leased_by_asking_and_others_do_not_get_what_is_leased(client: FlaskClient) -> None:
    assert following(client, 1) == following(client, 2) == [1, 2, 3, 4, 5, 6]
    answer = client.post("/api/projects/10/leases", json={"task": 1, "user": 1, "seconds": 60}, headers=BEARER)
    assert answer.json == {"expires": NOW + 60}
    assert following(client, 1)[0] == 1
    assert following(client, 2) == [2, 3, 4, 5, 6]
    assert client.delete("/api/projects/10/leases/1?user=1", headers=BEARER).json == {"freed": True}
    assert following(client, 2)[0] == 1


def test_a_lease_that_is_over_holds_nothing(client: FlaskClient) -> None:
    tell(client, Kind.LEASE, "l1", task=1, user=1, expires=NOW - 1)
    assert following(client, 2)[0] == 1


def test_a_lease_from_before_the_clock_was_set_back_does_not_last_as_much_longer(client: FlaskClient) -> None:
    for task, ahead in ((1, 86_400.0), (2, SKEW_S), (3, 0.0)):
        tell(client, Kind.LEASE, f"l{task}", task=task, user=1, expires=NOW + ahead + 3600, seconds=3600)
    assert following(client, 2) == [1, 4, 5, 6]


def test_what_was_solved_skipped_or_deleted_since_the_round_is_left_out(client: FlaskClient) -> None:
    annotated(client, 90, 1, 1)
    tell(client, Kind.TASK_DELETED, "d2", task=2)
    assert following(client, 2) == [3, 4, 5, 6]
    tell(client, Kind.ANNOTATION_DELETED, "ad", annotation=90)
    assert following(client, 2) == [1, 3, 4, 5, 6]


def test_leases_from_before_the_service_started_count(tmp_path: Path) -> None:
    connect(tmp_path)
    publish(tmp_path, range(1, 7))
    client = client_of(tmp_path)
    tell(client, Kind.LEASE, "l1", task=1, user=1, expires=NOW + 60)  # position 1, older than the round
    tell(client, Kind.LEASE, "l2", task=2, user=1, expires=NOW + 60)
    tell(client, Kind.RELEASE, "r2", task=2, user=1)
    assert following(client, 2) == [2, 3, 4, 5, 6]


def test_a_round_that_contains_the_annotation_is_waited_for_but_not_for_long(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    moments = iter(range(1000))
    monkeypatch.setattr("labelcue.service.handout.time.sleep", slept.append)
    monkeypatch.setattr("labelcue.service.handout.time.monotonic", lambda: next(moments) / 10)
    annotated(client, 90, 1, 1)  # position 8; the round knows 7
    assert following(client, 1, after_annotation=90) == [2, 3, 4, 5, 6]
    assert slept
    slept.clear()
    assert following(client, 1, after_annotation=91)  # nobody has told us of it
    assert slept


def test_a_round_that_contains_it_is_not_waited_for(tmp_path: Path) -> None:
    live, ledger = Live(10), MemoryLedger()
    body = {"annotation": 90, "task": 1, "user": 1, "updated_at": "", "cancelled": False, "result": []}
    live.follow(ledger, 0)
    ledger.append([Event(10, Kind.ANNOTATION, "a", body)])
    live.follow(ledger, 0)
    assert not live.knows(90, 0)
    assert not live.is_open(TaskId(1), 2, NOW)
    live.follow(ledger, 1)
    assert live.knows(90, 1)
    assert live.is_open(TaskId(1), 2, NOW)  # the round itself leaves it out


def test_before_the_first_round_there_is_nothing(tmp_path: Path) -> None:
    connect(tmp_path)
    answer = client_of(tmp_path).post("/api/projects/10/next", json={"user": 1}, headers=BEARER)
    assert answer.json == {"queue_version": "cue-0", "as_of": None, "tasks": []}


def test_reranking_is_an_event_and_other_actions_are_refused(client: FlaskClient) -> None:
    answer = client.post("/api/projects/10/actions", json={"action": "rerank"}, headers=BEARER)
    assert (answer.status_code, answer.json) == (202, {"asked": True, "left_out": []})
    assert [event.kind for event in service_of(client.application).ledger.read(10, after=7)] == [Kind.TRAIN]
    assert client.post("/api/projects/10/actions", json={"action": "fly"}, headers=BEARER).status_code == 400


def test_levers_are_events_and_a_held_task_is_left_out_at_once(client: FlaskClient) -> None:
    for action, tasks in (("pin", [5, 4]), ("hold", [1]), ("requeue", [4])):
        body = {"action": action, "tasks": tasks, "user": 7}
        assert client.post("/api/projects/10/actions", json=body, headers=BEARER).status_code == 202
    told = [(event.kind, event.body) for event in service_of(client.application).ledger.read(10, after=7)]
    assert told == [
        (Kind.PIN, {"task": 5, "by": 7}),
        (Kind.PIN, {"task": 4, "by": 7}),
        (Kind.HOLD, {"task": 1, "by": 7}),
        (Kind.REQUEUE, {"task": 4, "by": 7}),
    ]
    assert following(client, 1) == [2, 3, 4, 5, 6]


def told_of(client: FlaskClient, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/projects/10/next", json={"user": 1, **more}, headers=BEARER)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json["tasks"][0]
    return found


def known_config(client: FlaskClient, xml: str, moment: str) -> None:
    tell(client, Kind.LABEL_CONFIG, f"c{moment}", label_config=xml, updated_at=moment)


@pytest.mark.parametrize(("wanted", "shown"), [("off", False), ("confident", False), ("on", True)])
def test_the_models_label_comes_where_the_project_wants_it(
    client: FlaskClient, tmp_path: Path, wanted: str, shown: bool
) -> None:
    connect(tmp_path, pre_annotation=wanted)
    known_config(client, XML.replace("pos", "gone"), "2026-01-02T00:00:00Z")
    assert told_of(client)["prediction"] is None or shown
    known_config(client, XML, "2026-01-03T00:00:00Z")
    known_config(client, "<View/>", "2026-01-01T00:00:00Z")  # heard late
    found = told_of(client)
    if not shown:
        assert found["prediction"] is None
        return
    [region] = found["prediction"]["result"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("label", "text", "choices")
    assert region["value"]["choices"][0] in ("pos", "neg")
    assert found["prediction"]["model_version"] == "cue-3"


def test_who_gives_another_opinion_is_not_shown_what_the_model_learned_of_the_first(
    client: FlaskClient, tmp_path: Path
) -> None:
    connect(tmp_path, pre_annotation="on")
    known_config(client, XML, "2026-01-03T00:00:00Z")
    annotated(client, 90, 1, user=9)
    annotated(client, 91, 99, user=9)  # no round knows it
    assert told_of(client)["prediction"] is not None
    assert ask_again(client, 1, 99) == []
    for found in (told_of(client), told_of(client, task=1)):
        assert (found["id"], found["prediction"], found["begun"]) == (1, None, True)
        assert found["why"] == "Another opinion is wanted."
    assert following(client, 1)[:2] == [1, 99]


def test_a_label_config_that_cannot_be_read_costs_nobody_a_task(client: FlaskClient, tmp_path: Path) -> None:
    connect(tmp_path, pre_annotation="on")
    assert told_of(client)["prediction"] is None  # none is known
    known_config(client, "<View/>", "2026-01-01T00:00:00Z")
    assert told_of(client)["prediction"] is None
    assert following(client, 1) == [1, 2, 3, 4, 5, 6]


def test_why_names_no_label_and_what_an_admin_put_first_says_so(client: FlaskClient) -> None:
    found = told_of(client)
    assert "neg" in found["reason"]
    assert not any(label in found["why"] for label in ("pos", "neg"))
    tell(client, Kind.PIN, "p1", task=1, by=7)
    assert told_of(client)["why"] == "Put first by an admin."
    assert told_of(client)["reason"].startswith("put first by an admin; ")
    listed = client.get("/api/projects/10/queue?limit=1", headers=BEARER).json["tasks"]
    assert listed[0]["reason"] == told_of(client)["reason"]
    tell(client, Kind.REQUEUE, "q1", task=1, by=7)
    assert "admin" not in told_of(client)["why"]


def test_a_task_that_the_user_holds_is_told_of_whoever_else_could_have_it(client: FlaskClient) -> None:
    tell(client, Kind.LEASE, "l4", task=4, user=1, expires=NOW + 60)
    assert [one["id"] for one in (told_of(client, task=4),)] == [4]
    assert following(client, 2, task=4) == [4]
    assert following(client, 1, task=99) == []


@pytest.mark.parametrize("label", [None, "spam"])
@pytest.mark.parametrize("uncertainty", [0.1, 0.9])
@pytest.mark.parametrize("novelty", [0.1, 0.9])
def test_every_reason_is_a_sentence(label: str | None, uncertainty: float, novelty: float) -> None:
    about = {"rank": 0, "priority": 1.0, "entropy": 1.0, "confidence": 0.5, "version": "cue-1"}
    chances = {"spam": 0.6, "ham": 0.4}
    standing = Standing(uncertainty=uncertainty, novelty=novelty, label=label, probabilities=chances, **about)
    for said in (why_of(standing), why_of(standing, Kind.PIN)):
        assert said[0].isupper()
        assert said.endswith(".")
        assert not any(name in said for name in chances)
    assert f"distance {novelty:.2f}" in reason_of(standing)


PLUGIN = {**BEARER, "LabelCue-Protocol": "1"}


def ask_again(client: FlaskClient, *tasks: int, **more: Any) -> list[int]:
    """Tasks that were left out."""
    body = {"action": "second_opinion", "tasks": tasks, "user": 7, **more}
    answer = client.post("/api/projects/10/actions", json=body, headers=PLUGIN)
    assert answer.status_code == 202
    left_out: list[int] = answer.json["left_out"]
    return left_out


def test_a_second_opinion_comes_first_for_all_but_those_who_gave_one(client: FlaskClient) -> None:
    annotated(client, 90, 1, user=1)
    annotated(client, 91, 2, user=1)
    assert ask_again(client, 1, 2, 2) == []
    told = [event.body for event in service_of(client.application).ledger.read(10, kinds=(Kind.SECOND_OPINION,))]
    assert told == [{"task": 1, "opinions": 2, "by": 7}, {"task": 2, "opinions": 2, "by": 7}]
    assert following(client, 1) == [3, 4, 5, 6]
    assert sorted(following(client, 2)[:2]) == [1, 2]
    assert following(client, 2)[2:] == [3, 4, 5, 6]

    first = client.post("/api/projects/10/next", json={"user": 2}, headers=BEARER).json["tasks"][0]
    assert (first["begun"], first["reason"]) == (True, "a second opinion was asked for")
    # One more is wanted: who has the task now keeps it for himself.
    client.post("/api/projects/10/leases", json={"task": 1, "user": 2, "seconds": 60}, headers=BEARER)
    assert following(client, 3) == [2, 3, 4, 5, 6]
    assert 1 in following(client, 2)
    annotated(client, 92, 1, user=2)
    assert following(client, 3) == [2, 3, 4, 5, 6]
    annotated(client, 93, 2, user=2)
    assert following(client, 3) == [3, 4, 5, 6]


def test_the_one_that_the_model_is_least_sure_of_comes_first_and_pins_and_holds_count(client: FlaskClient) -> None:
    snapshot = service_of(client.application).snapshot(10)
    assert snapshot is not None
    for task in range(1, 6):
        annotated(client, 90 + task, task, user=1)
    tell(client, Kind.HOLD, "h5", task=5)
    ask_again(client, 1, 2, 3, 4, 5)
    doubts = {task: snapshot.of(TaskId(task)).uncertainty for task in range(1, 5)}  # type: ignore[union-attr]
    assert following(client, 2)[:4] == sorted(doubts, key=lambda task: -doubts[task])
    tell(client, Kind.PIN, "p3", task=3)
    assert following(client, 2)[0] == 3
    # Half of an answer at most, so that the queue's head is always in it.
    assert following(client, 2, limit=2) == [3, 6]


def test_a_wish_stands_until_an_annotator_more_has_labelled(client: FlaskClient) -> None:
    annotated(client, 90, 1, user=1)
    assert ask_again(client, 1, opinions=3) == []
    annotated(client, 91, 1, user=2)
    assert 1 in following(client, 3)
    annotated(client, 92, 1, user=3)
    assert 1 not in following(client, 4)
    tell(client, Kind.ANNOTATION_DELETED, "gone", annotation=92)
    assert following(client, 4)[0] == 1
    ask_again(client, 1)
    assert following(client, 4)[0] == 1


def test_a_skipped_task_is_sent_to_somebody_else(client: FlaskClient) -> None:
    body = {"annotation": 90, "task": 1, "user": 1, "updated_at": "", "cancelled": True, "result": []}
    tell(client, Kind.ANNOTATION, "skip", **body)
    assert 1 not in following(client, 2)
    assert ask_again(client, 1) == []
    assert following(client, 2)[0] == 1
    assert 1 not in following(client, 1)


def test_what_nobody_has_labelled_or_what_is_deleted_is_left_out_and_the_rest_is_stored(client: FlaskClient) -> None:
    annotated(client, 90, 1, user=1)
    annotated(client, 91, 2, user=1)
    tell(client, Kind.TASK_DELETED, "d2", task=2)
    assert ask_again(client, 1, 2, 3, 999) == [2, 3, 999]
    assert ask_again(client, 2, opinions=2) == [2]
    assert following(client, 2) == [1, 3, 4, 5, 6]


def test_ten_thousand_at_once(client: FlaskClient) -> None:
    for task in range(1, 10_001):
        annotated(client, task, task, user=1)
    assert ask_again(client, *range(1, 10_001)) == []
    assert len(following(client, 2, limit=1000)) == 500


def test_without_the_plugin_a_second_opinion_is_refused_with_the_reason(client: FlaskClient) -> None:
    annotated(client, 90, 1, user=1)
    body = {"action": "second_opinion", "tasks": [1], "user": 7}
    answer = client.post("/api/projects/10/actions", json=body, headers=BEARER)
    assert answer.status_code == 400
    assert "never serves a labelled task again" in answer.json["error"]["message"]
    assert "labelcue-plugin" in answer.json["error"]["remedy"]


def test_where_two_annotations_complete_a_task_a_begun_one_is_finished_first(client: FlaskClient) -> None:
    annotated(client, 90, 3, user=1)
    annotated(client, 91, 4, user=1)
    annotated(client, 92, 4, user=2)
    tell(client, Kind.ANNOTATION, "skip", annotation=93, task=5, user=1, updated_at="", cancelled=True, result=[])
    assert following(client, 3) == [1, 2, 6]
    assert following(client, 3, overlap=2) == [3, 5, 1, 2, 6]
    assert following(client, 3, overlap=3) == [4, 3, 5, 1, 2, 6]
    assert following(client, 1, overlap=2) == [1, 2, 6]
    body = {"user": 3, "overlap": 2}
    first, second, *_ = client.post("/api/projects/10/next", json=body, headers=BEARER).json["tasks"]
    assert (first["reason"], second["reason"]) == ("1 of 2 annotators have labelled it", "somebody has skipped it")


def test_what_came_before_the_service_started_counts(tmp_path: Path) -> None:
    connect(tmp_path)
    publish(tmp_path, range(1, 7))
    client = client_of(tmp_path)
    annotated(client, 90, 1, user=1)
    tell(client, Kind.TASK_DELETED, "d2", task=2)
    tell(client, Kind.TASK, "t2", task=2, data={}, updated_at="", again=True)
    annotated(client, 91, 2, user=1)
    tell(client, Kind.SECOND_OPINION, "s1", task=1, opinions=2, by=7)
    tell(client, Kind.SECOND_OPINION, "s2", task=2, opinions=2, by=7)
    assert service_of(client.application).ledger.position(10) == 6  # older than the round
    list(client.application.extensions["labelcue.warm"][0]())
    assert sorted(following(client, 2)[:2]) == [1, 2]


BAD: list[tuple[str, str, Any]] = [
    ("POST", "next", {}),
    ("POST", "next", {"user": 0}),
    ("POST", "next", {"user": True}),
    ("POST", "next", {"user": 1, "limit": 1001}),
    ("POST", "next", {"user": 1, "task": 0}),
    ("POST", "next", {"user": 1, "after_annotation": "9"}),
    ("POST", "next", {"user": 1, "overlap": 0}),
    ("POST", "next", {"user": 1, "overlap": 1001}),
    ("POST", "leases", {"task": 1}),
    ("POST", "leases", {"task": 2**63, "user": 1}),
    ("POST", "leases", {"task": 1, "user": 1, "seconds": 10**9}),
    ("DELETE", "leases/1", None),
    ("DELETE", "leases/0?user=1", None),
    ("POST", "actions", {}),
    ("POST", "actions", {"action": "pin"}),
    ("POST", "actions", {"action": "pin", "tasks": []}),
    ("POST", "actions", {"action": "hold", "tasks": [1, "2"]}),
    ("POST", "actions", {"action": "hold", "tasks": [[1]]}),
    ("POST", "actions", {"action": "hold", "tasks": [1] * 10_001}),
    ("POST", "actions", {"action": "second_opinion", "tasks": [1]}),
]


@pytest.mark.parametrize(("method", "path", "body"), BAD)
def test_what_cannot_be_meant_is_refused(client: FlaskClient, method: str, path: str, body: Any) -> None:
    answer = client.open(f"/api/projects/10/{path}", method=method, json=body, headers=BEARER)
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "bad_request"
    assert len(list(service_of(client.application).ledger.read(10))) == 7


@pytest.mark.parametrize(("method", "path"), [("POST", "next"), ("POST", "leases"), ("DELETE", "leases/1?user=1")])
def test_a_secret_a_connected_project_and_the_same_protocol_are_needed(
    client: FlaskClient, method: str, path: str
) -> None:
    body = {"user": 1, "task": 1}
    assert client.open(f"/api/projects/10/{path}", method=method, json=body).status_code == 401
    assert client.open(f"/api/projects/11/{path}", method=method, json=body, headers=BEARER).status_code == 404
    newer = {**BEARER, "LabelCue-Protocol": "2"}
    answer = client.open(f"/api/projects/10/{path}", method=method, json=body, headers=newer)
    assert answer.status_code == 400
    assert "labelcue-plugin" in answer.json["error"]["remedy"]


def test_a_copy_is_told_the_difference_alone(client: FlaskClient, tmp_path: Path) -> None:
    def read(**query: Any) -> Any:
        return client.get("/api/projects/10/queue", query_string=query, headers=BEARER).json

    assert (read()["mark"], read()["since"], read()["removed"]) == ("cue-3", None, [])
    assert [place["task"] for place in read(since="cue-2")["tasks"]] == [1, 2, 3, 4, 5, 6]
    assert (read(since="cue-3")["tasks"], read(since="cue-3")["version"]) == ([], "cue-3")
    mark = read(since="", limit=2)["mark"]
    assert read(since="", limit=2, offset=2)["mark"] == mark
    publish(tmp_path, range(2, 7), number=4)
    page = read(since=mark, limit=2)
    assert (page["since"], page["total"], page["removed"]) == (mark, 5, [1])
    assert [place["task"] for place in page["tasks"]] == [2, 3]
    rest = read(since=mark, limit=2, offset=2)
    assert (rest["mark"], rest["removed"], [place["rank"] for place in rest["tasks"]]) == (page["mark"], [], [2, 3])
    answer = client.get("/api/projects/10/queue?head=1001", headers=BEARER)
    assert answer.status_code == 400


def test_what_was_labelled_since_stands_before_the_order_of_its_round(tmp_path: Path, client: FlaskClient) -> None:
    annotated(client, 90, 1, 1)  # position 8; the round knows 7
    snapshot = service_of(client.application).snapshot(10)
    assert snapshot is not None
    head = Head.of(snapshot.round, 8, NOW - 1, [5, 3])
    write_head(Home(tmp_path).head(10), head)
    answer = client.post("/api/projects/10/next", json={"user": 1, "after_annotation": 90}, headers=BEARER).json
    assert [task["id"] for task in answer["tasks"]] == [5, 3, 2, 4, 6]
    assert (answer["queue_version"], answer["as_of"]) == ("cue-3", NOW - 1)
    assert following(client, 1, limit=3) == [5, 3, 2]
    tell(client, Kind.LEASE, "l5", task=5, user=2, expires=NOW + 60)
    assert following(client, 1, limit=2) == [3, 2]
    publish(tmp_path, range(1, 7), number=4)
    assert following(client, 1) == [2, 3, 4, 6]


def test_a_head_that_contains_the_annotation_is_waited_for(
    tmp_path: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = service_of(client.application).snapshot(10)
    assert snapshot is not None
    comes = Head.of(snapshot.round, 8, NOW, [6])
    monkeypatch.setattr("labelcue.service.handout.time.sleep", lambda _: write_head(Home(tmp_path).head(10), comes))
    monkeypatch.setattr("labelcue.service.handout.time.monotonic", lambda: 0.0)
    annotated(client, 90, 1, 1)
    assert following(client, 1, after_annotation=90) == [6, 2, 3, 4, 5]
