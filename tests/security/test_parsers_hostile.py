"""Label configs and webhook bodies made to hurt: each is refused quickly, in our words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelcue.errors import BadRequest, TaskUnreadable, UnsupportedConfig
from labelcue.labelstudio.config import describe, parse_config
from labelcue.labelstudio.events import parse_webhook
from labelcue.labelstudio.regions import label_of

pytestmark = pytest.mark.timeout(30)

GOOD = (
    '<View><Text name="t" value="$text"/>'
    '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>'
)
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


HOSTILE = {
    "billion laughs": (f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><View>&l9;</View>', "DOCTYPE"),
    "quadratic": (f'<!DOCTYPE x [<!ENTITY a "{"a" * 99_999}">]><View>{"&a;" * 9_999}</View>', "DOCTYPE"),
    "file": ('<!DOCTYPE x [<!ENTITY f SYSTEM "SECRET">]><View>&f;</View>', "DOCTYPE"),
    "network": ('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><View/>', "DOCTYPE"),
    "parameter": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]><View/>', "DOCTYPE"),
    "plain DOCTYPE": (f"<!DOCTYPE View>{GOOD}", "DOCTYPE"),
    "deep": ("<View>" * 70_000 + "</View>" * 70_000, "nested deeper"),
    "deep and small": ("<a>" * 65 + "</a>" * 65, "nested deeper"),
    "large": (GOOD + " " * 1_000_000, "over 1,000,000"),
    "unknown entity": ("<View>&nbsp;</View>", "not XML"),
    "empty": ("", "not XML"),
    "not XML": ("View", "not XML"),
    "two roots": (GOOD + GOOD, "not XML"),
    "NUL": (GOOD.replace("text", "te\0xt"), "not XML"),
    "lone surrogate": (GOOD.replace('"a"', '"\ud800"'), "not XML"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    xml, why = HOSTILE[name]
    for read in (parse_config, describe):
        with pytest.raises(UnsupportedConfig) as caught:
            read(xml.replace("SECRET", secret.as_uri()))
        assert why in caught.value.message
        assert "canary" not in str(caught.value)
        assert len(str(caught.value)) < 1000


def test_a_config_of_a_megabyte_is_read() -> None:
    many = "".join(f'<Choice value="{n:06}"/>' for n in range(30_000))
    spec = parse_config(GOOD.replace('<Choice value="a"/>', many))
    assert len(spec.classes) == 30_001
    with pytest.raises(TaskUnreadable) as caught:
        label_of(spec, [{"from_name": "c", "value": {"choices": ["x" * 10_000]}}])
    assert len(str(caught.value)) < 1000


def test_a_thousand_bad_controls_make_a_short_error() -> None:
    xml = "<View>" + "".join(f'<Labels name="{n}{"x" * 200}" toName="t"/>' for n in range(1000)) + "</View>"
    with pytest.raises(UnsupportedConfig) as caught:
        parse_config(xml)
    assert len(str(caught.value)) < 3000


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=60) | st.lists(st.sampled_from(re.findall(r"<[^>]*>", GOOD)), max_size=12).map("".join))
def test_any_text_is_a_config_or_is_refused(xml: str) -> None:
    try:
        spec = parse_config(xml)
    except UnsupportedConfig:
        return
    assert len(spec.classes) > 1


def test_a_bulk_of_a_hundred_thousand_broken_items_is_read() -> None:
    body = {"action": "TASKS_CREATED", "project": {"id": 3}, "tasks": [{"id": "x"}] * 100_000 + [{"id": 7, "data": {}}]}
    parsed = parse_webhook(json.dumps(body).encode())
    assert [event.body["task"] for event in parsed.events] == [7]
    assert len(parsed.problems) <= 101


def test_wide_data_is_cut_without_a_long_walk() -> None:
    body = {"action": "TASKS_CREATED", "project": {"id": 3}, "tasks": [{"id": 7, "data": {"x": [[]] * 1_000_000}}]}
    event = parse_webhook(json.dumps(body).encode()).events[0]
    assert event.body["cut"] is True
    assert len(event.body["data"]["x"]) < 600_000


@pytest.mark.parametrize("depth", [10, 65, 500, 900, 5_000, 500_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_never_ends_in_a_recursion_error(depth: int, opening: str) -> None:
    inside = opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth
    body = '{"action": "TASKS_CREATED", "project": {"id": 3}, "tasks": [{"id": 7, "data": {"x": INSIDE}}]}'
    try:
        parsed = parse_webhook(body.replace("INSIDE", inside).encode())
    except BadRequest:
        assert depth > 400
    else:
        assert bool(parsed.events) == (depth < 60)
        assert bool(parsed.problems) == (depth > 60)
