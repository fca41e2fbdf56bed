"""What an annotator sees: the real user interface in a real browser serves the queue's order."""

from __future__ import annotations

import pytest
from labelling import Mails, log_in
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser

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
