"""Somebody of another organisation sees nothing of what the plugin adds to a project, and changes nothing of it."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import httpx
import pytest
from plugged import House, asked, ranked

from labelcue.demo.project import label_config
from labelcue.store import open_ledger
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ACTIONS = ("pin", "hold", "requeue", "second_opinion", "rerank")
OURS = ("LabelCue", "labelcue", "cue_")


@pytest.fixture(scope="module")
def outsider(house: House) -> str:
    return house.outsider("zoe")


@pytest.fixture(scope="module")
def project(house: House) -> int:
    number = house.stack.connected_project(30)
    asked(house, house.tokens[0], number)
    until(lambda: ranked(house, number, 29) or ranked(house, number, 30), what="the mirror")
    return number


def events(house: House, project: int) -> int:
    with closing(open_ledger(house.stack.settings.store_url)) as ledger:
        return len(list(ledger.read(project)))


def client(house: House, token: str) -> httpx.Client:
    return httpx.Client(base_url=house.studio.url, headers={"Authorization": f"Token {token}"}, timeout=60)


def test_the_status_of_a_project_is_not_found(house: House, project: int, outsider: str) -> None:
    with client(house, outsider) as http:
        there = http.get("/api/labelcue/status", params={"project": project})
        nowhere = http.get("/api/labelcue/status", params={"project": 999_999})
        bare = http.get("/api/labelcue/status")
    assert there.status_code == nowhere.status_code == 404
    assert not any(word in there.text for word in OURS)
    assert set(bare.json()) == {"plugin", "protocol", "label_studio", "active", "refused"}
    with client(house, house.tokens[0]) as http:
        assert http.get("/api/labelcue/status", params={"project": project}).json()["served"] is True


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_refused_and_leaves_no_trace(house: House, project: int, outsider: str, action: str) -> None:
    before, order = events(house, project), house.stack.queue(project)
    body = {"selectedItems": {"all": False, "included": order[:2]}}
    with client(house, outsider) as http:
        answer = http.post("/api/dm/actions", params={"id": f"labelcue_{action}", "project": project}, json=body)
    assert answer.status_code in (403, 404)
    assert not any(word in answer.text for word in OURS)
    assert (events(house, project), house.stack.queue(project)) == (before, order)


def test_the_columns_and_the_queue_are_not_shown(house: House, project: int, outsider: str) -> None:
    before = events(house, project)
    with client(house, outsider) as http:
        columns = http.get("/api/dm/columns", params={"project": project})
        assert "cue_" not in columns.text
        entrances: list[dict[str, Any] | None] = [None, {"project": str(project)}, {"filters": {"items": []}}]
        for body in entrances:
            if body is None:
                served = http.get(f"/api/projects/{project}/next")
            else:
                served = http.post("/api/dm/actions", params={"id": "next_task", "project": project}, json=body)
            # Whether Label Studio itself lets a stranger in is not ours to say; LabelCue's order and leases are.
            assert "LabelCue" not in served.text
    assert events(house, project) == before


def test_through_a_project_of_their_own_nobody_reaches_another_one(house: House, project: int, outsider: str) -> None:
    before, order = events(house, project), house.stack.queue(project)
    with client(house, outsider) as http:
        fields = {"title": "Elsewhere", "label_config": label_config()}
        own = int(http.post("/api/projects/", json=fields).raise_for_status().json()["id"])
        http.post(f"/api/projects/{own}/import", json=[{"data": {"text": "theirs"}}]).raise_for_status()
        query = {"ordering": ["tasks:cue_rank"], "filters": {"conjunction": "and", "items": []}}
        listed = http.get("/api/tasks", params={"project": own, "fields": "all", "query": json.dumps(query)})
        tasks = listed.raise_for_status().json()["tasks"]
        assert [(task["data"], task.get("cue_rank")) for task in tasks] == [({"text": "theirs"}, None)]
        for action in ACTIONS:
            for included in (order[:2], [tasks[0]["id"], *order[:2]]):
                body = {"selectedItems": {"all": False, "included": included}}
                answer = http.post("/api/dm/actions", params={"id": f"labelcue_{action}", "project": own}, json=body)
                assert answer.status_code == 400
    assert (events(house, project), house.stack.queue(project)) == (before, order)


def test_who_has_left_the_organisation_is_an_outsider(house: House, project: int) -> None:
    path, params = "/api/labelcue/status", {"project": project}
    with client(house, house.tokens[7]) as http, client(house, house.stack.token) as admin:
        assert http.get(path, params=params).status_code == 200
        user = http.get("/api/current-user/whoami").json()
        organization = user["active_organization"]
        admin.delete(f"/api/organizations/{organization}/memberships/{user['id']}/").raise_for_status()
        assert http.get(path, params=params).status_code in (401, 403, 404)
