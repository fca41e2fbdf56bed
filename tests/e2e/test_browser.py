"""What an annotator sees: the real user interface in a real browser serves the queue's order."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Literal

import pytest
from labelling import Mails, log_in
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser
from labelcue.labelstudio.client import LabelStudio
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_browser]


def test_the_label_stream_shows_the_queue_in_its_order(stack: Stack, new_page: NewPage) -> None:
    project = stack.connected_project(120)
    mails, published, page = Mails(stack, project), stack.queue(project), new_page()
    log_in(page, stack.studio_url, ADMIN)
    with stack.held_still("learner"):
        page.goto(f"{stack.studio_url}/projects/{project}/data")
        page.get_by_text("Label All Tasks").first.click()
        for expected in published[:3]:
            mails.label(page, expected)
    snapshot = stack.settled(project, 3)
    assert not set(published[:3]) & set(snapshot.order.tolist())


@pytest.mark.parametrize("shown", ["off", "on"])
@pytest.mark.parametrize("way", ["data?labeling=1", "data?task={task}"])
def test_an_annotation_is_taken_though_the_frontier_was_replaced_meanwhile(
    stack: Stack, annotators: tuple[str, str], new_page: NewPage, shown: Literal["off", "on"], way: str
) -> None:
    project = stack.connected_project(120, pre_annotation=shown)
    mails, page = Mails(stack, project), new_page()
    log_in(page, stack.studio_url, ADMIN)
    last, before = stack.queue(project)[-1], version(stack, project)
    page.goto(f"{stack.studio_url}/projects/{project}/{way.format(task=last)}")
    page.get_by_test_id("bottombar-submit-button").wait_for()
    opened = last if "task=" in way else mails.shown(page)
    with closing(LabelStudio(stack.studio_url, annotators[0])) as client:
        for _ in range(25):
            other: Any = client.next_task(project)
            stack.label(client, other)
    until(lambda: version(stack, project) not in ("", before), 120, "another frontier")
    if shown == "off":
        until(lambda: before not in stack.ls.model_versions(project), 120, "the old frontier's end")
    mails.answer(page, opened)
    until(lambda: stack.fold(project).of_task(opened), what="the annotation")


def version(stack: Stack, project: int) -> str:
    """Of the frontier that Label Studio serves."""
    return str(stack.status(project)["delivery"]["version"])
