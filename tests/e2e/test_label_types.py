"""Every control on a real Label Studio: connected, learned, and predicted by regions that it takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface
from stack import ANSWERS, Stack

from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from waiting import until

pytestmark = pytest.mark.e2e

TEXT = '<View><Text name="text" value="$text"/><Text name="other" value="$other"/>{}</View>'
TWO = '<Choice value="mail"/><Choice value="junk"/>'


class Sort(NamedTuple):
    """A label config, the kind of its labels, and what is said of ham and of spam: (control, type, value)."""

    controls: str
    kind: str
    ham: list[tuple[str, str, Any]]
    spam: list[tuple[str, str, Any]]


SORTS = {
    "several choices": Sort(
        f'<Choices name="label" toName="text" choice="multiple">{TWO}</Choices>',
        "set",
        [("label", "choices", ["mail"])],
        [("label", "choices", ["mail", "junk"])],
    ),
    "rating": Sort(
        '<Rating name="label" toName="text" maxRating="7"/>',
        "number",
        [("label", "rating", 6)],
        [("label", "rating", 1)],
    ),
    "number": Sort(
        '<Number name="label" toName="text" min="0" max="10"/>',
        "number",
        [("label", "number", 8.5)],
        [("label", "number", 2)],
    ),
    "taxonomy": Sort(
        f'<Taxonomy name="label" toName="text"><Choice value="all">{TWO}</Choice><Choice value="dear"/></Taxonomy>',
        "set",
        [("label", "taxonomy", [["all", "mail"], ["dear"]])],
        [("label", "taxonomy", [["all", "junk"]])],
    ),
    "pairwise": Sort(
        '<Pairwise name="label" toName="text,other"/>',
        "pair",
        [("label", "pairwise", "left")],
        [("label", "pairwise", "right")],
    ),
}
SORTS["several controls"] = Sort(
    f'<Choices name="topic" toName="text" cueWeight="2">{TWO}</Choices><Rating name="stars" toName="text"/>'
    '<TextArea name="note" toName="text"/>',
    "joint",
    [("topic", "choices", ["mail"]), ("stars", "rating", 5), ("note", "textarea", ["fine"])],
    [("topic", "choices", ["junk"]), ("stars", "rating", 1)],
)
FIELDS = {"pairwise": "selected"}
"""Where a region's value stands, where that is not called as its type."""
MAILS, GIVEN = 30, 14
OTHER = {"other": "We meet in the office at ten. Please bring the list of prices, free offers are void."}


def region(control: str, tag: str, value: Any) -> dict[str, Any]:
    """As Label Studio's editor makes it."""
    to_name = control if tag == "pairwise" else "text"
    return {"from_name": control, "to_name": to_name, "type": tag, "value": {FIELDS.get(tag, tag): value}}


def predicted(stack: Stack, project: int) -> list[list[dict[str, Any]]]:
    """The regions of the predictions that stand in Label Studio for tasks that nobody has labelled."""
    tasks = [task for part in stack.ls.tasks(project, fields="all") for task in part]
    free = [task for task in tasks if not task["annotations"]]
    return [one["result"] for task in free for one in task["predictions"] if one["result"]]


@pytest.mark.parametrize("name", SORTS)
def test_controls_are_learned_and_predicted(stack: Stack, name: str) -> None:
    sort = SORTS[name]
    xml = TEXT.format(sort.controls)
    project = stack.connected_project(MAILS, "on", xml, OTHER)
    tasks = [task for part in stack.ls.tasks(project) for task in part]
    hams = [task for task in tasks if ANSWERS[task["data"]["text"]] == "ham"]
    junk = [task for task in tasks if task not in hams]
    for task in [*hams[: GIVEN // 2], *junk[: GIVEN // 2]]:
        stack.ls.annotate(int(task["id"]), [region(*one) for one in (sort.ham if task in hams else sort.spam)])
    snapshot = stack.settled(project, GIVEN)
    assert snapshot.kind["name"] == sort.kind
    assert snapshot.trained
    regions = until(lambda: predicted(stack, project), 300, "predictions in Label Studio")
    spec = parse_config(xml)
    assert {one["from_name"] for one in regions[0]} == {name for name, *_ in sort.spam}
    assert stack.ls.project(project)["label_config"] == xml  # with the attributes that are ours
    for result in regions:
        assert LabelInterface(xml).validate_prediction({"result": result, "score": 0.5}, return_errors=True) == []
        assert label_of(spec, result) is not None
