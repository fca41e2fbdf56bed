"""Label Studio's pages as an annotator uses them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from playwright.sync_api import Page, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from stack import ANSWERS, Stack

from labelcue.demo.accounts import Account
from waiting import until

HOTKEYS = {"ham": "1", "spam": "2"}
_GONE = "text => !document.body.innerText.replace(/\\s+/g, ' ').includes(text)"
_STORED = re.compile(r"/api/tasks/\d+/annotations/?(\?|$)")
_PATIENCE = 120.0
CHOSEN = ".ant-radio-wrapper-checked, .ant-checkbox-wrapper-checked"
"""The choice that is made, in Label Studio's editor."""
_TABLE_MS, _PREDICTED_MS = 60_000, (3_000, 6_000, 12_000, 24_000)
"""How long the Data Manager's table may take, and then a prediction to be there when the task is, time after time."""
_PRESSES, _PRESS_MS = 6, 20_000
"""How often a key is pressed, and how long it may take to show: the editor misses what comes before it is ready."""


class Mails:
    """The tasks of a project, recognised by what a page shows."""

    def __init__(self, stack: Stack, project: int) -> None:
        tasks: list[Any] = [task for part in stack.ls.tasks(project) for task in part]
        self._raw = {int(task["id"]): str(task["data"]["text"]) for task in tasks}
        self._texts = {task: " ".join(text.split())[:300] for task, text in self._raw.items()}

    def shown(self, page: Page) -> int:
        """The task that the page shows, once it shows one."""
        return until(lambda: self._seen(page), _PATIENCE, "a mail on the page")

    def label(self, page: Page, expected: int) -> None:
        """Answer the task that must be shown, and wait until it has gone."""
        assert self.shown(page) == expected
        self.answer(page, expected)
        self._gone(page, expected)

    def answer(self, page: Page, task: int) -> None:
        """Give the right answer to the task that is shown, unless it is chosen already, and submit."""
        answer = ANSWERS[self._raw[task]]
        chosen = page.locator(CHOSEN).get_by_text(answer)
        for _ in range(_PRESSES):
            if not chosen.count():
                page.keyboard.press(HOTKEYS[answer])
            with suppress(PlaywrightTimeout):
                chosen.wait_for(timeout=_PRESS_MS)
                break
        chosen.wait_for()
        submit(page)

    def skip(self, page: Page, expected: int) -> None:
        """Skip the task that must be shown, and wait until it has gone."""
        assert self.shown(page) == expected
        submit(page, "skip")
        self._gone(page, expected)

    def _gone(self, page: Page, task: int) -> None:
        page.wait_for_function(_GONE, arg=self._texts[task])

    def _seen(self, page: Page) -> int:
        if not page.get_by_test_id("bottombar-submit-button").is_visible():
            return 0  # the Data Manager's table shows texts, too
        seen = " ".join(page.inner_text("body").split())
        return next((task for task, text in self._texts.items() if text in seen), 0)


def submit(page: Page, button: str = "submit") -> None:
    """Press the button, and wait for Label Studio's answer: the page shows the next task before it has sent this one,
    and forgets it where it is left meanwhile."""
    with page.expect_response(_is_stored):
        page.get_by_test_id(f"bottombar-{button}-button").click()


def opened(page: Page, url: str, project: int, task: int) -> bool:
    """Open a task in the editor: whether that has a prediction of it. Where the Data Manager's table comes after the
    task, which is by chance, the editor opens the table's task, and that has none: it is opened again."""
    for patience in _PREDICTED_MS:
        with suppress(PlaywrightTimeout), page.expect_response(_is_table, timeout=_TABLE_MS):
            page.goto(f"{url}/projects/{project}/data?task={task}")
        page.get_by_test_id("bottombar-submit-button").wait_for()
        with suppress(PlaywrightTimeout):
            page.wait_for_function("Htx.annotationStore.predictions.length > 0", timeout=patience)
            return True
    return False


def _is_table(answer: Response) -> bool:
    return "/api/tasks?page=" in answer.url


def _is_stored(answer: Response) -> bool:
    return answer.request.method == "POST" and bool(_STORED.search(answer.url)) and answer.ok


def log_in(page: Page, url: str, account: Account) -> None:
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", account.email)
    page.fill("input[name=password]", account.password.get_secret_value())
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/user/login" not in address)
