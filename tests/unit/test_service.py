"""Every route of the service, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from labelcue.errors import ConfigError
from labelcue.service.app import create_app
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from servicing import BASIC, BEARER, HOOK, NOW, XML, client_of, connect, publish, service_of, settings_of

ANNOTATION = {
    "action": "ANNOTATION_CREATED",
    "project": {"id": 10},
    "task": {"id": 5, "data": {"text": "hello"}, "updated_at": "2026-11-21T01:00:00Z"},
    "annotation": {
        "id": 9,
        "task": 5,
        "completed_by": 1,
        "was_cancelled": False,
        "updated_at": "2026-11-21T01:00:01Z",
        "result": [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["pos"]}}],
    },
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Project 10, connected, without a round."""
    connect(tmp_path)
    return tmp_path


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return client_of(home)


def error_of(answer: Any) -> dict[str, str]:
    body: dict[str, dict[str, str]] = answer.get_json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"code", "message", "remedy"}
    assert all(isinstance(said, str) for said in body["error"].values())
    return body["error"]


def test_it_does_not_start_without_secrets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="basic_password and webhook_secret"):
        create_app(settings_of(tmp_path, basic_password="", webhook_secret=""))


def test_nothing_is_opened_before_the_first_request_that_needs_it(tmp_path: Path) -> None:
    client = client_of(tmp_path / "home", store="")
    assert client.get("/health").json == {"status": "UP", "model_class": "LabelCue"}
    assert client.get("/versions", headers=BASIC).json == {"versions": []}
    assert not (tmp_path / "home").exists()


def test_every_answer_has_the_same_headers(client: FlaskClient) -> None:
    for answer in (client.get("/health"), client.get("/nowhere"), client.get("/versions"), client.post("/health")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in answer.headers


def test_setup_names_the_version(home: Path, client: FlaskClient) -> None:
    body = {"project": "10.1795225247", "schema": XML, "hostname": "http://localhost", "access_token": "t"}
    assert client.post("/setup", json=body, headers=BASIC).json == {"model_version": "cue-0"}
    publish(home, [1, 2])
    for project in ("10.1795225247", "10", 10):
        assert client.post("/setup", json={**body, "project": project}, headers=BASIC).json == {
            "model_version": "cue-3"
        }
    # `connect` creates the backend, which calls this, before the project is known.
    assert client.post("/setup", json={**body, "project": "77.1"}, headers=BASIC).json == {"model_version": "cue-0"}


def test_setup_refuses_a_label_config_that_cannot_be_learned(client: FlaskClient) -> None:
    words = '<TextArea name="r" toName="i"/>'
    xml = f'<View><Image name="i" value="$i"/>{words}</View>'
    answer = client.post("/setup", json={"project": "10.1", "schema": xml}, headers=BASIC)
    assert answer.status_code == 422
    said = error_of(answer)
    assert said["code"] == "unsupported_config"
    assert "TextArea" in said["message"]
    assert "Choices" in said["remedy"]


@pytest.mark.parametrize("project", [None, "", "x", "0", -1, True, 1.5, [], {}, "1" * 40, 2**63, "²"])
def test_setup_refuses_what_is_no_project(client: FlaskClient, project: Any) -> None:
    answer = client.post("/setup", json={"project": project, "schema": XML}, headers=BASIC)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "bad_request"


def test_versions_are_those_of_all_projects_the_newest_first(home: Path, client: FlaskClient) -> None:
    for project, number in ((10, 9), (11, 12), (12, 9)):
        connect(home, project)
        publish(home, [1], project=project, number=number)
    publish(home, [1], project=99, number=50)  # not connected
    assert client.get("/versions", headers=BASIC).json == {"versions": ["cue-12", "cue-9"]}


def test_a_webhook_is_on_disk_before_it_is_answered(home: Path, client: FlaskClient) -> None:
    answer = client.post("/webhook", json=ANNOTATION, headers=HOOK)
    assert answer.json == {"stored": 2, "ignored": None, "problems": []}
    keys = [event.key for event in service_of(client.application).ledger.read(10)]
    assert [key.split(":")[0] for key in keys] == ["task", "annotation"]
    assert client.post("/webhook", json=ANNOTATION, headers=HOOK).status_code == 200
    assert len(list(service_of(client.application).ledger.read(10))) == 2


def test_a_webhook_takes_basic_too_and_nothing_less(client: FlaskClient) -> None:
    training = {"action": "START_TRAINING", "project": {"id": 10}}
    assert client.post("/webhook", json=training, headers=BASIC).json["stored"] == 1
    for wrong in ({}, BEARER, {"LabelCue-Secret": "x"}, {"LabelCue-Secret": ""}, {"Authorization": "Basic ==="}):
        answer = client.post("/webhook", json=ANNOTATION, headers=wrong)
        assert answer.status_code == 401
        assert error_of(answer)["code"] == "not_authorised"
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert len(list(service_of(client.application).ledger.read(10))) == 1


def test_events_of_a_project_that_is_not_connected_are_refused(client: FlaskClient) -> None:
    answer = client.post("/webhook", json={**ANNOTATION, "project": {"id": 11}}, headers=HOOK)
    assert answer.status_code == 404
    assert "labelcue connect" in error_of(answer)["remedy"]
    assert service_of(client.application).ledger.projects() == []


def test_a_deleted_project_is_stored(client: FlaskClient) -> None:
    answer = client.post("/webhook", json={"action": "PROJECT_DELETED", "project": {"id": 10}}, headers=HOOK)
    assert answer.json["stored"] == 1


def test_one_bad_item_is_named_and_hurts_no_other(client: FlaskClient) -> None:
    tasks = [{"id": 1, "data": {"text": "a"}}, None, {"id": "x"}, {"id": 2, "data": {"text": "b"}}]
    body = {"action": "TASKS_CREATED", "project": {"id": 10}, "tasks": tasks}
    answer = client.post("/webhook", json=body, headers=HOOK)
    assert answer.json["stored"] == 2
    assert len(answer.json["problems"]) == 2


def project_updated(xml: str, at: str) -> dict[str, Any]:
    return {"action": "PROJECT_UPDATED", "project": {"id": 10, "label_config": xml, "updated_at": at}}


def test_a_label_config_is_stored_when_it_differs_from_the_latest(client: FlaskClient) -> None:
    other = XML.replace("neg", "bad")
    sent = [
        (XML, "2026-11-21T01:00:00Z", 1),
        (XML, "2026-11-21T02:00:00Z", 0),
        (other, "2026-11-21T03:00:00Z", 1),
        (XML, "2026-11-21T01:30:00Z", 1),  # late: the ledger keeps it, and `other` stays the latest
        (other, "2026-11-21T04:00:00Z", 0),
        (XML, "2026-11-21T05:00:00Z", 1),
    ]
    for xml, at, stored in sent:
        answer = client.post("/webhook", json=project_updated(xml, at), headers=HOOK)
        assert answer.json["stored"] == stored, at
        assert (answer.json["ignored"] is None) == bool(stored)


def test_a_label_config_is_compared_with_what_other_processes_wrote(home: Path) -> None:
    first, second = client_of(home, store=""), client_of(home, store="")
    other = XML.replace("neg", "bad")
    assert first.post("/webhook", json=project_updated(XML, "2026-11-21T01:00:00Z"), headers=HOOK).json["stored"] == 1
    assert second.post("/webhook", json=project_updated(XML, "2026-11-21T02:00:00Z"), headers=HOOK).json["stored"] == 0
    assert (
        second.post("/webhook", json=project_updated(other, "2026-11-21T03:00:00Z"), headers=HOOK).json["stored"] == 1
    )
    assert first.post("/webhook", json=project_updated(XML, "2026-11-21T04:00:00Z"), headers=HOOK).json["stored"] == 1
    for client in (first, second):
        service_of(client.application).close()


@pytest.mark.parametrize(
    "body",
    [
        {"action": "ANNOTATION_CREATED"},
        {
            "action": "TASKS_CREATED",
            "project": {"id": 10},
            "tasks": [{"id": 1, "data": {"text": "a"}, "total_annotations": 2}],
        },
    ],
)
def test_what_a_webhook_does_not_tell_wakes_the_learner(home: Path, client: FlaskClient, body: Any) -> None:
    assert client.post("/webhook", json=body, headers=HOOK).status_code == 200
    assert (Home(home).project(10) / "wake").is_file()


def test_project_state(home: Path, client: FlaskClient) -> None:
    before = client.get("/api/projects/10", headers=BASIC).json
    assert before == {
        "id": 10,
        "title": "Project 10",
        "embedder": "minilm",
        "labels": 0,
        "tasks": 0,
        "embedded": 0,
        "round": 0,
        "version": "cue-0",
        "trained": False,
        "strategy": "",
        "as_of": None,
        "last_webhook_at": None,
        "status": {},
        "error": "",
    }
    publish(home, range(1, 21))
    write_status(Home(home).status(10), {"tasks": 25, "reconcile": {"last": 3}, "delivery": {"frontier": 200}})
    client.post("/webhook", json=ANNOTATION, headers=HOOK)
    after = client.get("/api/projects/10", headers=BEARER).json
    assert (after["labels"], after["tasks"], after["embedded"], after["round"]) == (5, 25, 20, 3)
    assert (after["version"], after["trained"], after["strategy"]) == ("cue-3", True, "coreset-margin")
    assert (after["as_of"], after["last_webhook_at"]) == (NOW - 60, NOW)
    assert after["status"]["delivery"] == {"frontier": 200}
    assert client.get("/api/projects", headers=BASIC).json == {"projects": [after]}


def test_a_refused_webhook_does_not_count_as_heard(client: FlaskClient) -> None:
    client.post("/webhook", json=ANNOTATION, headers={"LabelCue-Secret": "wrong"})
    assert client.get("/api/projects/10", headers=BASIC).json["last_webhook_at"] is None


def test_a_damaged_file_is_named_and_hides_nothing_else(home: Path, client: FlaskClient) -> None:
    connect(home, 11)
    Home(home).snapshot(11).write_bytes(b"torn")
    Home(home).status(11).write_text("{")
    state = {one["id"]: one for one in client.get("/api/projects", headers=BASIC).json["projects"]}
    assert state[10]["error"] == ""
    assert "round.safetensors" in state[11]["error"]
    assert "status.json" in state[11]["error"]
    answer = client.get("/api/projects/11/queue", headers=BASIC)
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "corrupt"


def test_the_queue_in_parts(home: Path, client: FlaskClient) -> None:
    empty = client.get("/api/projects/10/queue", headers=BASIC).json
    nothing = {"total": 0, "offset": 0, "tasks": [], "removed": []}
    assert empty == {"version": "cue-0", "as_of": None, "mark": "cue-0", "since": None, **nothing}
    snapshot = publish(home, range(100, 400))
    page = client.get("/api/projects/10/queue?limit=3&offset=5", headers=BASIC).json
    assert [one["task"] for one in page["tasks"]] == [105, 106, 107]
    assert [one["rank"] for one in page["tasks"]] == [5, 6, 7]
    assert (page["total"], page["offset"], page["version"]) == (300, 5, "cue-3")
    first = page["tasks"][0]
    assert first["probabilities"] == pytest.approx(
        dict(zip(snapshot.classes, snapshot.probabilities[5].tolist(), strict=True))
    )
    high, low = sorted(first["probabilities"].values(), reverse=True)
    assert first["uncertainty"]["margin"] == pytest.approx(1 - (high - low))
    assert 0 <= first["uncertainty"]["entropy"] <= 1
    assert first["novelty"] == pytest.approx(0.25)
    assert (first["version"], first["as_of"]) == ("cue-3", NOW - 60)
    assert len(client.get("/api/projects/10/queue", headers=BASIC).json["tasks"]) == 50
    assert client.get("/api/projects/10/queue?offset=300", headers=BASIC).json["tasks"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=", "offset=-1", "limit=1e3", "limit=²"])
def test_the_queue_refuses_odd_numbers(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/projects/10/queue?{query}", headers=BASIC)
    assert answer.status_code == 400
    assert query.partition("=")[0] in error_of(answer)["message"]


def test_one_task(home: Path, client: FlaskClient) -> None:
    assert client.get("/api/projects/10/tasks/7", headers=BASIC).status_code == 404
    publish(home, [7, 8])
    assert client.get("/api/projects/10/tasks/8", headers=BASIC).json["rank"] == 1
    for unknown in ("9", "0", "99999999999999999999999"):
        answer = client.get(f"/api/projects/10/tasks/{unknown}", headers=BASIC)
        assert answer.status_code == 404
        error_of(answer)


def test_reconcile_on_demand_wakes_the_learner(home: Path, client: FlaskClient) -> None:
    answer = client.post("/api/projects/10/reconcile", headers=BASIC)
    assert (answer.status_code, answer.json) == (202, {"asked": True})
    assert (Home(home).project(10) / "wake").is_file()


@pytest.mark.parametrize("path", ["", "/queue", "/tasks/1", "/reconcile"])
def test_unknown_projects_are_not_found(client: FlaskClient, path: str) -> None:
    method = client.post if path == "/reconcile" else client.get
    answer = method(f"/api/projects/11{path}", headers=BASIC)
    assert answer.status_code == 404
    assert "labelcue connect" in error_of(answer)["remedy"]


def test_metrics_count_requests_by_route(home: Path, client: FlaskClient) -> None:
    publish(home, [1, 2])
    client.post("/webhook", json=ANNOTATION, headers=HOOK)
    client.get("/api/projects/10/tasks/1", headers=BASIC)
    client.get("/secret-looking-path-of-a-stranger")
    answer = client.get("/metrics", headers=BEARER)
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    text = answer.get_data(as_text=True)
    assert 'labelcue_requests_total{method="POST",route="/webhook",status="200"} 1' in text
    assert 'route="/api/projects/<int:project>/tasks/<int:task>",status="200"} 1' in text
    assert "labelcue_webhook_events_total 2" in text
    assert 'labelcue_project_labels{project="10"} 5' in text
    assert "stranger" not in text


@pytest.mark.parametrize("path", ["/versions", "/api/projects", "/api/projects/10", "/metrics"])
def test_reading_needs_a_secret(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert error_of(answer)["code"] == "not_authorised"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/health/", 404, "not_found"),
        ("GET", "/api//projects", 404, "not_found"),
        ("GET", "/api/projects/-1", 404, "not_found"),
        ("GET", "/api/projects/x", 404, "not_found"),
        ("GET", "/predict", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("OPTIONS", "/health", 405, "method_not_allowed"),
        ("BREW", "/health", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_said_in_the_envelope(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method, headers=BASIC)
    assert answer.status_code == status
    assert error_of(answer)["code"] == code
    assert ("Allow" in answer.headers) == (status == 405)


def test_what_nobody_foresaw_tells_the_client_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("inner secret")

    monkeypatch.setattr(service_of(client.application), "snapshot", fail)
    answer = client.get("/api/projects/10/queue", headers=BASIC)
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal"
    assert "inner secret" not in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_store_that_is_something_else_is_the_operators_fault(home: Path) -> None:
    (home / "ledger.sqlite3").write_bytes(b"no database at all, but a text of some length" * 50)
    client = client_of(home, store="")
    answer = client.post("/webhook", json=ANNOTATION, headers=HOOK)
    assert answer.status_code >= 500
    assert error_of(answer)["code"] in ("corrupt", "config")


def test_json_is_strict(home: Path, client: FlaskClient) -> None:
    write = json.dumps({"tasks": float("nan")})
    Home(home).status(10).write_text(write)
    answer = client.get("/api/projects/10", headers=BASIC)
    assert answer.status_code == 500
    assert "NaN" not in answer.get_data(as_text=True)
