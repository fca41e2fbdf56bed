"""Another model beside a real Label Studio: its boxes order the queue, stand there as predictions, and are shown; and
what annotators box is learned from crops, so that its wrong names are found.

The other model is a tiny ML backend that is not LabelCue (`other_model.py`), in a process of its own.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface
from labelling import log_in
from PIL import Image
from pydantic import SecretStr
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser
from labelcue import connect as connecting
from labelcue.store import open_ledger
from labelcue.store.fold import fold
from picturing import as_file
from waiting import until

pytestmark = pytest.mark.e2e

BOXES = """<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image">
<Label value="car"/><Label value="bus"/></RectangleLabels></View>"""
CHOICES = """<View><Text name="text" value="$text"/><Choices name="kind" toName="text"><Choice value="ham"/>
<Choice value="spam"/></Choices></View>"""
TASKS, PLANTED, MISNAMED, DIM = 40, 4, 3, 8
TAUGHT = 24
"""Tasks that are labelled: twice as many of each class as are learned from, audits among them and all."""
COLOURS = {"car": (220, 60, 40), "bus": (40, 80, 220)}


@pytest.fixture
def other_model() -> Iterator[str]:
    """The address of a real process."""
    program = Path(__file__).parents[1] / "other_model.py"
    child = subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait(timeout=60)
        child.stdout.close()


def box(label: str, score: float) -> dict[str, Any]:
    value = {"x": 20.0, "y": 20.0, "width": 40.0, "height": 50.0, "rotation": 0, "rectanglelabels": [label]}
    size = {"original_width": 80, "original_height": 60, "image_rotation": 0}
    return {"from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value, "score": score, **size}


def vector(rng: np.random.Generator) -> list[float]:
    return [round(float(one), 4) for one in rng.normal(size=DIM)]


def truth(number: int) -> str:
    """What is in the picture of a task."""
    return ("car", "bus")[number % 2]


def boxed(number: int, rng: np.random.Generator) -> dict[str, Any]:
    """A task: of the last ones' box the other model is not sure, and it gives the first ones a wrong name."""
    score = 0.92 if number < MISNAMED else 0.08 if number >= TASKS - PLANTED else 0.98
    picture = Image.fromarray(rng.integers(90, 160, (60, 80, 3), dtype=np.uint8))
    picture.paste(COLOURS[truth(number)], (16, 12, 48, 42))
    address = f"data:image/png;base64,{base64.b64encode(as_file(picture)).decode()}"
    return {"image": address, "said": {"result": [box(named(number), score)], "score": score}, "number": number}


def named(number: int) -> str:
    """What the other model takes it for."""
    return truth(number + (number < MISNAMED))


def connect(stack: Stack, project: int, model: str, embedder: str = f"precomputed:field=vector,dim={DIM}") -> None:
    connecting.connect(
        stack.ls,
        stack.home,
        stack.settings,
        project,
        token=SecretStr(stack.token),
        embedder=embedder,
        pre_annotation="on",
        model=model,
        on_step=lambda _words: None,
    )


def all_heard(stack: Stack, project: int, count: int) -> bool:
    """Whether a published round knows of everything that the other model says."""
    told = stack.status(project).get("model") or {}
    snapshot, fold = stack.snapshot(project), stack.fold(project)
    known = [state.position for task in fold.predicted if (state := fold.prediction_of(task)) is not None]
    if snapshot is None or len(snapshot.ids) != TASKS or told.get("heard") != count or len(known) != count:
        return False
    return snapshot.trained and snapshot.round.position >= max(known)


def standing(stack: Stack, project: int) -> dict[int, list[dict[str, Any]]]:
    """The regions of the predictions that Label Studio serves, by the number of the task."""
    version = stack.ls.project(project)["model_version"]
    tasks = [task for page in stack.ls.tasks(project, fields="all") for task in page]
    return {
        int(task["data"]["number"]): one["result"]
        for task in tasks
        for one in task["predictions"]
        if one["model_version"] == version and one["result"]
    }


@needs_browser
def test_boxes_of_another_backend_order_the_queue_and_are_shown(
    stack: Stack, other_model: str, new_page: NewPage
) -> None:
    rng = np.random.default_rng(0)
    project = int(stack.ls.create_project("Boxes of a test", BOXES)["id"])
    stack.ls.import_tasks(project, [{"data": boxed(number, rng)} for number in range(TASKS)])
    connect(stack, project, other_model, "efficientnet-lite0")
    until(lambda: all_heard(stack, project, TASKS), 300, "all of the other model's boxes in a round")
    numbers = {int(task["id"]): int(task["data"]["number"]) for page in stack.ls.tasks(project) for task in page}
    snapshot, doubt = stack.snapshot(project), doubts(stack, project)
    assert snapshot is not None
    planted = {task for task, number in numbers.items() if number >= TASKS - PLANTED}
    assert min(doubt[task] for task in planted) > 0.9
    assert max(doubt[task] for task in doubt if task not in planted) < 0.1
    shown = [task for task in stack.queue(project) if not snapshot.is_audit(task)]
    assert len(planted & set(shown[: 2 * PLANTED])) == PLANTED

    boxes = until(lambda: shown_all(stack, project, len(shown)), 300, "the boxes in Label Studio")
    for number, result in boxes.items():
        assert LabelInterface(BOXES).validate_prediction({"result": result, "score": 0.5}, return_errors=True) == []
        assert result[0]["value"]["rectanglelabels"] == [named(number)]
    see_a_box(stack, project, {task: boxes[number] for task, number in numbers.items() if number in boxes}, new_page())
    taught = sorted(numbers, key=lambda task: numbers[task])[MISNAMED : MISNAMED + TAUGHT]
    for task in taught:
        stack.ls.annotate(task, [box(truth(numbers[task]), 1.0)])
    learned = until(lambda: labelled(stack, project, TAUGHT), 300, "labels of boxes")
    assert {task: label for task, (label,) in learned.items()} == {task: truth(numbers[task]) for task in taught}
    until(lambda: told_apart(stack, project, numbers), 300, "doubt of the wrong names, and of no other")
    until(lambda: (stack.status(project).get("crops") or {}).get("classes") == 2, 300, "the status of crops")


def told_apart(stack: Stack, project: int, numbers: dict[int, int]) -> bool:
    """Whether crops say what the misnamed boxes are, and the latest round doubts these and none that are right."""
    misnamed = {task: number for task, number in numbers.items() if number < MISNAMED}
    right = [task for task, number in numbers.items() if MISNAMED + TAUGHT <= number < TASKS - PLANTED]
    doubt, said = doubts(stack, project), crops(stack, project)
    by_crop = {task: said[task][0][0] for task in misnamed if task in said}
    apart = min(doubt[task] for task in misnamed) > 0.2 > max(doubt[task] for task in right)
    return apart and by_crop == {task: truth(number) for task, number in misnamed.items()}


def crops(stack: Stack, project: int) -> dict[int, list[Any]]:
    """What they say of each task's boxes."""
    with closing(open_ledger(stack.settings.store_url)) as ledger:
        state = fold(ledger.read(project))
        places = {int(task): one.position for task in state.predicted if (one := state.crops_of(task)) is not None}
        return {task: ledger.event(position).body["said"] for task, position in places.items()}


def see_a_box(stack: Stack, project: int, boxes: dict[int, Any], page: Any) -> None:
    """A task that Label Studio opens shows its box, with label and score; audits, which show none, are passed by."""
    log_in(page, stack.studio_url, ADMIN)
    page.goto(f"{stack.studio_url}/projects/{project}/data?labeling=1")
    opened = 0
    while opened not in boxes:
        if opened:
            page.get_by_test_id("bottombar-skip-button").click()
        before = opened
        page.wait_for_function("before => window.Htx?.task && Number(Htx.task.id) !== before", arg=before)
        opened = int(page.evaluate("Number(Htx.task.id)"))
    region = boxes[opened][0]
    page.get_by_text(f"{region['score']:.2f}", exact=True).wait_for()
    drawn = page.evaluate("Htx.annotationStore.selected.regions.map(r => [r.x, r.y, r.width, r.height, ...r.labels])")
    assert drawn == [[20, 20, 40, 50, *region["value"]["rectanglelabels"]]]


def doubts(stack: Stack, project: int) -> dict[int, float]:
    """Of every task, by the latest round."""
    snapshot = stack.snapshot(project)
    assert snapshot is not None
    return dict(zip(snapshot.ids.tolist(), snapshot.doubt(np.arange(TASKS)).tolist(), strict=True))


def labelled(stack: Stack, project: int, count: int) -> dict[int, tuple[str, ...]]:
    """What annotators marked, where so many tasks have been."""
    fold = stack.fold(project)
    said = {
        int(one.task): tuple(label for region in one.result for label in region["value"]["rectanglelabels"])
        for one in fold.annotations.values()
        if not one.cancelled
    }
    snapshot = stack.snapshot(project)
    done = snapshot is not None and snapshot.labelled + snapshot.held_out == len(said) == count
    return said if done else {}


def shown_all(stack: Stack, project: int, least: int) -> dict[int, list[dict[str, Any]]]:
    """All boxes, when they stand there."""
    found = standing(stack, project)
    return found if len(found) >= least else {}


def test_predictions_in_label_studio_order_the_queue(stack: Stack) -> None:
    rng = np.random.default_rng(1)
    project = int(stack.ls.create_project("Predictions of a test", CHOICES)["id"])
    tasks = [{"data": {"text": f"mail {number}", "vector": vector(rng)}} for number in range(TASKS)]
    ids = stack.ls.import_tasks(project, tasks)
    doubtful, silent = set(ids[:PLANTED]), set(ids[-PLANTED:])
    region = {"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": ["spam"]}}
    stack.ls.import_predictions(
        project,
        [
            {"task": task, "result": [region], "score": 0.5 if task in doubtful else 0.98, "model_version": "theirs-1"}
            for task in ids
            if task not in silent
        ],
    )
    connect(stack, project, "labelstudio")
    until(lambda: all_heard(stack, project, TASKS - PLANTED), 300, "all of the predictions in a round")
    snapshot, told = stack.snapshot(project), stack.status(project)["model"]
    assert snapshot is not None
    assert (told["listens"], told["error"], told["missing"]) == (True, "", PLANTED)
    doubt = dict(zip(snapshot.ids.tolist(), snapshot.doubt(np.arange(TASKS)).tolist(), strict=True))
    assert {task for task in ids if doubt[task] > 0.9} == doubtful | silent
    assert stack.ls.model_versions(project)["theirs-1"] == TASKS - PLANTED
