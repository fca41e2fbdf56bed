"""Every webhook body that a real Label Studio 1.23.2 sent becomes the right events, and nothing else ever does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.events import (
    HANDLED,
    IGNORED,
    SUBSCRIBED,
    annotation_event,
    parse_webhook,
    task_event,
)
from labelcue.labelstudio.regions import label_of
from labelcue.types import Event, Kind

PAYLOADS = Path(__file__).parent / "payloads"
DOCS = Path(__file__).parents[2] / "backend" / "docs"
POS, NEG, NOTHING = "pos", "neg", None

# Label Studio 1.23.2, webhooks/models.py; and what its ML backend client sends.
LABEL_STUDIO = [
    "PROJECT_CREATED",
    "PROJECT_UPDATED",
    "PROJECT_DELETED",
    "TASKS_CREATED",
    "TASKS_DELETED",
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "LABEL_LINK_CREATED",
    "LABEL_LINK_UPDATED",
    "LABEL_LINK_DELETED",
    "START_TRAINING",
]

# body → project and, for each event, its kind, ids and what it says
RECORDED: dict[str, tuple[int | None, list[tuple[Any, ...]]]] = {
    "ml_train_button_webhook": (10, [(Kind.TRAIN,)]),
    "ml_webhook_ANNOTATION_CREATED": (10, [(Kind.TASK, 1281, "t20"), (Kind.ANNOTATION, 221, 1281, 1, False, POS)]),
    "webhook_ANNOTATIONS_CREATED_p2a": (11, [(Kind.TASK, 1422, "t0"), (Kind.ANNOTATION, 226, 1422, 1, False, POS)]),
    "webhook_ANNOTATIONS_DELETED": (11, [(Kind.ANNOTATION_DELETED, 222)]),
    "webhook_ANNOTATIONS_DELETED_dm": (11, [(Kind.ANNOTATION_DELETED, gone) for gone in (223, 225, 224)]),
    "webhook_ANNOTATION_CREATED": (11, [(Kind.TASK, 1422, "t0"), (Kind.ANNOTATION, 222, 1422, 1, False, POS)]),
    "webhook_ANNOTATION_CREATED_cancelled": (
        11,
        [(Kind.TASK, 1423, "t1"), (Kind.ANNOTATION, 223, 1423, 1, True, NOTHING)],
    ),
    "webhook_ANNOTATION_CREATED_nopayload": (None, []),
    "webhook_ANNOTATION_UPDATED": (11, [(Kind.TASK, 1422, "t0"), (Kind.ANNOTATION, 222, 1422, 1, False, NEG)]),
    "webhook_PROJECT_UPDATED": (11, []),
    "webhook_PROJECT_UPDATED_model_version": (11, []),
    "webhook_TASKS_CREATED": (11, [(Kind.TASK, 1427, "n1"), (Kind.TASK, 1428, "n2")]),
    "webhook_TASKS_CREATED_import_with_annotations": (11, [(Kind.TASK, 1429, "n3")]),
    "webhook_TASKS_CREATED_single_task_post": (11, [(Kind.TASK, 1430, "single")]),
    "webhook_TASKS_DELETED_dm": (11, [(Kind.TASK_DELETED, 1425), (Kind.TASK_DELETED, 1426)]),
    "webhook_TASKS_DELETED_single": (11, [(Kind.TASK_DELETED, 1430)]),
}
BODIES = [*sorted(path.stem for path in PAYLOADS.glob("*webhook_*.json")), "ml_train_button_webhook"]
HINTED = {"webhook_ANNOTATION_CREATED_nopayload", "webhook_TASKS_CREATED_import_with_annotations"}


def raw(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def config(name: str) -> str:
    return str(json.loads(raw(name))["project"]["label_config"])


def told(event: Event, xml: str) -> tuple[Any, ...]:
    body = event.body
    if event.kind is Kind.TASK:
        return event.kind, body["task"], body["data"]["text"]
    if event.kind is Kind.ANNOTATION:
        label = label_of(parse_config(xml), body["result"])
        return event.kind, body["annotation"], body["task"], body["user"], body["cancelled"], label
    return event.kind, *body.values()


def test_every_recorded_webhook_is_in_the_table() -> None:
    assert set(BODIES) == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_body_gives_its_events(name: str) -> None:
    project, events = RECORDED[name]
    parsed = parse_webhook(raw(name))
    assert parsed.project == project
    assert [told(event, config(name)) for event in parsed.events] == events
    assert all(event.project == project for event in parsed.events)
    assert parsed.problems == ()
    assert parsed.hint == (name in HINTED)


@pytest.mark.parametrize("name", RECORDED)
def test_the_same_body_twice_gives_the_same_keys(name: str) -> None:
    assert parse_webhook(raw(name)) == parse_webhook(raw(name))


def test_a_body_without_payload_is_ignored_and_asks_for_a_reconcile() -> None:
    parsed = parse_webhook(raw("webhook_ANNOTATION_CREATED_nopayload"))
    assert parsed.hint
    assert "reconcile" in (parsed.ignored or "")


def test_a_project_update_carries_its_label_config() -> None:
    first, own = (parse_webhook(raw(f"webhook_PROJECT_UPDATED{end}")) for end in ("", "_model_version"))
    assert first.config_event is not None
    assert own.config_event is not None
    assert first.config_event.kind is Kind.LABEL_CONFIG
    assert parse_config(first.config_event.body["label_config"]).classes == ("pos", "neg")
    assert first.config_event.body["updated_at"] == "2026-11-21T01:43:24.494427Z"
    # Our own PATCH of model_version arrives the same way: the config tells that nothing changed.
    assert first.label_config == own.label_config
    assert first.config_event.key != own.config_event.key


def test_an_update_has_another_key_than_what_it_updates() -> None:
    keys = [parse_webhook(raw(f"webhook_ANNOTATION_{what}")).events[1].key for what in ("CREATED", "UPDATED")]
    assert keys[0] != keys[1]
    assert sorted(keys) == keys, "the later one is the larger one"


# --- completeness


def minimal(action: str) -> dict[str, Any]:
    annotation = {"id": 5, "task": 4, "result": [], "completed_by": None}
    task = {"id": 4, "data": {"text": "t"}}
    inside: dict[str, Any] = {
        "TASKS_CREATED": {"tasks": [task]},
        "TASKS_DELETED": {"tasks": [{"id": 4}]},
        "ANNOTATION_CREATED": {"annotation": annotation, "task": task},
        "ANNOTATIONS_CREATED": {"annotation": [annotation], "task": [task]},
        "ANNOTATION_UPDATED": {"annotation": annotation, "task": task},
        "ANNOTATIONS_DELETED": {"annotations": [{"id": 5}]},
    }
    project = {"id": 3, "label_config": "<View/>", "updated_at": "2026-11-21T01:43:24Z"}
    return {"action": action, "project": project, **inside.get(action, {"label_link": [{"id": 1}]})}


@pytest.mark.parametrize("action", LABEL_STUDIO)
def test_every_action_of_label_studio_is_handled_or_named_as_ignored(action: str) -> None:
    assert (action in HANDLED) != (action in IGNORED)
    parsed = parse_webhook(json.dumps(minimal(action)).encode())
    assert (parsed.project, parsed.action, parsed.problems) == (3, action, ())
    assert bool(parsed.events or parsed.config_event) == (action in HANDLED)
    assert bool(parsed.ignored) == (action in IGNORED)


@pytest.mark.parametrize("action", LABEL_STUDIO)
def test_every_action_without_payload_is_ignored(action: str) -> None:
    parsed = parse_webhook(json.dumps({"action": action}).encode())
    assert parsed.ignored
    assert parsed.hint == (action in HANDLED)


def test_no_action_is_invented() -> None:
    assert {*HANDLED, *IGNORED} == set(LABEL_STUDIO)
    assert set(SUBSCRIBED) < set(HANDLED)


def test_the_documentation_has_every_action() -> None:
    page = (DOCS / "events.md").read_text()
    assert [action for action in LABEL_STUDIO if f"`{action}`" not in page] == []


@pytest.mark.parametrize("action", ["REVIEW_CREATED", "annotation_created", "ANNOTATION_DELETED", "x\n" * 100, "ä"])
def test_an_unknown_action_is_named_and_ignored(action: str) -> None:
    parsed = parse_webhook(json.dumps({"action": action, "project": {"id": 3}}).encode())
    assert (parsed.project, parsed.events) == (3, ())
    assert "does not know" in (parsed.ignored or "")
    assert parsed.action.isprintable()
    assert len(parsed.action) < 400


# --- webhook and API


def pairs() -> Iterator[tuple[str, Event, bool]]:
    """Key and event of the API's tasks and annotations, and whether a webhook has to have brought the same."""
    for task in json.loads(raw("same_project_api_tasks")):
        changed = task["data"]["text"] == "changed"  # by a PATCH of the task, which sends no webhook
        yield "task", task_event(3, task), not changed
        imported = task["data"]["text"] == "three"  # with its annotation, which sends none for it
        for annotation in task["annotations"]:
            yield "annotation", annotation_event(3, annotation), not imported


def test_the_api_gives_the_same_keys_as_the_webhooks() -> None:
    bodies = [json.dumps(body).encode() for body in json.loads(raw("same_project_webhooks"))]
    by_webhook = {event.key: event for body in bodies for event in parse_webhook(body).events}
    found = list(pairs())
    assert [what for what, _, _ in found].count("annotation") == 5
    for _, event, expected in found:
        assert (event.key in by_webhook) == expected
        if expected and event.kind is Kind.ANNOTATION:
            assert dict(event.body) == dict(by_webhook[event.key].body)


def test_what_does_not_matter_for_a_label_does_not_change_the_key() -> None:
    annotation = json.loads(raw("webhook_ANNOTATION_CREATED"))["annotation"]
    decorated = json.loads(json.dumps(annotation))
    decorated |= {"lead_time": 99.0, "completed_by": {"id": 1, "email": "a@b.c"}, "state": "x", "updated_by": 7}
    decorated["updated_at"] = "2026-11-21T02:43:20.030500+01:00"
    decorated["result"][0] |= {"id": "r1", "origin": "manual", "meta": {"text": ["a note"]}}
    assert annotation_event(11, annotation).key == annotation_event(11, decorated).key
    decorated["result"][0]["value"]["choices"] = ["neg"]
    assert annotation_event(11, annotation).key != annotation_event(11, decorated).key
