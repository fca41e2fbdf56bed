"""Two accounts label through Label Studio's own next-task API, and get LabelCue's order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle, islice
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from stack import ANSWERS, SPEC, Stack

from labelcue.demo.simulate import choice
from labelcue.labelstudio.client import LabelStudio
from labelcue.store.snapshot import Snapshot
from labelcue.types import TaskId
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SPARE = 8


def serve_in_turn(
    stack: Stack, project: int, tokens: Sequence[str], tasks: int, spare: int = 0
) -> list[tuple[int, float, float]]:
    """(task, asked, answered) of every task that the accounts were served and labelled, one account after the other.

    They wait while fewer than `spare` tasks of the frontier are left: where a machine is so slow that delivery cannot
    follow, Label Studio serves what it likes.
    """
    clients = [LabelStudio(stack.studio_url, token) for token in tokens]
    served: list[tuple[int, float, float]] = []

    def is_fed() -> bool:
        return len(set(stack.served_frontier(project)) - {task for task, _, _ in served}) >= spare

    for client in islice(cycle(clients), tasks):
        until(is_fed, what="a frontier that is not used up")
        asked = time.time()
        task: Any = client.next_task(project)
        served.append((int(task["id"]), asked, time.time()))
        stack.label(client, task)
    for client in clients:
        client.close()
    return served


def could_be_served(lines: Sequence[dict[str, Any]], asked: float, answered: float) -> set[int]:
    """The ids of every frontier that Label Studio may have served from at some time between these two."""
    ids = {line["version"]: set(line["ids"]) for line in lines if "ids" in line}
    serving = [line for line in lines if "serving" in line and line["serving"] <= asked]
    switched = [line for line in lines if "switching" in line and line["switching"] <= answered]
    begun = switched[-1:] if not serving else [line for line in switched if line["switching"] >= serving[-1]["serving"]]
    versions = [line["version"] for line in (*serving[-1:], *begun)]
    return set().union(*(ids.get(version, set()) for version in versions))


def test_while_the_learner_stands_still_the_published_order_is_served_without_a_duplicate(
    stack: Stack, annotators: tuple[str, str]
) -> None:
    project = stack.connected_project(120)
    published = stack.queue(project)
    assert sorted(published) == sorted(stack.ls.task_ids(project))
    with stack.held_still("learner"):
        served = [task for task, _, _ in serve_in_turn(stack, project, annotators, 40)]
    assert served == published[:40]
    snapshot = stack.settled(project, 40)
    assert not set(served) & set(snapshot.order.tolist())


def test_while_the_learner_runs_every_served_task_stands_in_the_frontier_of_its_moment(
    stack: Stack, annotators: tuple[str, str]
) -> None:
    project = stack.connected_project(160)
    first = len(stack.frontiers(project))
    served = serve_in_turn(stack, project, annotators, 60, SPARE)
    lines = stack.frontiers(project)
    assert len(lines) > first, "the frontier was never rotated, so that nothing is shown"
    assert len({task for task, _, _ in served}) == 60
    for task, asked, answered in served:
        assert task in could_be_served(lines, asked, answered)
    snapshot = stack.settled(project, 60)
    tells_the_classes_apart(stack, project, snapshot)


def tells_the_classes_apart(stack: Stack, project: int, snapshot: Any) -> None:
    """On the tasks that nobody has labelled, better than one answer for all, which is right on half of the classes.

    Each class counts the same: the queue looks for what is rare, so that little of it is left.
    """
    texts = {int(task["id"]): task["data"]["text"] for page in stack.ls.tasks(project) for task in page}
    rest = snapshot.rank >= 0
    truth = [snapshot.classes.index(ANSWERS[texts[int(task)]]) for task in snapshot.ids[rest]]
    assert balanced_accuracy_score(truth, snapshot.probabilities[rest].argmax(axis=1)) > 0.6


def test_an_update_and_a_deletion_reach_the_surrogate(stack: Stack) -> None:
    project = stack.connected_project(120)
    made: list[tuple[int, int, str]] = []
    for _ in range(20):
        task: Any = stack.ls.next_task(project)
        annotation = stack.label(stack.ls, task)
        made.append((int(task["id"]), int(annotation["id"]), ANSWERS[task["data"]["text"]]))
    before = stack.settled(project, 20)
    task, annotation, given = next(one for one in reversed(made) if not before.is_audit(TaskId(one[0])))
    other = next(name for name in before.classes if name != given)

    stack.ls.update_annotation(annotation, choice(SPEC, other))
    until(lambda: is_answered(stack, project, annotation, other), what="the update in the ledger")
    updated = stack.settled(project, 20)
    assert log_odds(updated, task, given) < log_odds(before, task, given)

    stack.ls.delete_annotation(annotation)
    deleted = stack.settled(project, 19)
    assert task in deleted.order
    assert log_odds(deleted, task, given) > log_odds(updated, task, given)


def log_odds(snapshot: Snapshot, task: int, label: str) -> float:
    """How much the model leans to a label of two, before calibration: the temperature may be chosen anew meanwhile."""
    p = float(snapshot.probabilities[np.searchsorted(snapshot.ids, task), snapshot.classes.index(label)])
    return snapshot.temperature * float(np.log(p / (1 - p)))


def is_answered(stack: Stack, project: int, annotation: int, label: str) -> bool:
    """Whether the ledger knows this as the annotation's answer."""
    [region] = stack.fold(project).annotations[annotation].result
    return bool(region["value"]["choices"] == [label])


def test_a_skipped_task_leaves_the_queue(stack: Stack) -> None:
    project = stack.connected_project(30)
    task: Any = stack.ls.next_task(project)
    stack.ls.annotate(int(task["id"]), [], was_cancelled=True)
    until(lambda: int(task["id"]) not in stack.queue(project), what="the skip")
    assert stack.labelled(project) == 0


def test_labels_of_two_accounts_are_both_counted(stack: Stack, annotators: tuple[str, str]) -> None:
    project = stack.connected_project(30)
    task: Any = stack.ls.next_task(project)
    for token in annotators:
        with closing(LabelStudio(stack.studio_url, token)) as client:
            stack.label(client, task)
    until(lambda: len(stack.fold(project).annotations) == 2, what="both labels in the ledger")
    assert stack.settled(project, 1).labels == 1
