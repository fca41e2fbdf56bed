"""What is lost when LabelCue's processes die, or are not there: nothing."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from stack import Stack

from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def frontier() -> int:
    """The product's own outlasts every outage here: Label Studio has no other order while the learner is dead."""
    return Settings().frontier


def annotations_of(stack: Stack, project: int) -> dict[int, int]:
    """Label Studio's truth: annotation → task."""
    return {
        int(one["id"]): int(task["id"])
        for task in stack.ls.annotated_tasks(project)
        for one in task["annotations"]
        if not one["was_cancelled"]
    }


def known(stack: Stack, project: int) -> dict[int, int]:
    """What the ledger says: annotation → task."""
    return {number: int(state.task) for number, state in stack.fold(project).annotations.items()}


def test_labels_made_while_the_service_is_down_are_found(stack: Stack) -> None:
    project = stack.connected_project(60)
    heard: Any = stack.ls.next_task(project)
    stack.label(stack.ls, heard)
    stack.settled(project, 1)

    with stack.without("service"):
        for _ in range(5):
            missed: Any = stack.ls.next_task(project)
            stack.label(stack.ls, missed)
    stack.settled(project, 6)
    assert known(stack, project) == annotations_of(stack, project)


def test_tasks_and_deletions_made_while_everything_is_down_are_found(stack: Stack) -> None:
    project = stack.connected_project(40)
    labelled: list[int] = []
    for _ in range(4):
        task: Any = stack.ls.next_task(project)
        labelled.append(int(stack.label(stack.ls, task)["id"]))
    stack.settled(project, 4)

    stack.stop()
    stack.ls.delete_annotation(labelled[0])
    gone = stack.queue(project)[-1]
    stack.ls.delete_tasks(project, [gone])
    stack.ls.import_tasks(project, [{"data": {"text": "A mail that came in the night."}}])
    stack.start()
    tasks = sorted(stack.ls.task_ids(project))
    until(lambda: (found := stack.snapshot(project)) is not None and found.ids.tolist() == tasks, what="the new tasks")
    stack.settled(project, 3)
    assert known(stack, project) == annotations_of(stack, project)


def test_after_a_kill_the_queue_comes_back_equal(stack: Stack) -> None:
    project = stack.connected_project(80)
    for _ in range(12):
        task: Any = stack.ls.next_task(project)
        stack.label(stack.ls, task)
    before, pid = stack.settled(project, 12), stack.status(project)["pid"]
    stack.kill()
    stack.start()
    until(lambda: stack.status(project)["pid"] != pid, what="the new learner's first words")
    after = stack.settled(project, 12)
    assert after.order.tolist() == before.order.tolist()
    assert np.array_equal(after.probabilities, before.probabilities)


def test_a_kill_of_service_and_learner_in_mid_run_loses_nothing(stack: Stack, annotators: tuple[str, str]) -> None:
    project = stack.connected_project(150)
    made: list[int] = []
    threads = [threading.Thread(target=annotate, args=(stack, project, token, 30, made)) for token in annotators]
    for thread in threads:
        thread.start()
    for labels in (8, 20, 35):
        until(lambda labels=labels: len(made) >= labels, what=f"{labels} labels")  # type: ignore[misc]
        stack.kill()
        stack.start()
    for thread in threads:
        thread.join(timeout=300)
        assert not thread.is_alive()
    truth = annotations_of(stack, project)
    assert sorted(truth) == sorted(made)
    snapshot = stack.settled(project, len(set(truth.values())))
    assert known(stack, project) == truth
    assert not set(truth.values()) & set(snapshot.order.tolist())


def annotate(stack: Stack, project: int, token: str, labels: int, made: list[int]) -> None:
    """One account at work; Label Studio's answers do not depend on ours."""
    with closing(LabelStudio(stack.studio_url, token)) as client:
        for _ in range(labels):
            task: Any = client.next_task(project)
            made.append(int(stack.label(client, task)["id"]))
