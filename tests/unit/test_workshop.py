"""A folder that learns without a service: whoever tells it of a webhook finds it learned when the call returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labelcue.errors import BadRequest, UnsupportedConfig
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.workshop import Workshop

CONFIG = (
    '<View><Text name="t" value="$text"/>'
    '<Choices name="c" toName="t"><Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
EMBEDDER = "precomputed:field=vector,dim=3"
NOW = "2026-01-01T00:00:00Z"


def task(number: int) -> dict[str, Any]:
    side = 1.0 if number % 2 else -1.0
    return {"id": number, "data": {"text": "x", "vector": [side, 0.1 * number, 1.0]}, "updated_at": NOW}


def told(*numbers: int, project: int = 3, config: str = CONFIG) -> bytes:
    region = {"from_name": "c", "to_name": "t", "type": "choices"}
    annotations = [
        {"id": number, "task": number, "completed_by": 1, "updated_at": NOW, "created_at": NOW, "was_cancelled": False}
        | {"result": [region | {"value": {"choices": ["ham" if number % 2 else "spam"]}}]}
        for number in numbers
    ]
    body = {"action": "ANNOTATIONS_CREATED", "project": {"id": project, "label_config": config}}
    return json.dumps({**body, "task": [task(number) for number in numbers], "annotation": annotations}).encode()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path / "shop", EMBEDDER)
    yield made
    made.close()


def answers(shop: Workshop, project: int, *numbers: int) -> list[Any]:
    said = shop.predict(project, [task(number) for number in numbers], CONFIG)
    return [label_of(parse_config(CONFIG), one["result"]) for one in said]


def test_what_is_told_is_learned_when_the_call_returns(shop: Workshop) -> None:
    assert answers(shop, 3, 7) == [None]
    assert shop.tell(told(*range(1, 13)), CONFIG) == "cue-1"
    assert answers(shop, 3, 21, 22) == ["ham", "spam"]
    assert shop.tell(told(*range(1, 13)), CONFIG) == "cue-1"  # nothing new
    assert shop.tell(told(13), CONFIG) == "cue-2"


def test_projects_are_apart_and_survive_the_process(shop: Workshop, tmp_path: Path) -> None:
    shop.tell(told(*range(1, 13)), CONFIG)
    assert answers(shop, 4, 21) == [None]
    again = Workshop(tmp_path / "shop", EMBEDDER)
    assert answers(again, 3, 21, 22) == ["ham", "spam"]
    assert again.tell(told(*range(13, 20)), CONFIG) == "cue-2"
    again.close()


def test_events_that_come_together_are_all_learned(shop: Workshop, tmp_path: Path) -> None:
    shops = [shop, *(Workshop(tmp_path / "shop", EMBEDDER) for _ in range(2))]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda one: shops[one % 3].tell(told(2 * one + 1, 2 * one + 2), CONFIG), range(6)))
    assert all(answers(one, 3, 21, 22) == ["ham", "spam"] for one in shops)
    learned = shop._service.snapshot(3)
    assert learned is not None
    assert learned.labelled == 12
    for one in shops[1:]:
        one.close()


def test_what_cannot_be_learned_is_refused(shop: Workshop) -> None:
    with pytest.raises(BadRequest):
        shop.tell(b"{")
    with pytest.raises(UnsupportedConfig):
        shop.tell(told(1), "<View/>")
    spans = '<View><Text name="t" value="$text"/><Labels name="c" toName="t"><Label value="a"/></Labels></View>'
    with pytest.raises(UnsupportedConfig, match="labelcue serve"):
        shop.tell(told(1, project=5), spans)
    assert shop.tell(b'{"action": "ANNOTATION_CREATED"}') == ""
