"""A real browser for tests: Debian's Chromium through Playwright. What its pages showed is kept where a test fails."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = bool(os.environ.get("LABELCUE_REQUIRE_BROWSER"))
"""Continuous integration sets it: a test without a browser then fails, elsewhere it is skipped."""
KEPT = Path(__file__).parents[1] / "build" / "screenshots"
FAILED = pytest.StashKey[bool]()
"""Of a test: whether it has failed; see the hook in conftest.py."""
PATIENCE_MS = 120_000
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED,
    reason="no browser is installed: Debian's package chromium, or any Chromium on the PATH, lets this test run",
)

NewPage = Callable[[], "Page"]


@pytest.fixture
def new_page(request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """A page for each call, each in a session of its own; nothing but this machine is reached from it."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "LABELCUE_REQUIRE_BROWSER is set, and no Chromium is on the PATH"
    pages: list[Page] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET), timeout=PATIENCE_MS)

        def opened() -> Page:
            pages.append(_opened(browser))
            return pages[-1]

        yield opened
        if request.node.stash.get(FAILED, False):
            _keep(pages, request.node.name)
        browser.close()


def _opened(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    context.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    return context.new_page()


def _keep(pages: list[Page], test: str) -> None:
    """A picture of each page; their place is told in the test's output."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(pages):
        path = KEPT / f"{re.sub(r'[^a-zA-Z0-9]+', '-', test)}-{number}.png"
        try:
            page.screenshot(path=path, timeout=10_000)
        except Exception as error:  # the failure that is being told matters more
            print(f"No picture of page {number} at {page.url}: {error}")
        else:
            print(f"Page {number} at {page.url}: {path}")
