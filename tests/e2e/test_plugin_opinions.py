"""Second opinions in a real Label Studio with the plugin: who gets a labelled task again, and who does not."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import httpx
import pytest
from plugged import House, act, asked, ranked
from test_plugin import events

from labelcue.labelstudio.client import LabelStudio
from labelcue.store import open_ledger
from labelcue.types import Event, Kind
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def label(house: House, token: str, task: dict[str, Any]) -> None:
    with closing(LabelStudio(house.studio.url, token)) as client:
        house.stack.label(client, task)


def state(house: House, task: int) -> tuple[bool, int, int]:
    """Whether Label Studio counts it as labelled, its overlap, and its labels."""
    found = house.studio_get(f"/api/tasks/{task}")
    return bool(found["is_labeled"]), int(found["overlap"]), int(found["total_annotations"])


def labels(house: House, project: int, task: int) -> list[str]:
    """What the ledger says that annotators chose."""
    given = [one for one in house.stack.fold(project).of_task(task) if not one.cancelled]  # type: ignore[arg-type]
    return [one.result[0]["value"]["choices"][0] for one in given]


def mirrored(house: House, project: int) -> None:
    """Wait for the mirror: only then does the plugin know the project for certain, also after other tests' outages."""
    asked(house, house.tokens[0], project)
    until(lambda: ranked(house, project, 30), what="the mirror")


def test_a_labelled_task_goes_to_another_annotator_at_once_and_never_to_the_same(house: House) -> None:
    project = house.stack.connected_project(30)
    ada, ben, cleo = house.tokens[:3]
    mirrored(house, project)
    first = asked(house, ada, project)
    label(house, ada, first)
    assert state(house, first["id"]) == (True, 1, 1)
    until(lambda: house.stack.labelled(project) == 1, what="a round with the label")
    queue = house.stack.queue(project)
    assert first["id"] not in queue

    answer = act(house, project, "second_opinion", [first["id"], queue[-1]])
    assert answer.status_code == 200, answer.text
    said = answer.json()["detail"]
    assert "Of 2 tasks 1 wait for one more annotator now" in said
    assert "1 have no label yet" in said
    assert state(house, first["id"]) == (False, 2, 1)
    [told] = [event for event in events(house, project) if event.kind is Kind.SECOND_OPINION]
    assert (told.body["task"], told.body["opinions"]) == (first["id"], 2)
    assert told.body["by"] == house.studio_get("/api/current-user/whoami")["id"]

    for _ in range(2):  # never to who has labelled it
        other = asked(house, ada, project)
        assert other["id"] != first["id"]
        label(house, ada, other)
    again = asked(house, ben, project)
    assert (again["id"], again["queue"]) == (first["id"], "LabelCue queue")
    assert asked(house, cleo, project)["id"] != first["id"]  # one more is wanted, and ben has it
    label(house, ben, again)
    assert state(house, first["id"]) == (True, 2, 2)
    assert asked(house, ben, project)["id"] != first["id"]

    both = until(lambda: len(labels(house, project, first["id"])) == 2 and labels(house, project, first["id"]))
    assert len(set(both)) == 1, "the two do not agree"
    until(lambda: house.stack.labelled(project) == 3, what="a round with all labels")

    def shown() -> bool:
        """The columns are those of the published order: labelled tasks have no place in it."""
        published = house.stack.queue(project)
        listed = ranked(house, project, len(published))
        return [task["id"] for task in listed if task["cue_rank"] is not None] == published

    until(shown, what="the columns")
    assert first["id"] not in house.stack.queue(project)


def test_what_is_sent_back_reaches_another_annotator_and_who_is_left_over_is_told(house: House) -> None:
    project = house.stack.connected_project(30)
    ada, ben = house.tokens[:2]
    mirrored(house, project)
    done = asked(house, ada, project)
    label(house, ada, done)
    skipped = asked(house, ada, project)["id"]
    with closing(LabelStudio(house.studio.url, ada)) as client:
        client.annotate(skipped, [], was_cancelled=True)
    until(lambda: skipped not in house.stack.queue(project), what="a round without the skipped task")
    until(lambda: labels(house, project, done["id"]), what="the label in the ledger")

    said = act(house, project, "requeue", [done["id"], skipped]).json()["detail"]
    assert "Of these 2 wait for one more annotator now" in said
    served = []
    for _ in range(2):
        task = asked(house, ben, project)
        served.append(task["id"])
        label(house, ben, task)
    assert sorted(served) == sorted([done["id"], skipped])
    assert state(house, done["id"]) == (True, 2, 2)
    assert state(house, skipped)[0]

    for token in [*house.tokens[2:], house.stack.token]:
        label(house, token, done)
    said = act(house, project, "second_opinion", [done["id"]]).json()["detail"]
    assert "1 were left: everybody in the organization has labelled or skipped them" in said
    assert state(house, done["id"])[0]


def test_a_begun_task_is_finished_by_another_in_our_order(house: House) -> None:
    project = house.stack.connected_project(30)
    ada, ben = house.tokens[:2]
    mirrored(house, project)
    house.stack.ls.update_project(project, maximum_annotations=2)
    begun = []
    for _ in range(4):
        task = asked(house, ada, project)
        begun.append(int(task["id"]))
        label(house, ada, task)
    snapshot = house.stack.settled(project, 4)
    assert not any(state(house, task)[0] for task in begun)
    doubts = [snapshot.of(task).uncertainty for task in sorted(begun)]  # type: ignore[arg-type, union-attr]
    expected = [task for _, task in sorted(zip(doubts, sorted(begun), strict=True), key=lambda pair: -pair[0])]
    served = []
    with house.stack.held_still("learner"):
        for _ in range(4):
            task = asked(house, ben, project)
            assert task["queue"] == "LabelCue queue"
            served.append(int(task["id"]))
            label(house, ben, task)
    assert served == expected
    assert all(state(house, task)[0] for task in begun)
    assert asked(house, ben, project)["id"] not in begun


def test_what_cannot_be_meant_changes_nothing(house: House) -> None:
    project, other = house.stack.connected_project(30), house.stack.connected_project(10)
    ada = house.tokens[3]
    mirrored(house, project)
    task = asked(house, ada, project)
    label(house, ada, task)
    theirs = house.stack.queue(other)[0]
    answer = act(house, project, "second_opinion", [theirs, 10**9])
    assert answer.status_code in (400, 404), answer.text
    assert act(house, project, "second_opinion", [task["id"]], token="0" * 40).status_code == 401
    unconnected = int(house.stack.ls.create_project("Nobody's", "<View></View>")["id"])
    strange = house.stack.ls.import_tasks(unconnected, [{"data": {"text": "one"}}])
    answer = act(house, unconnected, "second_opinion", list(strange))
    assert (answer.status_code, "does not serve this project" in answer.text) == (400, True)

    with house.stack.without("service"):
        answer = act(house, project, "second_opinion", [task["id"]])
        assert (answer.status_code, "did not take it up" in answer.text) == (400, True)
        assert state(house, task["id"]) == (True, 1, 1)
    assert "Traceback" not in answer.text
    said = act(house, project, "second_opinion", [task["id"]]).json()["detail"]
    assert "1 wait for one more annotator now" in said


def test_a_postponed_task_stays_with_its_annotator_as_long_as_its_lock(house: House) -> None:
    project = house.stack.connected_project(30)
    hal, ben = house.tokens[-1], house.tokens[1]
    mirrored(house, project)
    task = asked(house, hal, project)["id"]
    draft = {"result": [], "lead_time": 1, "was_postponed": True}
    headers = {"Authorization": f"Token {hal}"}
    made = httpx.post(f"{house.studio.url}/api/tasks/{task}/drafts", json=draft, headers=headers, timeout=60)
    assert made.status_code == 201, made.text
    assert asked(house, hal, project)["id"] != task
    assert asked(house, ben, project)["id"] != task
    holders = {pair[1] for pair in house.stack.fold(project).leases if pair[0] == task}
    assert len(holders) == 1
    # Out of the organization: Label Studio takes the locks back, and the lease goes with them.
    organization = house.studio_get("/api/organizations")[0]["id"]
    [hal_id] = holders
    admin = {"Authorization": f"Token {house.stack.token}"}
    path = f"{house.studio.url}/api/organizations/{organization}/memberships/{hal_id}"
    assert httpx.delete(path, headers=admin, timeout=60).status_code == 204
    until(lambda: not any(pair[1] == hal_id for pair in house.stack.fold(project).leases), what="the lease's end")


def test_a_wish_from_a_page_and_a_share_of_the_places_reach_another_annotator(house: House) -> None:
    project = house.stack.connected_project(30)
    ada, ben = house.tokens[:2]
    mirrored(house, project)
    mine = []
    for _ in range(3):
        mine.append(asked(house, ada, project))
        label(house, ada, mine[-1])
    until(lambda: house.stack.labelled(project) == 3, what="a round with the labels")

    with closing(open_ledger(house.stack.settings.store_url)) as ledger:
        body = {"task": mine[0]["id"], "opinions": 2, "by": "Ada"}  # as the page Quality says it
        ledger.append([Event(project, Kind.SECOND_OPINION, "second_opinion:page", body)])
    until(lambda: state(house, mine[0]["id"])[:2] == (False, 2), what="the task to be open")
    assert asked(house, ben, project)["id"] == mine[0]["id"]
    label(house, ben, mine[0])

    insights = house.stack.home.insights(project)  # no insights are computed here
    insights.write_text(json.dumps({"spending": {"second": [mine[2]["id"]]}}))
    saved = httpx.put(
        f"{house.stack.settings.base_url}/api/projects/{project}/settings",
        json={"settings": {"second_opinions": 0.5}, "if_version": 0, "by": "Ada"},
        headers={"Authorization": f"Bearer {house.stack.settings.webhook_secret.get_secret_value()}"},
        timeout=60,
    )
    assert saved.status_code == 200, saved.text
    label(house, ada, asked(house, ada, project))
    until(lambda: state(house, mine[2]["id"])[:2] == (False, 2), what="the share's task to be open")
    assert asked(house, ben, project)["id"] == mine[2]["id"]
    assert asked(house, ada, project)["id"] != mine[2]["id"]
    until(lambda: house.stack.status(project)["opinions"]["asked"] == 1, what="the learner's count")
