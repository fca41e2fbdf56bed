"""The plugin in a real browser: three entrances, one order, the columns and the action; screenshots where asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from plugged import House, asked, ranked
from stack import ADMIN, ANSWERS
from test_browser import CHROMIUM, GONE, HOTKEYS, page, shown
from test_plugin_showing import ASKING, trained

from waiting import until

__all__ = ["page"]  # the fixture
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH; the other tests do not"),
]


@pytest.fixture
def pictures(page: Page, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where pictures go: LABELCUE_PICTURES, or the test's own folder; the last page is kept there."""
    folder = Path(os.environ.get("LABELCUE_STUDIO_PICTURES", tmp_path))
    yield folder
    page.screenshot(path=folder / "last-page.png")


def log_in(page: Page, house: House) -> None:
    page.goto(f"{house.studio.url}/user/login/")
    page.fill("input[name=email]", ADMIN.email)
    page.fill("input[name=password]", ADMIN.password.get_secret_value())
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")


def test_every_entrance_of_the_page_shows_the_queue_in_its_order(house: House, page: Page, pictures: Path) -> None:
    project = house.stack.connected_project(60)
    tasks: list[Any] = [task for part in house.stack.ls.tasks(project) for task in part]
    raw = {int(task["id"]): task["data"]["text"] for task in tasks}
    texts = {task: " ".join(text.split())[:300] for task, text in raw.items()}
    published = house.stack.queue(project)
    other = int(asked(house, house.tokens[0], project)["id"])
    assert other == published[0]
    mine = iter(published[1:])

    def label(count: int) -> None:
        for _ in range(count):
            expected = next(mine)
            assert until(lambda: shown(page, texts), 60, "a mail on the page") == expected
            page.keyboard.press(HOTKEYS[ANSWERS[raw[expected]]])
            page.get_by_test_id("bottombar-submit-button").click()
            page.wait_for_function(GONE, arg=texts[expected])

    log_in(page, house)
    until(lambda: ranked(house, project, 60), timeout=60, what="the mirror")
    with house.stack.held_still("learner"):
        page.goto(f"{house.studio.url}/projects/{project}/data?labeling=1")
        label(1)  # a direct link
        page.goto(f"{house.studio.url}/projects/{project}/data")
        page.get_by_text("Label All Tasks").first.click(timeout=60_000)
        label(2)
        until(lambda: shown(page, texts), 60, "the next mail")
        page.screenshot(path=pictures / "label-stream.png")
        page.goto(f"{house.studio.url}/projects/{project}/data")
        page.get_by_text("Cue rank").first.wait_for(timeout=60_000)
        page.get_by_label("Toggle open").first.click()
        page.get_by_text("Label Tasks As Displayed").click()
        label(2)
    results = until(lambda: all_of(annotations(house, project), 5), what="five annotations")
    assert all(results), "an empty choice was stored"

    page.goto(f"{house.studio.url}/projects/{project}/data?tab={queue_tab(house, project)}")
    page.get_by_text("distance").first.wait_for(timeout=60_000)
    page.screenshot(path=pictures / "data-manager.png")


def all_of(found: list[dict[str, Any]], number: int) -> list[Any]:
    """The results of the annotations once there are so many."""
    return [one["result"] for one in found] if len(found) == number else []


def queue_tab(house: House, project: int) -> int:
    """A tab of the Data Manager that shows the queue in its order, with reasons."""
    listed = house.studio_get("/api/dm/columns", project=project)["columns"]
    shown = {"id", "text", "data", "cue_rank", "cue_priority", "cue_uncertainty", "cue_reason"}
    hidden = [one["id"] for one in listed if one["id"] not in shown]
    data = {
        "title": "The queue",
        "ordering": ["tasks:cue_rank"],
        "hiddenColumns": {"explore": [f"tasks:{name}" for name in hidden], "labeling": []},
        "filters": {
            "conjunction": "and",
            "items": [{"filter": "filter:tasks:cue_rank", "operator": "less", "type": "Number", "value": 1000}],
        },
    }
    return int(house.studio_post("/api/dm/views/", {"project": project, "data": data})["id"])


def annotations(house: House, project: int) -> list[dict[str, Any]]:
    return [one for task in house.stack.ls.annotated_tasks(project) for one in task["annotations"]]


def test_the_editor_shows_the_suggestion_and_the_reason_and_takes_it_as_the_answer(
    house: House, page: Page, pictures: Path
) -> None:
    project = trained(house, pre_annotation="on", xml=ASKING)
    before = len(annotations(house, project))
    served: list[Any] = []
    page.on("response", lambda answer: served.append(answer) if "id=next_task" in answer.url else None)
    chosen = page.locator("input:checked, .ant-radio-checked").first
    log_in(page, house)
    page.goto(f"{house.studio.url}/projects/{project}/data?labeling=1")
    for turn in range(2):
        chosen.wait_for(timeout=60_000)
        if turn:
            page.reload()
            chosen.wait_for(timeout=60_000)
        task = served[-1].json()
        [suggested] = task["predictions"]
        assert task["data"]["labelcue_reason"] in page.inner_text("body")
        page.screenshot(path=pictures / "suggestion.png")
        page.get_by_test_id("bottombar-submit-button").click()
        number = before + turn + 1
        until(lambda number=number: len(annotations(house, project)) == number, 60, "the annotation")  # type: ignore[misc]
        [made] = next(one["annotations"] for one in house.stack.ls.annotated_tasks(project) if one["id"] == task["id"])
        [region] = made["result"]
        assert (region["value"], region["origin"]) == (suggested["result"][0]["value"], "prediction")
        assert made["parent_prediction"] is None
