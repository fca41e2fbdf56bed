"""Bodies that are broken, in part or whole: one bad item spoils no other, and nothing ends in another error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelcue.errors import BadRequest
from labelcue.labelstudio.events import HANDLED, annotation_event, parse_webhook, task_event
from labelcue.types import Kind

RECORDED = {
    path.stem: path.read_bytes()
    for pattern in ("webhook_*.json", "ml_train_*.json")
    for path in sorted((Path(__file__).parent / "payloads").glob(pattern))
}


def bulk(tasks: list[Any]) -> bytes:
    return json.dumps({"action": "TASKS_CREATED", "project": {"id": 3}, "tasks": tasks}).encode()


GOOD = {"id": 4, "data": {"text": "t"}}
BAD_ITEMS: dict[str, Any] = {
    "null": None,
    "text": "4",
    "list": [4],
    "no id": {"data": {}},
    "text id": {"id": "4", "data": {}},
    "float id": {"id": 4.0, "data": {}},
    "bool id": {"id": True, "data": {}},
    "negative id": {"id": -4, "data": {}},
    "zero id": {"id": 0, "data": {}},
    "huge id": {"id": 2**63, "data": {}},
    "null data": {"id": 5, "data": None},
    "list data": {"id": 5, "data": []},
    "no data": {"id": 5},
    "bad time": {"id": 5, "data": {}, "updated_at": "yesterday"},
    "time that is not": {"id": 5, "data": {}, "updated_at": "2026-02-30T00:00:00Z"},
    "number as time": {"id": 5, "data": {}, "updated_at": 1795225247},
    "other project": {"id": 5, "data": {}, "project": 9},
    "deep data": {"id": 5, "data": {"a": json.loads("[" * 100 + "]" * 100)}},
}


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_one_bad_task_is_named_and_spoils_no_other(name: str) -> None:
    parsed = parse_webhook(bulk([GOOD, BAD_ITEMS[name], {**GOOD, "id": 6}]))
    assert [event.body["task"] for event in parsed.events] == [4, 6]
    assert len(parsed.problems) == 1
    assert parsed.problems[0].startswith("tasks[1]: task")


BAD_ANNOTATIONS: dict[str, dict[str, Any]] = {
    "no task": {"task": None},
    "text task": {"task": "4"},
    "text user": {"completed_by": "1"},
    "user without id": {"completed_by": {"id": "x"}},
    "result is text": {"result": "[]"},
    "result of text": {"result": ["pos"]},
    "cancelled is a number": {"was_cancelled": 1},
    "result too large": {"result": [{"value": {"text": ["x" * 1_000_001]}}]},
    "result too deep": {"result": [{"value": json.loads("[" * 100 + "]" * 100)}]},
}


@pytest.mark.parametrize("name", BAD_ANNOTATIONS)
def test_one_bad_annotation_is_named_and_its_task_is_kept(name: str) -> None:
    good = {"id": 5, "task": 4, "result": []}
    bad = {"id": 6, "task": 4, "result": [], **BAD_ANNOTATIONS[name]}
    body = {"action": "ANNOTATIONS_CREATED", "project": {"id": 3}, "annotation": [good, bad], "task": [GOOD]}
    parsed = parse_webhook(json.dumps(body).encode())
    assert [event.kind for event in parsed.events] == [Kind.TASK, Kind.ANNOTATION]
    assert len(parsed.problems) == 1
    assert parsed.problems[0].startswith("annotation[1]: annotation 6: ")


@pytest.mark.parametrize(
    ("given_user", "user"), [(7, 7), ({"id": 7, "email": "a@b.c"}, 7), (None, None), ({}, None), ("absent", None)]
)
def test_the_user_may_come_as_number_object_or_not_at_all(given_user: Any, user: int | None) -> None:
    annotation = {"id": 5, "task": 4, "result": None, "completed_by": given_user}
    if given_user == "absent":
        del annotation["completed_by"]
    event = annotation_event(3, annotation)
    assert (event.body["user"], event.body["result"], event.body["updated_at"]) == (user, [], "")


def test_created_at_stands_in_for_updated_at() -> None:
    event = task_event(3, {**GOOD, "updated_at": None, "created_at": "2026-11-21T01:43:20Z"})
    assert event.body["updated_at"] == "2026-11-21T01:43:20.000000Z"


def test_annotations_inside_created_tasks_are_taken_and_need_no_reconcile() -> None:
    task = {**GOOD, "total_annotations": 1, "annotations": [{"id": 5, "task": 4, "result": []}]}
    parsed = parse_webhook(bulk([task]))
    assert [event.kind for event in parsed.events] == [Kind.TASK, Kind.ANNOTATION]
    assert not parsed.hint
    assert parse_webhook(bulk([{**GOOD, "cancelled_annotations": 1, "drafts": [{"id": 1}]}])).hint


def test_long_data_is_cut_and_says_so() -> None:
    parsed = parse_webhook(bulk([{"id": 4, "data": {"text": "x" * 100_001}}]))
    body = parsed.events[0].body
    assert len(body["data"]["text"]) == 100_000
    assert body["cut"] is True
    assert parsed.problems == ("tasks[0]: task 4: its data was cut",)
    wide = task_event(3, {"id": 4, "data": {f"{n:02}": "x" * 90_000 for n in range(50)}})
    assert 900_000 < len(json.dumps(wide.body["data"])) < 1_100_000
    assert wide.body["cut"] is True
    assert "cut" not in task_event(3, GOOD).body


def test_the_order_of_keys_does_not_change_a_task() -> None:
    fields = {f"k{n}": "x" * 50_000 for n in range(40)}
    one, other = (task_event(3, {"id": 4, "data": data}) for data in (fields, dict(reversed(fields.items()))))
    assert one == other


BROKEN = {
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"action": "\xff"}',
    "NaN": b'{"action": "TASKS_CREATED", "x": NaN}',
    "list": b"[]",
    "text": b'"ANNOTATION_CREATED"',
    "null": b"null",
    "no action": b"{}",
    "null action": b'{"action": null}',
    "number as action": b'{"action": 7}',
    "empty action": b'{"action": ""}',
    "no project": b'{"action": "TASKS_CREATED", "tasks": []}',
    "null project": b'{"action": "TASKS_CREATED", "project": null}',
    "text project": b'{"action": "TASKS_CREATED", "project": {"id": "3"}}',
    "negative project": b'{"action": "START_TRAINING", "project": {"id": -3}}',
    "project as setup names it": b'{"action": "TASKS_CREATED", "project": "10.1795225247"}',
    "bool project": b'{"action": "PROJECT_DELETED", "project": true}',
    "huge project": b'{"action": "PROJECT_DELETED", "project": {"id": 9223372036854775808}}',
    "deep": b'{"action": "x", "deep": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep and open": b'{"a":' * 200_000,
    "endless number": b'{"action": ' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_webhook_body_is_refused_with_reason(name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_webhook(BROKEN[name])
    assert caught.value.message
    assert caught.value.remedy


def test_a_body_that_lacks_its_items_says_so() -> None:
    parsed = parse_webhook(b'{"action": "ANNOTATION_CREATED", "project": {"id": 3}, "annotation": null}')
    assert parsed.problems == ("the body has no 'annotation'",)
    config = parse_webhook(b'{"action": "PROJECT_UPDATED", "project": {"id": 3}}')
    assert config.ignored
    assert config.config_event is None


def test_nothing_of_a_body_is_quoted_in_what_may_be_logged() -> None:
    secret = "s3cret-canary"
    annotation = {"id": secret, "task": secret, "completed_by": secret, "result": secret, "updated_at": secret}
    body = {"action": "ANNOTATION_CREATED", "project": {"id": 3, "token": secret}, "annotation": annotation}
    assert secret not in repr(parse_webhook(json.dumps(body).encode()))


# --- anything at all

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
ITEM_KEYS = st.sampled_from(["task", "tasks", "annotation", "annotations"])
PATHS = st.lists(st.integers(0, 30), min_size=1, max_size=5)


def replaced(value: Any, path: list[int], by: Any) -> Any:
    """`value` with the node at `path` (indices, taken modulo the number of children) replaced."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return by
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    children = dict(value) if isinstance(value, dict) else list(value)
    children[key] = replaced(value[key], path[1:], by)
    return children


@settings(max_examples=300, deadline=None, derandomize=True)
@given(name=st.sampled_from(list(RECORDED)), path=PATHS, by=ANYTHING)
def test_a_recorded_body_with_anything_inside_is_read_or_refused(name: str, path: list[int], by: Any) -> None:
    read_or_refused(json.dumps(replaced(json.loads(RECORDED[name]), path, by)).encode())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(raw=st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_anything_is_read_or_refused(raw: bytes) -> None:
    read_or_refused(raw)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    action=st.sampled_from(HANDLED), rest=st.dictionaries(st.sampled_from(["task", "tasks", "annotation"]), ANYTHING)
)
def test_an_action_with_anything_is_read_or_refused(action: str, rest: dict[str, Any]) -> None:
    read_or_refused(json.dumps({"action": action, "project": {"id": 3}, **rest}).encode())


def read_or_refused(body: bytes) -> None:
    try:
        parsed = parse_webhook(body)
    except BadRequest:
        return
    for event in parsed.events:
        stored = json.dumps(dict(event.body), ensure_ascii=False, allow_nan=False).encode()
        assert json.loads(stored) == dict(event.body), "every store can hold it"
        assert event.key.encode("ascii")
