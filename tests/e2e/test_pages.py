"""The admins' pages over a real run: what they show is what Label Studio serves, and what they change takes effect."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from stack import Stack
from watching import drawn, watched

from browsing import NewPage, needs_browser, new_page
from labelcue.service.pages.session import new_code
from waiting import until

__all__ = ["new_page"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_browser]


def test_admins_see_and_steer_a_real_project(stack: Stack, new_page: NewPage) -> None:
    project = stack.connected_project(60)
    address, complaints = stack.settings.base_url, list[str]()
    page = watched(new_page(), address, complaints)
    _by_link(page, stack)
    page.get_by_role("link", name="Mails of a test").click()
    page.wait_for_url(f"{address}/projects/{project}")
    drawn(page)
    until(lambda: page.locator("section:has(#next) tbody tr").count() == 10, what="ten rows")
    first = stack.queue(project)[0]
    link = page.locator("section:has(#next) tbody a").first.get_attribute("href")
    assert link == f"{stack.studio_url.rstrip('/')}/projects/{project}/data?task={first}"

    page.get_by_role("navigation", name="Pages of this project").get_by_role("link", name="Strategy").click()
    page.get_by_role("textbox", name="Tasks").fill(str(first))
    page.get_by_role("button", name="Hold back").click()
    page.get_by_text("1 task held back").wait_for()
    until(lambda: first not in stack.queue(project), what="a queue without the task that is held back")
    page.get_by_role("button", name=f"Take back task {first}").click()
    until(lambda: first in stack.queue(project), what="a queue with the task again")

    page.get_by_role("radio", name="random").check()
    page.get_by_role("button", name="Save as version 1").click()
    page.get_by_text("Saved as version 1").wait_for()
    until(lambda: stack.snapshot(project).round.strategy.startswith("random"), what="a round by the strategy chosen")
    assert complaints == []


def _by_link(page: Page, stack: Stack) -> None:
    """As `labelcue pages` prints it."""
    page.goto(f"{stack.settings.base_url}/login#code={new_code(stack.settings)}")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Projects").wait_for()
    assert "code" not in page.url
