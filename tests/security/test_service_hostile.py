"""No input gives 5xx, no secret leaves: the app under hostile bodies, headers and paths."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelcue import logs
from servicing import BASIC, BEARER, HOOK, PASSWORD, SECRET, TOKEN, XML, client_of, connect, publish, settings_of

CANARY = "canary-in-a-body"
POSTS = ("/setup", "/predict", "/webhook")
ALL = {**BASIC, **HOOK}
DEEP = b"[" * 200_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "space": b"  \n ",
    "no JSON": b"action=TASKS_CREATED",
    "half": b'{"action": "TASKS_CREATED", "tasks": [{"id": 1, ',
    "two": b"{}{}",
    "null": b"null",
    "number": b"5",
    "text": b'"x"',
    "list": b"[]",
    "empty": b"{}",
    "deep lists": DEEP,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "NaN": b'{"action": "TASKS_CREATED", "tasks": NaN}',
    "infinity": b'{"tasks": [{"id": 1e999}], "project": 1e999}',
    "huge number": b'{"tasks": [{"id": ' + b"9" * 10_000 + b"}]}",
    "big number": b'{"tasks": [{"id": 99999999999999999999999}], "project": 99999999999999999999999}',
    "not UTF-8": b'{"action": "\xff\xfe"}',
    "UTF-16": '{"action": "x"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b"\x00" * 100,
    "lone surrogate": b'{"action": "\\ud800", "project": "\\udfff", "tasks": ["\\ud800"]}',
    "same key twice": b'{"tasks": [], "tasks": 5, "project": 1, "project": null}',
    "null fields": b'{"action": null, "project": null, "tasks": null, "schema": null, "label_config": null}',
    "odd fields": b'{"action": [], "project": {"id": {}}, "tasks": {}, "schema": 5, "label_config": []}',
    "unknown action": b'{"action": "DROP_TABLES", "project": {"id": 10}}',
    "unknown project": b'{"action": "TASKS_DELETED", "project": {"id": 424242}, "tasks": [{"id": 1}]}',
    "odd items": b'{"action": "TASKS_CREATED", "project": {"id": 10}, "tasks": [null, 1, "x", [], {}, {"id": null}]}',
    "odd annotation": b'{"action": "ANNOTATION_CREATED", "project": {"id": 10}, "annotation": {"id": {}, "task": []}}',
    "many items": json.dumps({"action": "TASKS_DELETED", "project": {"id": 10}, "tasks": [{}] * 20_000}).encode(),
    "many tasks": json.dumps({"project": "10.1", "tasks": [None] * 20_000, "label_config": XML}).encode(),
    "XML bomb": json.dumps(
        {
            "project": "10.1",
            "schema": '<!DOCTYPE x [<!ENTITY a "aaaa">]><View>&a;</View>',
            "label_config": '<!DOCTYPE x [<!ENTITY a "aaaa">]><View>&a;</View>',
            "tasks": [{"id": 100}],
        }
    ).encode(),
}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    connect(tmp_path)
    publish(tmp_path, [100, 101])
    return client_of(tmp_path, max_body_mb=2)


def check(answer: Any) -> None:
    """Below 500, and an error stands in the envelope."""
    assert answer.status_code < 500, answer.get_data()
    body = json.loads(answer.get_data(as_text=True), parse_constant=pytest.fail)
    if answer.status_code >= 400:
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message", "remedy"}
        assert body["error"]["message"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_gets_a_clear_answer(client: FlaskClient, path: str, name: str) -> None:
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        check(client.post(path, data=BODIES[name], headers=ALL, content_type=kind))
    # And nobody after it is hurt.
    assert client.post("/setup", json={"project": "10.1", "schema": XML}, headers=ALL).json == {
        "model_version": "cue-3"
    }


@pytest.mark.parametrize("path", POSTS)
def test_bodies_over_the_limit_are_refused(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=b" " * 2_000_001, headers=ALL)
    assert answer.status_code == 413
    assert answer.json["error"]["code"] == "too_large"
    check(client.post(path, data=b" " * 2_000_000, headers=ALL))


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "99"},
        {"Content-Length": "1"},
        {"Content-Length": "999999999999999999"},
        {"Content-Length": "-5"},
        {"Content-Length": "x"},
        {"Content-Encoding": "gzip"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "\xff\xfe"},
        {"Accept": "text/html"},
        {"Host": "a b c"},
        {"Host": "[::"},
        {"X-Forwarded-For": "1.2.3.4"},
    ],
    ids=str,
)
def test_headers_that_lie_hurt_nobody(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    check(client.post(path, data=b'{"project": "10.1", "tasks": []}', headers={**ALL, **headers}))


def test_compressed_bodies_are_refused(client: FlaskClient) -> None:
    answer = client.post("/setup", data=b"\x1f\x8b", headers={**ALL, "Content-Encoding": "gzip"})
    assert answer.status_code == 415
    check(answer)


@pytest.mark.parametrize("path", [*POSTS, "/versions", "/api/projects", "/api/projects/10/queue", "/metrics"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic \xff\xfe"},
        {"Authorization": "Basic w6Q6w6Q="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer \xe4\xf6\xfc"},
        {"Authorization": "Negotiate YII="},
        {"LabelCue-Secret": ""},
        {"LabelCue-Secret": "\xe4"},
        {"LabelCue-Secret": "x" * 10_000},
    ],
    ids=str,
)
def test_wrong_secrets_are_refused_before_the_body_is_read(
    client: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    answer = client.open(path, method="POST" if path in POSTS else "GET", data=DEEP, headers=headers)
    assert answer.status_code == 401
    check(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/api/projects/../../etc/passwd",
        "/api/projects/10%00/queue",
        "/api/projects/%2e%2e/queue",
        "/api/projects/10/tasks/%F0%9F%92%A9",
        "/%ff%fe",
        "/api/projects/" + "9" * 5000,
        "/api/projects/10/tasks/" + "9" * 5000,
        "/api/projects/10/queue?limit=%00&limit=5",
        "/api/projects/10/queue?offset=" + "9" * 5000,
        "/openapi.json?%ff=%fe",
    ],
)
def test_hostile_paths(client: FlaskClient, path: str) -> None:
    check(client.get(path, headers=ALL))


FIXED = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
ACTIONS = st.sampled_from(
    ["ANNOTATION_CREATED", "ANNOTATIONS_DELETED", "TASKS_CREATED", "TASKS_DELETED", "PROJECT_UPDATED", "START_TRAINING"]
)
NAMES = st.sampled_from(["project", "tasks", "task", "annotation", "annotations", "label_config", "schema", "params"])
OBJECTS = st.builds(
    lambda action, project, rest: {**rest, "action": action, "project": project},
    ACTIONS | JSON,
    st.just({"id": 10}) | st.just("10.1") | JSON,
    st.dictionaries(NAMES, JSON, max_size=5),
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(POSTS), OBJECTS | JSON)
def test_no_json_gives_a_server_error(client: FlaskClient, path: str, body: Any) -> None:
    check(client.post(path, data=json.dumps(body), headers=ALL))


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(POSTS), st.binary(max_size=200))
def test_no_bytes_give_a_server_error(client: FlaskClient, path: str, body: bytes) -> None:
    check(client.post(path, data=body, headers=ALL))


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    target = io.StringIO()
    # Settings without secrets: nothing may leak, even where the veil does not know what to look for.
    logs.configure(
        settings_of(Path("home"), basic_password="", webhook_secret="", log_level="debug", log_format="json"), target
    )
    yield target
    root.handlers, root.level = before, level
    structlog.reset_defaults()


def test_no_secret_and_no_body_is_ever_logged_or_answered(
    tmp_path: Path, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(tmp_path)
    publish(tmp_path, [100])
    client = client_of(tmp_path)
    project = {"id": 10, "token": CANARY, "task_data_password": CANARY, "title": CANARY}
    task = {"id": 5, "data": {"text": CANARY, CANARY: CANARY}}
    odd = {"id": CANARY, "task": CANARY, "result": [{"value": CANARY}]}
    bodies: list[tuple[str, Any]] = [
        ("/setup", {"project": "10.1", "schema": XML, "access_token": CANARY, "extra_params": {"x": CANARY}}),
        ("/setup", {"project": CANARY, "access_token": CANARY}),
        ("/predict", {"project": "10.1", "tasks": [task, CANARY], "params": {"login": CANARY, "password": CANARY}}),
        ("/predict", {"project": CANARY, "tasks": [task], "label_config": XML}),
        ("/predict", {"project": "10.1", "tasks": [{"id": 6, "data": {CANARY: 1}}], "label_config": CANARY}),
        ("/webhook", {"action": "ANNOTATION_CREATED", "project": project, "task": task, "annotation": odd}),
        ("/webhook", {"action": "TASKS_CREATED", "project": project, "tasks": [task, {"id": CANARY}]}),
        ("/webhook", {"action": "START_TRAINING", "project": project}),
        ("/webhook", {"action": "PROJECT_UPDATED", "project": {**project, "label_config": CANARY}}),
    ]
    answers = []
    for headers in (ALL, BEARER, {"LabelCue-Secret": CANARY}, {"Authorization": f"Bearer {CANARY}"}):
        answers += [client.post(path, json=body, headers=headers) for path, body in bodies]
        answers += [client.post(path, data=b'{"' + CANARY.encode(), headers=headers) for path in POSTS]
    for path in ("/api/projects", "/api/projects/10/queue", "/metrics", f"/{CANARY}", "/openapi.json"):
        answers.append(client.get(path, headers={**ALL, "Cookie": CANARY}))
    monkeypatch.setattr(client.application.extensions["labelcue"], "snapshot", lambda _: int(CANARY))
    answers.append(client.get("/api/projects/10/queue", headers=ALL))
    assert answers[-1].status_code == 500
    for secret in (CANARY, PASSWORD, SECRET, TOKEN, BASIC["Authorization"]):
        assert secret not in stream.getvalue()
        for answer in answers:
            assert secret not in answer.get_data(as_text=True)
            assert secret not in str(answer.headers)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len([line for line in lines if line["event"] == "request"]) == len(answers)
    (failed,) = [line for line in lines if line["level"] == "error"]
    assert failed["id"] in answers[-1].get_data(as_text=True)
    assert failed["exception"] == "builtins.ValueError"
