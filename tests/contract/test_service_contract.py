"""The service against recorded requests of Label Studio 1.23.2, as they were sent, and against its own description."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

import labelcue
from labelcue.errors import StoreBusy
from labelcue.types import Event
from servicing import BASIC, HOOK, PASSWORD, client_of, connect, offer, publish, service_of

PAYLOADS = Path(__file__).parent / "payloads"
RECORDED = {path.stem: json.loads(path.read_text()) for path in sorted(PAYLOADS.glob("*.json"))}
WEBHOOKS = [name for name, body in RECORDED.items() if isinstance(body, dict) and "action" in body]
PREDICTS = [name for name in RECORDED if name.startswith("ml_predict")]
# What our ledger has afterwards (task, annotation and training events), and whether nothing could be read off it.
STORED = {
    "ml_train_button_webhook": 1,
    "ml_webhook_ANNOTATION_CREATED": 2,
    "webhook_ANNOTATIONS_CREATED_p2a": 2,
    "webhook_ANNOTATIONS_DELETED": 1,
    "webhook_ANNOTATIONS_DELETED_dm": 3,
    "webhook_ANNOTATION_CREATED": 2,
    "webhook_ANNOTATION_CREATED_cancelled": 2,
    "webhook_ANNOTATION_CREATED_nopayload": 0,
    "webhook_ANNOTATION_UPDATED": 2,
    "webhook_PROJECT_UPDATED": 1,
    "webhook_PROJECT_UPDATED_model_version": 1,
    "webhook_TASKS_CREATED": 2,
    "webhook_TASKS_CREATED_import_with_annotations": 1,
    "webhook_TASKS_CREATED_single_task_post": 1,
    "webhook_TASKS_DELETED_dm": 2,
    "webhook_TASKS_DELETED_single": 1,
}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr("labelcue.service.choosing.WAIT_S", 0.05)  # no learner is there to answer
    offer(tmp_path)
    for project in (10, 11, 13):
        connect(tmp_path, project)
        publish(tmp_path, range(1261, 1275), project=project)
    return client_of(tmp_path)


def replay(client: FlaskClient, name: str, path: str, secret: dict[str, str]) -> Any:
    """Send a recorded body as Python's requests, which Label Studio uses, writes and labels it."""
    headers = {
        "User-Agent": "heartex/1.23.2+0.gdf96d79.dirty",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "*/*",
        "Connection": "keep-alive",
        "Content-Type": "application/json",
    }
    return client.post(path, data=json.dumps(RECORDED[name]), headers={**headers, **secret})


def test_every_recorded_webhook_is_looked_at() -> None:
    assert sorted(STORED) == sorted(WEBHOOKS)


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_recorded_webhook_is_acknowledged_and_stored_once(client: FlaskClient, name: str) -> None:
    secret = BASIC if name == "ml_train_button_webhook" else HOOK
    answer = replay(client, name, "/webhook", secret)
    assert answer.status_code == 200
    assert answer.json["stored"] == STORED[name]
    assert bool(answer.json["ignored"]) == (STORED[name] == 0)
    assert answer.json["problems"] == []
    project = RECORDED[name].get("project", {}).get("id", 11)
    stored = list(service_of(client.application).ledger.read(project))
    assert len(stored) == STORED[name]
    replay(client, name, "/webhook", secret)
    assert list(service_of(client.application).ledger.read(project)) == stored


def test_our_own_patch_that_comes_back_is_not_stored(client: FlaskClient) -> None:
    assert replay(client, "webhook_PROJECT_UPDATED", "/webhook", HOOK).json["stored"] == 1
    answer = replay(client, "webhook_PROJECT_UPDATED_model_version", "/webhook", HOOK)
    assert answer.json["stored"] == 0
    assert "known" in answer.json["ignored"]


def test_the_webhook_that_label_studio_adds_by_itself_is_refused(client: FlaskClient) -> None:
    assert replay(client, "ml_webhook_ANNOTATION_CREATED", "/webhook", {}).status_code == 401


@pytest.mark.parametrize("name", PREDICTS)
def test_recorded_predictions_are_answered(client: FlaskClient, name: str) -> None:
    answer = replay(client, name, "/predict", BASIC)
    assert answer.status_code == 200
    tasks = RECORDED[name]["tasks"]
    assert len(answer.json["results"]) == len(tasks)
    for task, one in zip(tasks, answer.json["results"], strict=True):
        assert one["model_version"] == "cue-3"
        # Project 13's task is not in the pool, and its embedder is not installed here.
        assert bool(one["result"]) == (1261 <= task["id"] < 1275)


def test_the_recorded_setup_is_answered(client: FlaskClient) -> None:
    assert replay(client, "ml_setup", "/setup", BASIC).json == {"model_version": "cue-3"}


def test_label_studio_spells_basic_as_requests_does(client: FlaskClient) -> None:
    pair = base64.b64encode(b"labelcue:" + PASSWORD.encode()).decode()
    assert replay(client, "ml_setup", "/setup", {"Authorization": f"Basic {pair}"}).status_code == 200


class Busy:
    """A ledger that somebody else holds."""

    def append(self, events: list[Event], within: float | None = None) -> int:
        raise StoreBusy("The ledger is locked by another process.", "Try again; nothing was stored.")

    def position(self, project: int) -> int:
        return 0

    def read(self, project: int, after: int = 0) -> Iterator[Event]:
        return iter(())


@pytest.mark.parametrize("name", [name for name in WEBHOOKS if STORED[name]])
def test_a_busy_ledger_is_never_an_acknowledgement(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(service_of(client.application), "_ledger", Busy())
    answer = replay(client, name, "/webhook", BASIC)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.json["error"]["code"] == "store_busy"


# The service against its own description.


def description(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").get_json()
    return document


def described(app: Flask) -> set[tuple[str, str]]:
    return {
        (method.lower(), rule.rule.replace("<int:", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("pages.")  # for people
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_description_has_every_route_and_no_other(client: FlaskClient) -> None:
    document = description(client)
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == labelcue.__version__
    told = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert told == described(client.application)


def test_every_route_is_in_the_manual(client: FlaskClient) -> None:
    page = (Path(__file__).parents[2] / "backend" / "docs" / "api.md").read_text()
    for method, path in described(client.application):
        assert (
            f"| {method.upper()} {path.replace('{project}', 'N').replace('{task}', 'T')} |".replace("{comparison}", "C")
            in page
        )


def test_references_and_schemas_of_the_description_are_whole(client: FlaskClient) -> None:
    document = description(client)
    schemas = document["components"]["schemas"]
    for name in _references(document):
        assert name.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    for operations in document["paths"].values():
        for operation in operations.values():
            for requirement in operation["security"]:
                assert set(requirement) <= set(document["components"]["securitySchemes"])
    names = [operation["operationId"] for one in document["paths"].values() for operation in one.values()]
    assert len(names) == len(set(names))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)


ANNOTATED = RECORDED["webhook_ANNOTATION_CREATED"]
SAVED = {"settings": {"strategy": "margin"}, "if_version": 0, "by": "anna"}
CALLS: list[tuple[str, str, str, Any]] = [
    ("get", "/health", "/health", None),
    ("get", "/versions", "/versions", None),
    ("post", "/setup", "/setup", RECORDED["ml_setup"]),
    ("post", "/setup", "/setup", {"project": "10.1", "schema": "<View/>"}),
    ("post", "/setup", "/setup", []),
    ("post", "/predict", "/predict", RECORDED["ml_predict_batch_dm_5tasks"]),
    ("post", "/predict", "/predict", {"tasks": [None, {"id": 1}]}),
    ("post", "/predict", "/predict", {}),
    ("post", "/webhook", "/webhook", ANNOTATED),
    ("post", "/webhook", "/webhook", {"action": "LABEL_LINK_CREATED", "project": {"id": 10}}),
    ("post", "/webhook", "/webhook", {"action": "TASKS_DELETED", "project": {"id": 1}, "tasks": []}),
    ("get", "/api/projects", "/api/projects", None),
    ("get", "/api/projects/{project}", "/api/projects/10", None),
    ("get", "/api/projects/{project}", "/api/projects/999", None),
    ("get", "/api/projects/{project}/queue", "/api/projects/10/queue?limit=3", None),
    ("get", "/api/projects/{project}/queue", "/api/projects/10/queue?limit=0", None),
    ("get", "/api/projects/{project}/tasks/{task}", "/api/projects/10/tasks/1262", None),
    ("get", "/api/projects/{project}/tasks/{task}", "/api/projects/10/tasks/5", None),
    ("post", "/api/projects/{project}/reconcile", "/api/projects/10/reconcile", None),
    ("post", "/api/projects/{project}/next", "/api/projects/10/next", {"user": 1, "limit": 3}),
    ("post", "/api/projects/{project}/next", "/api/projects/10/next", {"user": "x"}),
    ("post", "/api/projects/{project}/next", "/api/projects/999/next", {"user": 1}),
    ("post", "/api/projects/{project}/leases", "/api/projects/10/leases", {"task": 1262, "user": 1}),
    ("delete", "/api/projects/{project}/leases/{task}", "/api/projects/10/leases/1262?user=1", None),
    ("delete", "/api/projects/{project}/leases/{task}", "/api/projects/10/leases/1262", None),
    ("post", "/api/projects/{project}/actions", "/api/projects/10/actions", {"action": "rerank"}),
    ("post", "/api/projects/{project}/actions", "/api/projects/10/actions", {}),
    ("get", "/api/catalogue", "/api/catalogue", None),
    ("get", "/api/projects/{project}/settings", "/api/projects/10/settings", None),
    ("get", "/api/projects/{project}/settings", "/api/projects/999/settings", None),
    ("put", "/api/projects/{project}/settings", "/api/projects/10/settings", SAVED),
    ("put", "/api/projects/{project}/settings", "/api/projects/10/settings", {**SAVED, "if_version": 7}),
    ("put", "/api/projects/{project}/settings", "/api/projects/10/settings", {**SAVED, "settings": {"audit": 2}}),
    ("put", "/api/projects/{project}/settings", "/api/projects/10/settings", {}),
    ("post", "/api/projects/{project}/settings/back", "/api/projects/10/settings/back", {"version": 3}),
    ("post", "/api/projects/{project}/comparisons", "/api/projects/10/comparisons", {"b": {"strategy": "margin"}}),
    ("post", "/api/projects/{project}/comparisons", "/api/projects/10/comparisons", {"b": 3}),
    ("get", "/api/projects/{project}/comparisons/{comparison}", "/api/projects/10/comparisons/7", None),
    ("get", "/api/projects/{project}/audits", "/api/projects/10/audits", None),
    ("post", "/api/projects/{project}/audits/retire", "/api/projects/10/audits/retire", {"by": "anna"}),
    ("post", "/api/projects/{project}/audits/retire", "/api/projects/10/audits/retire", {}),
    ("get", "/api/projects/{project}/export", "/api/projects/10/export?format=no", None),
    ("get", "/api/projects/{project}/snapshots", "/api/projects/10/snapshots", None),
    ("post", "/api/projects/{project}/snapshots", "/api/projects/10/snapshots", {"name": "first", "by": "Ada"}),
    ("post", "/api/projects/{project}/snapshots", "/api/projects/10/snapshots", {}),
    ("get", "/api/projects/{project}/snapshots/changes", "/api/projects/10/snapshots/changes?before=no", None),
    ("get", "/openapi.json", "/openapi.json", None),
]


@pytest.mark.parametrize(("method", "route", "path", "body"), CALLS, ids=[f"{one[0]} {one[2]}" for one in CALLS])
def test_answers_have_the_shape_that_the_description_says(
    client: FlaskClient, method: str, route: str, path: str, body: Any
) -> None:
    document = description(client)
    answer = client.open(path, method=method.upper(), json=body, headers=BASIC)
    told = document["paths"][route][method]["responses"][str(answer.status_code)]
    schema = told["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    assert [error.message for error in validator.iter_errors(answer.get_json())] == []
