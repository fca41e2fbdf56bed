"""Controls that no other module has on a real Label Studio: connected, ordered, predicted and learned.

All of them beside one Label Studio and one LabelCue; the other model and the server of vectors are on loopback.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import pytest
from controlled import CLASSES, FILES, KEY, MARKS, PLANTED, SERVERS, TASKS, Maker, Work, field, read_of, region
from label_studio_sdk.label_interface.interface import LabelInterface
from stack import Stack

from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.store.snapshot import Snapshot
from labelcue.types import TaskId
from other_model import OtherModel
from serving_vectors import Vectors
from waiting import until

pytestmark = pytest.mark.e2e

GIVEN = 8
LOOK_S = 0.5
"""Between two looks: who asks Label Studio all the time keeps it from everything else."""
RECONCILE_S = 10
"""Nothing is lost here, and so many projects that look for it all the time would keep Label Studio from the rest."""


@pytest.fixture(scope="module")
def stack(studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all of this module."""
    with ExitStack() as cleanup:
        stack = Stack(studio.url, studio.token, tmp_path_factory.mktemp("home"), reconcile_s=RECONCILE_S)
        cleanup.callback(stack.close)
        stack.start()
        yield stack


@pytest.fixture(scope="module")
def vectors() -> Iterator[Vectors]:
    server = Vectors()
    yield server
    server.close()


@pytest.fixture(scope="module")
def works(stack: Stack, vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Work]]:
    """Every project, connected, by what it is of; in those of Choices some tasks are labelled."""
    model = OtherModel()
    model.serve()
    maker = Maker(stack, tmp_path_factory.mktemp("vectors"), model.url, vectors.url)
    made = {tag: maker.marked(tag) for tag in MARKS}
    chosen = {shown: maker.filed(shown) for shown in FILES} | {form: maker.served(form) for form in SERVERS}
    for work in chosen.values():
        until(partial(all_in, stack, work.project), 300, "a round with every task", LOOK_S)
        for place, task in enumerate(work.ids[:GIVEN]):
            stack.ls.annotate(task, [region("Choices", {}, CLASSES[place % 2])])
    yield {**made, **chosen}
    model.close()


def all_in(stack: Stack, project: int, heard: int = 0) -> Snapshot | None:
    """The published round, once it knows every task and all that the other model says."""
    snapshot = stack.snapshot(project)
    if snapshot is None or len(snapshot.ids) != TASKS or len(snapshot.order) != TASKS:
        return None
    fold = stack.fold(project)
    known = [state.position for task in fold.predicted if (state := fold.prediction_of(task)) is not None]
    last = max(known, default=0)
    return snapshot if len(known) == heard and snapshot.round.position >= last else None


def standing(stack: Stack, project: int) -> dict[int, list[dict[str, Any]]]:
    """The regions that Label Studio serves as predictions, by task, once each task that may show one has some."""
    snapshot = stack.snapshot(project)
    version = stack.ls.project(project)["model_version"]
    tasks: list[Any] = [task for page in stack.ls.tasks(project, fields="all") for task in page]
    found = {
        int(task["id"]): one["result"]
        for task in tasks
        for one in task["predictions"]
        if one["model_version"] == version and one["result"]
    }
    assert snapshot is not None
    wanted = {int(task) for task in snapshot.order if not snapshot.is_audit(TaskId(int(task)))}
    return found if wanted and wanted <= found.keys() else {}


def accepted(xml: str, regions: Sequence[dict[str, Any]]) -> None:
    said = {"result": list(regions), "score": 0.5}
    assert LabelInterface(xml).validate_prediction(said, return_errors=True) == []


@pytest.mark.parametrize("tag", MARKS)
def test_marks_of_another_model_are_ordered_and_shown_and_those_of_annotators_learned(
    stack: Stack, works: dict[str, Work], tag: str
) -> None:
    project, ids, xml = works[tag]
    value = MARKS[tag].value
    snapshot = until(lambda: all_in(stack, project, TASKS), 300, "a round with all that the other model says", LOOK_S)
    assert snapshot is not None
    doubt = dict(zip(snapshot.ids.tolist(), snapshot.doubt(np.arange(TASKS)).tolist(), strict=True))
    assert {task for task, one in doubt.items() if one > 0.5} == set(ids[:PLANTED])
    free = [int(task) for task in snapshot.order if not snapshot.is_audit(TaskId(int(task)))]
    assert set(ids[:PLANTED]) & set(free) <= set(free[: 2 * PLANTED])
    stand = until(lambda: standing(stack, project), 300, "the other model's marks in Label Studio", LOOK_S)
    for task, regions in stand.items():
        accepted(xml, regions)
        assert [one["value"] for one in regions] == [{**value, field(tag): [CLASSES[ids.index(task) % 2]]}]

    given = dict(zip(free[-2:], CLASSES, strict=True))
    for task, label in given.items():
        stack.ls.annotate(task, [region(tag, value, label)])
    learned = stack.settled(project, len(given))
    assert (learned.kind["name"], learned.classes, learned.trained) == ("regions", CLASSES, True)
    assert not given.keys() & set(learned.order.tolist())
    spec, fold = parse_config(xml), stack.fold(project)
    told = {task: label_of(spec, fold.of_task(TaskId(task))[0].result) for task in given}
    assert told == {task: {label} for task, label in given.items()}


def learned_and_predicted(stack: Stack, work: Work) -> Snapshot:
    """The round that knows what is labelled, when predictions for the other tasks stand in Label Studio."""
    project, ids, xml = work
    snapshot = stack.settled(project, GIVEN)
    assert (snapshot.kind["name"], snapshot.trained) == ("class", True)
    assert set(snapshot.order.tolist()) == set(ids[GIVEN:])
    for regions in until(lambda: standing(stack, project), 300, "predictions in Label Studio", LOOK_S).values():
        accepted(xml, regions)
        assert label_of(parse_config(xml), regions) in CLASSES
    return snapshot


@pytest.mark.parametrize("shown", FILES)
def test_choices_are_learned_on_vectors_that_somebody_made(stack: Stack, works: dict[str, Work], shown: str) -> None:
    snapshot = learned_and_predicted(stack, works[shown])
    said = {int(task): one.label for task in snapshot.order if (one := snapshot.of(TaskId(int(task)))) is not None}
    assert said == {task: CLASSES[place % 2] for place, task in enumerate(works[shown].ids) if task in said}


@pytest.mark.parametrize("form", SERVERS)
def test_choices_are_learned_on_vectors_of_a_server(
    stack: Stack, works: dict[str, Work], vectors: Vectors, form: str
) -> None:
    learned_and_predicted(stack, works[form])
    asked = {text for one in vectors.asked for text in one.get({"http": "texts", "openai": "input"}[form], ())}
    assert asked == {read_of(SERVERS[form][1], number) for number in range(TASKS)}
    assert set(vectors.keys) == {f"Bearer {KEY}"}
