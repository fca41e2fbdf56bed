"""The plugin in a real Label Studio: the published queue in every entrance, for any number of annotators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import cycle, islice
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from plugged import House, asked, ranked, tasks_of

from labelcue.demo.project import label_config
from labelcue.doctor import examine
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.way import way_of
from labelcue.store import open_ledger
from labelcue.types import Event, Kind, TaskId
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def serve_in_turn(house: House, project: int, tokens: list[str], tasks: int) -> list[int]:
    """Tasks that the accounts were served and labelled, one account after the other."""
    clients = [LabelStudio(house.studio.url, token) for token in tokens]
    served = []
    for client in islice(cycle(clients), tasks):
        task: Any = client.next_task(project)
        served.append(int(task["id"]))
        house.stack.label(client, task)
    for client in clients:
        client.close()
    return served


ENTRANCES: dict[str, dict[str, Any] | None] = {
    "GET next": None,
    "Label All Tasks": {"project": "1"},
    "Label Tasks As Displayed": {"ordering": ["-tasks:id"], "filters": {"conjunction": "and", "items": []}},
    "direct link": {"filters": {"conjunction": "and", "items": []}},
}


def test_every_entrance_serves_the_published_order_to_two_annotators(house: House) -> None:
    project = house.stack.connected_project(60)
    published = house.stack.queue(project)
    served = []
    with house.stack.held_still("learner"):
        for entrance in ENTRANCES.values():
            for token in house.tokens[:2]:
                task = asked(house, token, project, entrance)
                assert task["queue"] == "LabelCue queue"
                # The annotator's own lock: whoever asks again gets the same task again.
                assert asked(house, token, project, entrance)["id"] == task["id"]
                served.append(int(task["id"]))
                with closing(LabelStudio(house.studio.url, token)) as client:
                    house.stack.label(client, task)
        assert served == published[: len(served)]
        leases = [event for event in events(house, project) if event.kind is Kind.LEASE]
        assert [event.body["task"] for event in leases] == served

        middle = sorted(published)[30]
        only = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": middle}
        displayed = {"ordering": ["tasks:id"], "filters": {"conjunction": "and", "items": [only]}}
        filtered = [asked(house, token, project, displayed)["id"] for token in house.tokens[:2]]
        assert filtered == [task for task in published[len(served) :] if task > middle][:2]
    assert way_of(house.stack.ls, project).by_plugin
    [finding] = [one for one in examine(house.stack.home, house.stack.settings, project) if one.name == "plugin"]
    assert (finding.level, "exactly in the queue's order" in finding.what) == ("ok", True)


def events(house: House, project: int) -> list[Event]:
    with closing(open_ledger(house.stack.settings.store_url)) as ledger:
        return list(ledger.read(project))


def test_eight_at_once_never_get_the_same_task(house: House) -> None:
    project = house.stack.connected_project(120)
    published = house.stack.queue(project)

    def work(token: str) -> list[int]:
        return serve_in_turn(house, project, [token], 5)

    with ThreadPoolExecutor(len(house.tokens)) as pool:
        with house.stack.held_still("learner"):
            first = list(pool.map(lambda token: int(asked(house, token, project)["id"]), house.tokens))
        served = [task for tasks in pool.map(work, house.tokens) for task in tasks]
    assert sorted(first) == sorted(published[:8])
    assert len(set(served)) == len(served) == 40
    assert set(first) <= set(served)


def test_the_data_manager_shows_the_order_and_a_rare_filter_is_served_from_it(house: House) -> None:
    project = house.stack.connected_project(230)
    published = house.stack.queue(project)
    asked(house, house.tokens[0], project)
    listed = until(lambda: ranked(house, project, 230), what="the mirror")
    assert [task["id"] for task in listed] == published
    assert [task["cue_rank"] for task in listed] == list(range(230))
    assert listed[0]["cue_priority"] == 1
    assert "too few labels yet" in listed[0]["cue_reason"]
    columns = {one["id"] for one in house.studio_get("/api/dm/columns", project=project)["columns"]}
    assert {"cue_rank", "cue_priority", "cue_uncertainty", "cue_reason"} <= columns

    head = {"filter": "filter:tasks:cue_rank", "operator": "less", "type": "Number", "value": 3}
    assert [task["id"] for task in tasks_of(house, project, [head])] == published[:3]
    rare = {"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": published[-1]}
    body = {"ordering": [], "filters": {"conjunction": "and", "items": [rare]}}
    assert asked(house, house.tokens[1], project, body)["id"] == published[-1]

    def act(action: str, *tasks: int) -> str:
        body = {"selectedItems": {"all": False, "included": list(tasks)}}
        return str(house.studio_post(f"/api/dm/actions?id=labelcue_{action}&project={project}", body)["detail"])

    first, last = published[1], published[-2]
    assert "come first" in act("pin", last)
    assert "held back" in act("hold", first)
    until(lambda: house.stack.queue(project)[0] == last and first not in house.stack.queue(project))
    assert asked(house, house.tokens[2], project)["id"] == last
    act("requeue", last, first)
    until(lambda: house.stack.queue(project)[0] != last and first in house.stack.queue(project))
    assert "anew" in act("rerank")
    assert [event.kind for event in events(house, project)].count(Kind.TRAIN) == 1


def test_skips_and_overlap_keep_label_studios_meaning(house: House) -> None:
    project = house.stack.connected_project(30)
    ada, ben = house.tokens[:2]
    skipped = asked(house, ada, project)["id"]
    with closing(LabelStudio(house.studio.url, ada)) as client:
        client.annotate(skipped, [], was_cancelled=True)
    following = asked(house, ada, project)["id"]
    assert following != skipped

    house.stack.ls.update_project(project, maximum_annotations=2)
    other = asked(house, ben, project)
    assert other["id"] != following or other["queue"] == "LabelCue queue"
    with closing(LabelStudio(house.studio.url, ada)) as client:
        house.stack.label(client, asked(house, ada, project))
    with closing(LabelStudio(house.studio.url, ben)) as client:
        house.stack.label(client, other)
    until(lambda: known(house, project, following), what="ada's label in the ledger")
    begun = asked(house, ben, project)
    assert (begun["id"], begun["queue"]) == (following, "LabelCue queue")


def known(house: House, project: int, task: int) -> bool:
    """Whether LabelCue has heard of a label on the task: its webhook may come late, or never and reconcile finds it."""
    return bool(house.stack.fold(project).of_task(TaskId(task)))


def test_a_project_that_is_not_connected_is_served_by_label_studio(house: House) -> None:
    project = int(house.stack.ls.create_project("Not LabelCue's", label_config())["id"])
    tasks = house.stack.ls.import_tasks(project, [{"data": {"text": "one"}}, {"data": {"text": "two"}}])
    task = asked(house, house.tokens[0], project)
    assert (task["id"], task["queue"]) == (min(tasks), "Sequence queue")


def test_a_label_is_known_at_once_and_without_labelcue_the_last_order_serves(house: House) -> None:
    project = house.stack.connected_project(150)
    strange = int(house.stack.ls.create_project("Nobody's", label_config())["id"])
    house.stack.ls.import_tasks(strange, [{"data": {"text": "one"}}])
    task = asked(house, house.tokens[0], project)
    with closing(LabelStudio(house.studio.url, house.tokens[0])) as client:
        house.stack.label(client, task)
    published = house.stack.settled(project, 1).order.tolist()
    assert asked(house, house.tokens[0], project)["id"] == published[0]
    lines = house.log().count("LabelCue cannot be used")
    with house.stack.held_still("learner"):
        first = asked(house, house.tokens[1], project)
        house.stack.kill("service")
        second = asked(house, house.tokens[2], project)
        assert [published.index(one["id"]) for one in (first, second)] == [1, 2]
        assert second["queue"] == "LabelCue's last queue"
        # Of this project nothing was ever heard here: Label Studio's own choice.
        assert "LabelCue" not in asked(house, house.tokens[0], strange)["queue"]
        assert not way_of(house.stack.ls, project).by_plugin
        house.stack.start("service")
        until(lambda: is_well(house, project), every=1)
    assert house.log().count("LabelCue cannot be used") == lines + 1
    assert "LabelCue answers again" in house.log()


def is_well(house: House, project: int) -> bool:
    """Whether the next choice is LabelCue's; the task is labelled, so that asking again asks LabelCue again."""
    task = asked(house, house.tokens[2], project)
    with closing(LabelStudio(house.studio.url, house.tokens[2])) as client:
        house.stack.label(client, task)
    return bool(task["queue"] == "LabelCue queue")


GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<garbage>"


def test_whatever_is_in_labelcues_place_annotators_get_tasks(house: House) -> None:
    project = house.stack.connected_project(200)
    settings = house.stack.home.root / "labelcue.toml"
    right = settings.read_text()
    for answer in (b"", GARBAGE, None):
        until(lambda: is_well(house, project), every=1)
        with house.stack.without("service"), listening(house.stack.settings.port, answer) as calls:
            task = asked(house, house.tokens[3], project)
            # At once, or in the pause after a question that the service left open as it went.
            until(lambda: calls, what="a question to what took its place")
        assert task["queue"] == "LabelCue's last queue"
        with closing(LabelStudio(house.studio.url, house.tokens[3])) as client:
            house.stack.label(client, task)

    until(lambda: is_well(house, project), every=1)
    with house.stack.without("service"):
        settings.write_text(right.replace('_secret = "', '_secret = "not-'))
    try:
        for token in house.tokens[4:]:
            assert asked(house, token, project)["queue"] != "LabelCue queue"
        until(lambda: "it refuses the secret" in house.log(), what="a line in the log")
        assert house.log().count("it refuses the secret") < len(house.tokens[4:]), "a line for each request"
    finally:
        with house.stack.without("service"):
            settings.write_text(right)


@contextmanager
def listening(port: int, answer: bytes | None) -> Iterator[list[bytes]]:
    """Something on LabelCue's port that gives this answer to whatever it hears; None: it says nothing at all."""
    heard: list[bytes] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(65536))
            if answer is None:
                self.request.recv(65536)  # until the other side gives up
            else:
                self.request.sendall(answer)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield heard
        server.shutdown()


def test_huge_filters_are_served_in_order_or_answered_as_label_studio_does(house: House) -> None:
    project = house.stack.connected_project(40)
    published = house.stack.queue(project)
    strange = int(house.stack.ls.create_project("Not ours", label_config())["id"])
    house.stack.ls.import_tasks(strange, [{"data": {"text": "one"}}])
    asked(house, house.tokens[0], project)  # makes the plugin know of the project

    def filtered(of: int, token: str, conditions: int) -> httpx.Response:
        tasks = [*published[-2:], *range(10**6, 10**6 + conditions)]
        items = [{"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": one} for one in tasks]
        return httpx.post(
            f"{house.studio.url}/api/dm/actions",
            params={"id": "next_task", "project": of},
            json={"ordering": [], "filters": {"conjunction": "or", "items": items}},
            headers={"Authorization": f"Token {token}"},
            timeout=120,
        )

    with house.stack.held_still("learner"):
        assert filtered(project, house.tokens[1], 200).json()["id"] == published[-2]
        for conditions in (1_000, 5_000):
            ours, stock = (filtered(one, house.tokens[2], conditions) for one in (project, strange))
            # SQLite refuses conditions nested that deep, whoever asks.
            assert ours.status_code in (stock.status_code, 200)
            assert "Traceback" not in ours.text
        assert asked(house, house.tokens[3], project)["queue"] == "LabelCue queue"


def test_of_strange_candidates_only_what_label_studio_itself_would_serve_is_served(house: House) -> None:
    project = house.stack.connected_project(30)
    other = int(house.stack.ls.create_project("Somebody else's", label_config())["id"])
    theirs = house.stack.ls.import_tasks(other, [{"data": {"text": "not of this project"}}])
    gone, wanted, *_ = house.stack.queue(project)[::-1]
    asked(house, house.tokens[0], project)  # makes the plugin know of the project
    house.stack.ls.delete_tasks(project, [gone])
    many = range(10**9, 10**9 + 10_000)
    said = json.dumps({"tasks": [{"id": task} for task in (*theirs, gone, 2**62, wanted, *many)]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said
    with house.stack.without("service"), listening(house.stack.settings.port, answer):
        for token in house.tokens[1:]:  # one whose answer came too late is served by the last order
            until(lambda: way_of(house.stack.ls, project).by_plugin, timeout=60, what="the end of the pause")
            task = asked(house, token, project)
            if task["queue"] == "LabelCue queue":
                break
    assert (task["id"], task["queue"]) == (wanted, "LabelCue queue")


def test_who_is_not_logged_in_hears_nothing_and_strange_projects_are_not_found(house: House) -> None:
    path = f"{house.studio.url}/api/labelcue/status"
    assert httpx.get(path, timeout=60).status_code == 401
    headers = {"Authorization": f"Token {house.tokens[0]}"}
    for strange in ("999999", "0", "x", "-1", "9" * 30):
        assert httpx.get(path, params={"project": strange}, headers=headers, timeout=60).status_code == 404
