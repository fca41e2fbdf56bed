"""Spans on a real Label Studio: marked in the editor, learned, and shown there as predicted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface
from labelling import log_in, opened, submit
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pydantic import SecretStr
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser
from labelcue import connect as connecting
from labelcue.embedders.marked import marked
from labelcue.labels.spans import spans_of
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.types import Span, TaskId, TaskSpec
from waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

XML = (
    '<View><Labels name="label" toName="text"><Label value="person" hotkey="1"/><Label value="money" hotkey="2"/>'
    '</Labels><{} name="text" value="$text"/></View>'
)
SENTENCE = "😀😀 Today {name} {verb} {money} in\r\n  town {number}."
PAGE = """<!DOCTYPE html>\r\n<html>\n<head><title>A mail</title>
<style>p {{ color: navy }}</style></head>\r\n<body class="a > b">\r\n<!-- <b>no</b> --><script>var a = "<p>";</script>
<table>\n<tr><td>😀&amp;&#13;&#10;</td><td>To<i>day</i> <b>{name}</b></td></tr>\n</table><style>b {{ top: 0 }}</style>
<pre>\n{verb}</pre><p>paid<br/>{money}&nbsp;in\r\n town {number}</p></body>\n</html>"""
"""Much of what moves places: what stands before the body, cells, all line ends, what is hidden, references."""
SHOWN = {"Text": SENTENCE, "HyperText": PAGE}
NAMES = ("Ann", "Bob", "Eva", "Zoë", "Tom", "Ida")
VERBS = ("paid", "owes", "lost", "sent", "wants")
TASKS, GIVEN = 30, 16
_PRESSES, _PRESS_MS = 5, 60_000
"""How often a word is marked, and how long it may take to show: the editor misses what comes before it is ready."""
_PLACE = """word => {
  const frame = document.querySelector('.lsf-richtext iframe');
  const text = frame ? frame.contentDocument?.body : document.querySelector('.lsf-richtext');
  if (!text) return null;
  const from = frame ? frame.getBoundingClientRect() : {x: 0, y: 0};
  const walk = text.ownerDocument.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const at = node.data.indexOf(word);
    if (at < 0) continue;
    const range = text.ownerDocument.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + word.length);
    const box = range.getBoundingClientRect();
    return {x: from.x + box.x + box.width / 2, y: from.y + box.y + box.height / 2};
  }
  return null;
}"""


class Sort(NamedTuple):
    """How texts are shown."""

    tag: str

    @property
    def xml(self) -> str:
        return XML.format(self.tag)

    @property
    def spec(self) -> TaskSpec:
        return parse_config(self.xml)

    def words(self, number: int) -> tuple[str, str]:
        """The name and the money of a text."""
        return NAMES[number % len(NAMES)], f"${number + 11}"

    def text(self, number: int) -> str:
        """As the task has it."""
        name, money = self.words(number)
        return SHOWN[self.tag].format(name=name, verb=VERBS[number % len(VERBS)], money=money, number=number)

    def seen(self, number: int) -> dict[int, str]:
        """The characters that annotators see, by their places."""
        text = marked({"text": self.text(number)}, self.spec)
        places = range(len(text.text)) if text.places is None else text.places.tolist()
        return dict(zip(places, text.text, strict=True))

    def spans(self, number: int) -> set[tuple[int, int, str]]:
        """What is right to mark."""
        seen, (name, money) = self.seen(number), self.words(number)
        places, text = list(seen), "".join(seen.values())
        return {
            (places[text.index(word)], places[text.index(word) + len(word) - 1] + 1, label)
            for word, label in ((name, "person"), (money, "money"))
        }

    def regions(self, number: int) -> list[dict[str, Any]]:
        """The same, as an import gives it."""
        spans = sorted(self.spans(number))
        values = [{"start": start, "end": end, "labels": [label]} for start, end, label in spans]
        return [{"from_name": "label", "to_name": "text", "type": "labels", "value": value} for value in values]


def connected(stack: Stack, sort: Sort) -> tuple[int, dict[int, int]]:
    """A project of sentences, and the number of each task's."""
    project = int(stack.ls.create_project(f"Spans of a {sort.tag}", sort.xml)["id"])
    stack.ls.import_tasks(project, [{"data": {"text": sort.text(number)}} for number in range(TASKS)])
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
    texts = {sort.text(number): number for number in range(TASKS)}
    tasks: list[Any] = [task for part in stack.ls.tasks(project) for task in part]
    return project, {int(task["id"]): texts[task["data"]["text"]] for task in tasks}


def mark(page: Page, word: str, key: str) -> None:
    """Mark a word as an annotator does: the label's key, and a double click."""
    listed = page.locator(".lsf-outliner").get_by_text(word, exact=True)
    for _ in range(_PRESSES):
        place = until(lambda: page.evaluate(_PLACE, word), 120, "the word on the page")
        page.evaluate("document.activeElement?.blur()")  # keys go where the last click went, a frame perhaps
        page.keyboard.press(key)
        page.mouse.dblclick(place["x"], place["y"])
        with suppress(PlaywrightTimeout):
            listed.wait_for(timeout=_PRESS_MS)
            return
    listed.wait_for()


@needs_browser
@pytest.mark.parametrize("tag", SHOWN)
def test_spans_are_marked_learned_and_shown_in_the_editor(stack: Stack, new_page: NewPage, tag: str) -> None:
    sort = Sort(tag)
    project, numbers = connected(stack, sort)
    by_hand, *others = sorted(numbers)
    until(lambda: stack.queue(project) and len(stack.queue(project)) == TASKS, 300, "the first queue")
    page = new_page()
    log_in(page, stack.studio_url, ADMIN)
    page.goto(f"{stack.studio_url}/projects/{project}/data?task={by_hand}")
    page.get_by_test_id("bottombar-submit-button").wait_for()
    mark(page, sort.words(numbers[by_hand])[0], "1")
    submit(page)
    annotation = until(lambda: stack.fold(project).of_task(TaskId(by_hand)), 120, "the annotation")[0]
    person = {span for span in sort.spans(numbers[by_hand]) if span[2] == "person"}
    assert label_of(sort.spec, annotation.result) == person  # as the editor counts, 😀 as one
    for task in others[: GIVEN - 1]:
        stack.ls.annotate(task, sort.regions(numbers[task]))
    snapshot = stack.settled(project, GIVEN)
    assert (snapshot.kind["name"], snapshot.round.surrogate) == ("spans", "tagger@1")
    task, result = until(lambda: shown(stack, page, sort, project, numbers), 300, "a predicted span in the editor")
    submit(page)
    (given,) = until(lambda: (stack.ls.task(task) or {}).get("annotations"), 120, "the annotation")
    assert said(sort, given["result"]) & said(sort, result)
    if tag == "HyperText":
        assert all(one["value"]["start"].startswith("/") for one in given["result"])


def said(sort: Sort, result: Any) -> frozenset[Span]:
    return spans_of(label_of(sort.spec, result) or frozenset())


def shown(stack: Stack, page: Page, sort: Sort, project: int, numbers: dict[int, int]) -> tuple[int, Any] | None:
    """A task which nobody has labelled and the spans that are predicted of it, once the editor shows them; a frontier
    that is replaced meanwhile has others."""
    version = stack.status(project)["delivery"]["version"]
    tasks: list[Any] = [task for part in stack.ls.tasks(project, fields="all") for task in part]
    free = {int(task["id"]): task["predictions"] for task in tasks if not task["annotations"]}
    made = [(task, one["result"]) for task, all_of in free.items() for one in all_of if one["model_version"] == version]
    task, result = next((one for one in made if one[1]), (0, []))
    if not task:
        return None
    assert LabelInterface(sort.xml).validate_prediction({"result": result, "score": 0.5}, return_errors=True) == []
    assert all(0 < region["score"] <= 1 for region in result)
    seen = sort.seen(numbers[task])
    editor = page.frame_locator(".lsf-richtext iframe") if sort.tag == "HyperText" else page
    if not opened(page, stack.studio_url, project, task):
        return None
    with suppress(PlaywrightTimeout):
        for start, end, _ in said(sort, result):
            word = "".join(seen[place] for place in range(start, end))
            page.locator(".lsf-outliner").get_by_text(word, exact=True).first.wait_for(timeout=_PRESS_MS)
            editor.locator(".htx-highlight").get_by_text(word, exact=True).first.wait_for(timeout=_PRESS_MS)
        return task, result
    return None
