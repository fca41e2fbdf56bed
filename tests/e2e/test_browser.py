"""What an annotator sees: the real user interface in a real browser serves the queue's order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from stack import ADMIN, ANSWERS, Stack

from waiting import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH; the other tests do not"),
]
GONE = "text => !document.body.innerText.replace(/\\s+/g, ' ').includes(text)"
HOTKEYS = {"ham": "1", "spam": "2"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
        yield context.new_page()
        browser.close()


def shown(page: Page, texts: dict[int, str]) -> int:
    """The task that the page shows, 0 while it shows none."""
    seen = " ".join(page.inner_text("body").split())
    return next((task for task, text in texts.items() if text in seen), 0)


def test_the_label_stream_shows_the_queue_in_its_order(stack: Stack, page: Page) -> None:
    project = stack.connected_project(120)
    tasks: list[Any] = [task for part in stack.ls.tasks(project) for task in part]
    raw = {int(task["id"]): task["data"]["text"] for task in tasks}
    texts = {task: " ".join(text.split())[:300] for task, text in raw.items()}
    published = stack.queue(project)
    page.goto(f"{stack.studio_url}/user/login/")
    page.fill("input[name=email]", ADMIN.email)
    page.fill("input[name=password]", ADMIN.password.get_secret_value())
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")
    with stack.held_still("learner"):
        page.goto(f"{stack.studio_url}/projects/{project}/data")
        page.get_by_text("Label All Tasks").first.click(timeout=60_000)
        for expected in published[:3]:
            assert until(lambda: shown(page, texts), 60, "a mail on the page") == expected
            page.keyboard.press(HOTKEYS[ANSWERS[raw[expected]]])
            page.get_by_test_id("bottombar-submit-button").click()
            page.wait_for_function(GONE, arg=texts[expected])
    snapshot = stack.settled(project, 3)
    assert not set(published[:3]) & set(snapshot.order.tolist())
