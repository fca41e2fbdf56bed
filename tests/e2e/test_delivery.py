"""Delivery and reconcile on a real Label Studio, with the learner held still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from labelcue.delivery import Delivery
from labelcue.delivery.record import FrontierRecord
from labelcue.delivery.rotation import GRACE, OPEN
from labelcue.demo.accounts import sign_up
from labelcue.labelstudio.client import LabelStudio
from labelcue.reconcile import Reconciler
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.fold import fold
from labelcue.store.layout import Home
from published import published
from waiting import until

pytestmark = pytest.mark.e2e

CONFIG = """<View><Text name="text" value="$text"/><Choices name="kind" toName="text">
<Choice value="ham"/><Choice value="spam"/></Choices></View>"""


def kind(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]


@pytest.fixture
def ls(studio: Any) -> Iterator[LabelStudio]:
    with closing(LabelStudio(studio.url, studio.token)) as client:
        yield client


@pytest.fixture
def second(studio: Any) -> Iterator[LabelStudio]:
    account = sign_up(studio.url, "second.annotator@labelcue.local", "second-annotator")
    with closing(LabelStudio(studio.url, account.token.get_secret_value())) as client:
        yield client


@pytest.fixture
def project(ls: LabelStudio) -> Iterator[int]:
    number = int(ls.create_project("Mails to deliver", CONFIG)["id"])
    ls.update_project(number, sampling="Uncertainty sampling")
    yield number
    ls.delete_project(number)


@pytest.fixture
def tasks(ls: LabelStudio, project: int) -> list[int]:
    return ls.import_tasks(project, [{"text": f"mail {place}"} for place in range(60)])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def delivery_of(
    ls: LabelStudio,
    home: Home,
    project: int,
    mode: str = "off",
    timer: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> Delivery:
    token = SecretStr("not used here")
    connection = Connection(url=ls.url, project=project, token=token, pre_annotation=mode)  # type: ignore[arg-type]
    return Delivery(ls, home, project, Settings(**settings), connection, timer=timer)


def shuffled(tasks: list[int], seed: int) -> list[int]:
    return [int(task) for task in np.random.default_rng(seed).permutation(tasks)]


def label(annotators: list[LabelStudio], project: int, count: int) -> list[int]:
    """What `annotators`, in turn, are given by Label Studio's own next task, each labelled at once."""
    given: list[int] = []
    for turn in range(count):
        annotator = annotators[turn % len(annotators)]
        task = annotator.next_task(project)
        assert task is not None
        given.append(int(task["id"]))
        annotator.annotate(given[-1], kind("ham"))
    return given


def test_two_accounts_in_turn_are_given_the_published_order(
    ls: LabelStudio, second: LabelStudio, project: int, tasks: list[int], home: Home
) -> None:
    order = shuffled(tasks, 1)
    delivery = delivery_of(ls, home, project)
    delivery.publish(published(project, 1, tasks, order))
    delivery.step()
    assert label([ls, second], project, 20) == order[:20]


def test_two_accounts_at_once_never_hold_the_same_task(
    ls: LabelStudio, second: LabelStudio, project: int, tasks: list[int], home: Home
) -> None:
    order = shuffled(tasks, 2)
    delivery = delivery_of(ls, home, project)
    delivery.publish(published(project, 1, tasks, order))
    delivery.step()
    first_given, second_given = ls.next_task(project), second.next_task(project)
    assert [(one or {})["id"] for one in (first_given, second_given)] == order[:2]


def test_a_rotation_keeps_the_order_and_removes_what_was_before(
    ls: LabelStudio, second: LabelStudio, project: int, tasks: list[int], home: Home
) -> None:
    ls.import_predictions(
        project,
        [
            {"task": task, "result": [], "score": 0.9, "model_version": name}
            for task in tasks
            for name in ("cue-queue-3", "v1")
        ],
    )
    delivery = delivery_of(ls, home, project, delivery_duty=1.0, frontier=40)
    delivery.publish(published(project, 1, tasks, first := shuffled(tasks, 3)))
    wanted = {"cue-queue-4": 40, "v1": 60}
    until(lambda: delivery.step() and ls.model_versions(project) == wanted, what="the end of what was before")
    served = label([ls, second], project, 6)
    assert served == first[:6]
    later = [task for task in shuffled(tasks, 4) if task not in served]
    delivery.publish(published(project, 2, tasks, later))
    until(lambda: delivery.step() and delivery.status()["version"] == "cue-queue-5", what="the second frontier")
    assert label([ls, second], project, 6) == later[:6]
    wanted = {"cue-queue-5": 40, "v1": 60}
    until(lambda: delivery.step() and ls.model_versions(project) == wanted, what="the end of the first frontier")
    assert FrontierRecord(home.project(project) / "frontiers.jsonl").tasks_of("cue-queue-5") == tuple(later[:40])


def test_an_annotation_that_names_a_label_is_taken_though_none_are_shown_any_more(
    studio: Any, ls: LabelStudio, project: int, tasks: list[int], home: Home
) -> None:
    later = [0.0]
    delivery = delivery_of(ls, home, project, mode="on", timer=lambda: time.monotonic() + later[0])
    delivery.publish(published(project, 1, tasks, tasks))
    delivery.step()
    before = delivery.status()["version"]
    opened: Any = ls.next_task(project)
    parent = opened["predictions"][0]
    assert parent["result"][0]["value"] == {"choices": ["ham"]}

    later[0] += 3600
    delivery.publish(published(project, 2, tasks, tasks, levers={"pre_annotation": "off"}))
    delivery.step()
    assert delivery.status()["version"] not in ("", before)
    assert ls.project(project)["show_collab_predictions"] is False
    later[0] += 10 * GRACE
    delivery.step()

    address = f"{ls.url}/api/tasks/{opened['id']}/annotations/"
    body = {"result": parent["result"], "parent_prediction": parent["id"]}
    taken = httpx.post(address, json=body, headers={"Authorization": f"Token {studio.token}"}, timeout=60)
    assert taken.status_code == 201, taken.text
    later[0] += OPEN
    delivery.step()
    assert before not in ls.model_versions(project)


def test_a_task_that_is_gone_does_not_hold_up_the_others(
    ls: LabelStudio, project: int, tasks: list[int], home: Home
) -> None:
    order = shuffled(tasks, 5)
    ls.delete_tasks(project, order[1:3])
    delivery = delivery_of(ls, home, project, mode="on")
    delivery.publish(published(project, 1, tasks, order))
    delivery.step()
    task = ls.next_task(project) or {}
    assert task["id"] == order[0]
    assert [one["result"][0]["value"] for one in task["predictions"]] == [{"choices": ["ham"]}]
    ls.annotate(order[0], kind("ham"))
    assert label([ls], project, 4) == order[3:7]


def test_while_orders_change_every_task_that_is_given_stands_in_the_frontier_of_that_moment(
    ls: LabelStudio, second: LabelStudio, project: int, tasks: list[int], home: Home
) -> None:
    delivery, stop = delivery_of(ls, home, project, frontier=30, delivery_duty=0.5), threading.Event()
    thread = threading.Thread(target=delivery.run, args=(stop,))
    thread.start()
    try:
        left = list(tasks)
        delivery.publish(published(project, 1, tasks, left))
        record = FrontierRecord(home.project(project) / "frontiers.jsonl")
        until(lambda: any("serving" in line for line in record.lines()), what="the first frontier")
        for number in range(2, 52):
            if number > 31 and delivery.status()["rotations"] > 2:
                break
            before = record.lines()
            (given,) = label([(ls, second)[number % 2]], project, 1)
            assert given in _frontiers(before, record.lines())
            left = shuffled([task for task in left if task != given], number)
            delivery.publish(published(project, number, tasks, left))
    finally:
        stop.set()
        delivery.wake.set()
        thread.join(timeout=120)
    assert delivery.status()["rotations"] > 2
    assert delivery.status()["error"] == ""


def _frontiers(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> set[int]:
    """Tasks of every frontier that may have been served between two readings of the record."""
    served = next(line["version"] for line in reversed(before) if "serving" in line)
    lists = {line["version"]: line["ids"] for line in after if "ids" in line}
    begun = [line["version"] for line in after[len(before) :]] + [before[-1]["version"]]
    return {task for version in {served, *begun} for task in lists[version]}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")) as store:
        yield store


def test_what_webhooks_missed_is_found_on_a_real_label_studio(
    ls: LabelStudio, second: LabelStudio, project: int, tasks: list[int], ledger: Ledger
) -> None:
    reconciler = Reconciler(ls, ledger, project, Settings())

    def assert_equal() -> None:
        state = fold(ledger.read(project))
        rows = [task for page in ls.tasks(project, fields="all") for task in page]
        data = {task: ledger.event(one.position).body["data"] for task, one in state.tasks.items()}
        assert data == {task["id"]: task["data"] for task in rows}
        theirs = {
            one["id"]: (task["id"], one["completed_by"], one["was_cancelled"], one["result"])
            for task in rows
            for one in task["annotations"]
        }
        ours = state.annotations.items()
        assert {number: (one.task, one.user, one.cancelled, one.result) for number, one in ours} == theirs
        assert state.label_config == ls.project(project)["label_config"]

    kept = int(ls.annotate(tasks[0], kind("ham"))["id"])
    gone = int(second.annotate(tasks[1], kind("ham"))["id"])
    second.annotate(tasks[2], [], was_cancelled=True)
    report = reconciler.poll()
    assert (report.full, report.tasks_new, report.annotations_new) == (True, 60, 3)
    assert_equal()

    ls.update_annotation(kept, kind("spam"))
    ls.delete_annotation(gone)
    ls.annotate(tasks[3], kind("ham"))
    labelled = {"data": {"text": "comes labelled"}, "annotations": [{"result": kind("spam")}]}
    ls.import_tasks(project, [labelled])
    report = reconciler.poll()
    assert (report.full, report.tasks_new, report.annotations_new, report.annotations_gone) == (False, 1, 3, 1)
    assert_equal()

    ls.delete_tasks(project, tasks[:2])
    ls.update_project(project, label_config=CONFIG.replace("ham", "wanted"))
    report = reconciler.poll()
    assert (report.full, report.tasks_gone, report.config_changed) == (True, 2, True)
    assert_equal()
    assert reconciler.poll().events == 0
