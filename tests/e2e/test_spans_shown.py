"""Spans on a real Label Studio: marked in the editor, learned, and shown there as predicted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface
from labelling import log_in, submit
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pydantic import SecretStr
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser
from labelcue import connect as connecting
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.types import TaskId
from waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

XML = (
    '<View><Labels name="label" toName="text"><Label value="person" hotkey="1"/><Label value="money" hotkey="2"/>'
    '</Labels><Text name="text" value="$text"/></View>'
)
SPEC = parse_config(XML)
NAMES = ("Ann", "Bob", "Eva", "Zoë", "Tom", "Ida")
VERBS = ("paid", "owes", "lost", "sent", "wants")
TASKS, GIVEN = 30, 16
_PRESSES, _PRESS_MS = 5, 60_000
"""How often a word is marked, and how long it may take to show: the editor misses what comes before it is ready."""
_PLACE = """word => {
  const text = document.querySelector('.lsf-richtext');
  if (!text) return null;
  const walk = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const at = node.data.indexOf(word);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + word.length);
    const box = range.getBoundingClientRect();
    return {x: box.x + box.width / 2, y: box.y + box.height / 2};
  }
  return null;
}"""


def text_of(number: int) -> tuple[str, str, str]:
    """A sentence behind signs that JavaScript counts as two, its name, and its money."""
    name, money = NAMES[number % len(NAMES)], f"${number + 11}"
    return f"😀😀 Today {name} {VERBS[number % len(VERBS)]} {money} in\r\n  town {number}.", name, money


def spans(number: int) -> set[tuple[int, int, str]]:
    text, name, money = text_of(number)
    words = ((name, "person"), (money, "money"))
    return {(text.index(word), text.index(word) + len(word), label) for word, label in words}


def regions(number: int) -> list[dict[str, Any]]:
    return [
        {
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": start, "end": end, "text": text_of(number)[0][start:end], "labels": [label]},
        }
        for start, end, label in sorted(spans(number))
    ]


def connected(stack: Stack) -> tuple[int, dict[int, int]]:
    """A project of sentences, and the number of each task's."""
    project = int(stack.ls.create_project("Spans of a test", XML)["id"])
    stack.ls.import_tasks(project, [{"data": {"text": text_of(number)[0]}} for number in range(TASKS)])
    connecting.connect(
        stack.ls,
        stack.home,
        stack.settings,
        project,
        token=SecretStr(stack.token),
        embedder="minilm",
        pre_annotation="on",
        on_step=lambda _words: None,
    )
    texts = {text_of(number)[0]: number for number in range(TASKS)}
    tasks: list[Any] = [task for part in stack.ls.tasks(project) for task in part]
    return project, {int(task["id"]): texts[task["data"]["text"]] for task in tasks}


def mark(page: Page, word: str, key: str) -> None:
    """Mark a word as an annotator does: the label's key, and a double click."""
    listed = page.locator(".lsf-outliner").get_by_text(word, exact=True)
    for _ in range(_PRESSES):
        place = until(lambda: page.evaluate(_PLACE, word), 120, "the word on the page")
        page.keyboard.press(key)
        page.mouse.dblclick(place["x"], place["y"])
        with suppress(PlaywrightTimeout):
            listed.wait_for(timeout=_PRESS_MS)
            return
    listed.wait_for()


@needs_browser
def test_spans_are_marked_learned_and_shown_in_the_editor(stack: Stack, new_page: NewPage) -> None:
    project, numbers = connected(stack)
    by_hand, *others = sorted(numbers)
    until(lambda: stack.queue(project) and len(stack.queue(project)) == TASKS, 300, "the first queue")
    page = new_page()
    log_in(page, stack.studio_url, ADMIN)
    page.goto(f"{stack.studio_url}/projects/{project}/data?task={by_hand}")
    page.get_by_test_id("bottombar-submit-button").wait_for()
    _, name, _ = text_of(numbers[by_hand])
    mark(page, name, "1")
    submit(page)
    annotation = until(lambda: stack.fold(project).of_task(TaskId(by_hand)), 120, "the annotation")[0]
    person = {span for span in spans(numbers[by_hand]) if span[2] == "person"}
    assert label_of(SPEC, annotation.result) == person  # the editor counts a sign beyond U+FFFF as one
    for task in others[: GIVEN - 1]:
        stack.ls.annotate(task, regions(numbers[task]))
    snapshot = stack.settled(project, GIVEN)
    assert (snapshot.kind["name"], snapshot.round.surrogate) == ("spans", "tagger@1")
    until(lambda: shown(stack, page, project, numbers), 300, "a predicted span in the editor")


def shown(stack: Stack, page: Page, project: int, numbers: dict[int, int]) -> bool:
    """Whether the editor shows the spans that are predicted of a task which nobody has labelled; a frontier that is
    replaced meanwhile has others."""
    version = stack.status(project)["delivery"]["version"]
    tasks: list[Any] = [task for part in stack.ls.tasks(project, fields="all") for task in part]
    free = {int(task["id"]): task["predictions"] for task in tasks if not task["annotations"]}
    made = [(task, one["result"]) for task, all_of in free.items() for one in all_of if one["model_version"] == version]
    task, result = next((one for one in made if one[1]), (0, []))
    if not task:
        return False
    assert LabelInterface(XML).validate_prediction({"result": result, "score": 0.5}, return_errors=True) == []
    assert all(0 < region["score"] <= 1 for region in result)
    text = text_of(numbers[task])[0]
    page.goto(f"{stack.studio_url}/projects/{project}/data?task={task}")
    page.get_by_test_id("bottombar-submit-button").wait_for()
    with suppress(PlaywrightTimeout):
        for region in result:
            word = text[region["value"]["start"] : region["value"]["end"]]
            page.locator(".lsf-outliner").get_by_text(word, exact=True).first.wait_for(timeout=_PRESS_MS)
            page.locator(".htx-highlight").get_by_text(word, exact=True).first.wait_for(timeout=_PRESS_MS)
        return True
    return False
