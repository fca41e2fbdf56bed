"""Sets and numbers on a real Label Studio: connected, learned, and predicted by regions that it takes."""

from __future__ import annotations

from typing import Any

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface
from stack import ANSWERS, Stack

from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from waiting import until

pytestmark = pytest.mark.e2e

TEXT = '<View><Text name="text" value="$text"/>{}</View>'
KINDS: dict[str, tuple[str, str, Any, Any]] = {
    "set": (
        '<Choices name="label" toName="text" choice="multiple"><Choice value="mail"/><Choice value="junk"/></Choices>',
        "choices",
        ["mail"],
        ["mail", "junk"],
    ),
    "rating": ('<Rating name="label" toName="text" maxRating="7"/>', "rating", 6, 1),
    "number": ('<Number name="label" toName="text" min="0" max="10"/>', "number", 8.5, 2),
}
"""Control, type of its region, what is said of ham, and of spam."""
MAILS, GIVEN = 30, 14


def predicted(stack: Stack, project: int) -> list[list[dict[str, Any]]]:
    """The regions of the predictions that stand in Label Studio for tasks that nobody has labelled."""
    tasks = [task for part in stack.ls.tasks(project, fields="all") for task in part]
    free = [task for task in tasks if not task["annotations"]]
    return [one["result"] for task in free for one in task["predictions"] if one["result"]]


@pytest.mark.parametrize("kind", KINDS)
def test_sets_and_numbers_are_learned_and_predicted(stack: Stack, kind: str) -> None:
    control, tag, ham, spam = KINDS[kind]
    xml = TEXT.format(control)
    project = stack.connected_project(MAILS, "on", xml)
    tasks = [task for part in stack.ls.tasks(project) for task in part]
    hams = [task for task in tasks if ANSWERS[task["data"]["text"]] == "ham"]
    junk = [task for task in tasks if task not in hams]
    for task in [*hams[: GIVEN // 2], *junk[: GIVEN // 2]]:
        value = {tag: ham if task in hams else spam}
        region = {"from_name": "label", "to_name": "text", "type": tag, "value": value}
        stack.ls.annotate(int(task["id"]), [region])
    snapshot = stack.settled(project, GIVEN)
    assert snapshot.kind["name"] == ("set" if kind == "set" else "number")
    assert snapshot.trained
    regions = until(lambda: predicted(stack, project), 300, "predictions in Label Studio")
    spec = parse_config(xml)
    for result in regions:
        assert LabelInterface(xml).validate_prediction({"result": result, "score": 0.5}, return_errors=True) == []
        assert label_of(spec, result) is not None
