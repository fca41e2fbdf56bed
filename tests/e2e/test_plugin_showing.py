"""What the plugin shows annotators beside the task: the model's label, and why the task is shown; nothing is stored."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx
import pytest
from plugged import House, asked, ranked
from stack import ANSWERS, DEMO

from labelcue.labelstudio.client import LabelStudio
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ASKING = DEMO.replace("<View>", '<View><Text name="why" value="$labelcue_reason"/>', 1)
"""The demo's label config with a line for the reason, before all else."""
ALL: dict[str, Any] = {"project": "1"}
BY_CHANCE = "Chosen by chance."
EACH = 4
"""Mails of each class that are labelled first."""


def trained(house: House, **more: Any) -> int:
    """A project whose model has seen both classes."""
    project = house.stack.connected_project(40, **more)
    bodies: list[Any] = [task for part in house.stack.ls.tasks(project) for task in part]
    for kind in ("ham", "spam"):
        # More than one: the model learns nothing from those that chance takes to measure it.
        for task in [one for one in bodies if ANSWERS[one["data"]["text"]] == kind][:EACH]:
            house.stack.label(house.stack.ls, task)
    until(lambda: (found := house.stack.snapshot(project)) is not None and found.trained, what="a model")
    return project


def suggested_to(house: House, token: str, project: int, entrance: dict[str, Any] | None) -> dict[str, Any]:
    """The next task that chance did not choose: those measure the model, and come without its label."""
    while (task := asked(house, token, project, entrance))["data"].get("labelcue_reason") == BY_CHANCE:
        assert task["predictions"] == []
        with closing(LabelStudio(house.studio.url, token)) as client:
            house.stack.label(client, task)
    return task


def predict_calls(house: House) -> float:
    """How often Label Studio called the ML backend's /predict."""
    secret = house.stack.settings.webhook_secret
    assert secret is not None
    headers = {"Authorization": f"Bearer {secret.get_secret_value()}"}
    text = httpx.get(f"{house.stack.settings.base_url}/metrics", headers=headers, timeout=60).text
    found = [line for line in text.splitlines() if "requests_total" in line and 'route="/predict"' in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


def opened(house: House, token: str, task: int) -> Any:
    answer = httpx.get(f"{house.studio.url}/api/tasks/{task}", headers={"Authorization": f"Token {token}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_suggestion_and_the_reason_come_with_the_task_and_are_stored_nowhere(house: House) -> None:
    ada, ben = house.tokens[:2]
    project = trained(house, pre_annotation="on", xml=ASKING)
    before = predict_calls(house)
    for entrance in (None, ALL, {"filters": {"conjunction": "and", "items": []}}):
        with house.stack.held_still("learner"):  # another round may suggest another label
            task = suggested_to(house, ada, project, entrance)
            [suggested] = task["predictions"]
            assert suggested["result"][0]["value"]["choices"][0] in ("ham", "spam")
            assert (suggested["id"], suggested["model_version"][:4]) == ("", "cue-")
            assert "model" in task["data"]["labelcue_reason"] or "Unlike" in task["data"]["labelcue_reason"]
            # A page that is loaded again gets the same, by either way.
            again = opened(house, ada, task["id"])
            assert again["predictions"][0]["result"] == suggested["result"]
            assert again["data"]["labelcue_reason"]
            # Who opens it without having been served it sees no reason, and what Label Studio has stored.
            other = opened(house, ben, task["id"])
            assert other["data"]["labelcue_reason"] == ""
        with closing(LabelStudio(house.studio.url, ada)) as client:
            client.annotate(task["id"], suggested["result"])
    assert predict_calls(house) == before
    stored = [task for part in house.stack.ls.tasks(project) for task in part]
    assert not any("labelcue_reason" in task["data"] for task in stored)


def test_pinned_tasks_say_so_and_without_pre_annotation_no_label_is_shown(house: House) -> None:
    project = trained(house, xml=ASKING)
    asked(house, house.tokens[4], project)
    until(lambda: ranked(house, project, 40 - 2 * EACH), what="the mirror, which says that the project is LabelCue's")
    last = house.stack.queue(project)[-1]
    body = {"selectedItems": {"all": False, "included": [last]}}
    house.studio_post(f"/api/dm/actions?id=labelcue_pin&project={project}", body)
    until(lambda: house.stack.queue(project)[0] == last, what="the pinned task at the head")
    task = asked(house, house.tokens[2], project)
    assert (task["id"], task["predictions"]) == (last, [])
    assert task["data"]["labelcue_reason"] == "Put first by an admin."


def test_tasks_need_not_have_the_reason_and_a_config_that_asks_for_it_is_accepted(house: House) -> None:
    project = house.stack.connected_project(12)
    house.stack.ls.update_project(project, label_config=ASKING)
    made = house.stack.ls.import_tasks(project, [{"data": {"text": "A mail that came later."}}])
    assert len(made) == 1
    task = asked(house, house.tokens[3], project)
    assert task["data"]["labelcue_reason"]
    assert "text" in task["data"]
    until(lambda: made[0] in house.stack.queue(project), what="the new task in the queue")


def test_label_studio_refuses_a_parent_that_is_gone_so_that_no_prediction_of_ours_has_an_id(house: House) -> None:
    project = trained(house, pre_annotation="on", xml=ASKING)
    task = suggested_to(house, house.tokens[5], project, None)
    body = {"result": task["predictions"][0]["result"], "parent_prediction": 10**9}
    headers = {"Authorization": f"Token {house.tokens[5]}"}
    address = f"{house.studio.url}/api/tasks/{task['id']}/annotations/"
    refused = httpx.post(address, json=body, headers=headers, timeout=60)
    assert refused.status_code == 400
    assert "parent_prediction" in refused.text
    taken = httpx.post(address, json={**body, "parent_prediction": None}, headers=headers, timeout=60)
    assert taken.status_code == 201
