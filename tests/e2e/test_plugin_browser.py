"""The plugin in a real browser: three entrances, one order, a skip, a second annotator, the columns and an action."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from labelling import CHOSEN, Mails, log_in, submit
from playwright.sync_api import Page
from plugged import House, asked, ranked
from stack import ADMIN
from test_plugin_showing import ALL, ASKING, suggested_to, trained

from browsing import NewPage, needs_browser
from labelcue.demo.accounts import easy_password
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_browser]
PICTURES = os.environ.get("LABELCUE_STUDIO_PICTURES")
"""A folder for the pictures of plugin/docs; none are taken without it."""


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / name)


def test_every_entrance_shows_the_queue_in_its_order(house: House, new_page: NewPage) -> None:
    project = house.stack.connected_project(60)
    mails, published, page = Mails(house.stack, project), house.stack.queue(project), new_page()
    asked(house, house.tokens[0], project)  # makes the plugin know of the project
    until(lambda: ranked(house, project, 60), what="the mirror")
    at = f"{house.studio.url}/projects/{project}/data"
    log_in(page, house.studio.url, ADMIN)
    mine = iter(published[1:])  # somebody else holds the first
    with house.stack.held_still("learner"):
        page.goto(f"{at}?labeling=1")
        mails.label(page, next(mine))  # a direct link
        page.goto(at)
        page.get_by_text("Label All Tasks").first.click()
        mails.label(page, next(mine))
        mails.label(page, next(mine))
        mails.shown(page)
        picture(page, "label-stream.png")
        page.goto(at)
        page.get_by_text("Cue rank").first.wait_for()
        page.get_by_label("Toggle open").first.click()
        page.get_by_text("Label Tasks As Displayed").click()
        mails.label(page, next(mine))
        mails.label(page, next(mine))
    stored = until(lambda: all_of(annotations(house, project), 5), what="five annotations")
    assert [one["task"] for one in stored] == published[1:6]
    assert all(one["result"] for one in stored), "an empty choice was stored"


def test_two_annotators_and_a_skip(house: House, new_page: NewPage) -> None:
    project = house.stack.connected_project(40)
    mails, published = Mails(house.stack, project), house.stack.queue(project)
    ivy = house.studio.sign_up("ivy@labelcue.local", easy_password())
    pages = []
    for account in (ADMIN, ivy):
        pages.append(new_page())
        log_in(pages[-1], house.studio.url, account)
    first, second = pages
    with house.stack.held_still("learner"):
        for page in pages:
            page.goto(f"{house.studio.url}/projects/{project}/data")
            page.get_by_text("Label All Tasks").first.click()
            mails.shown(page)
        mails.skip(first, published[0])
        mails.label(first, published[2])  # the second annotator holds what comes between
        mails.label(second, published[1])
        assert mails.shown(first) == published[3]
        mails.label(second, published[4])
    stored = until(lambda: all_of(annotations(house, project), 4), what="all four")
    skipped = [one["task"] for one in stored if one["was_cancelled"]]
    assert skipped == published[:1]
    assert all(one["result"] for one in stored if not one["was_cancelled"]), "an empty choice was stored"
    assert len({one["task"] for one in stored}) == len(stored)
    snapshot = house.stack.settled(project, 3)
    assert not {one["task"] for one in stored} & set(snapshot.order.tolist())


def test_the_data_manager_shows_the_order_and_admins_change_it(house: House, new_page: NewPage) -> None:
    project = house.stack.connected_project(40)
    published, page = house.stack.queue(project), new_page()
    asked(house, house.tokens[1], project)
    until(lambda: ranked(house, project, 40), what="the mirror")
    log_in(page, house.studio.url, ADMIN)
    page.goto(f"{house.studio.url}/projects/{project}/data?tab={queue_tab(house, project)}")
    page.get_by_text("too few labels yet").first.wait_for()
    picture(page, "data-manager.png")
    for title in ("Cue rank", "Cue priority", "Cue uncertainty", "Cue reason"):
        page.get_by_text(title).first.wait_for()
    until(lambda: rows(page)[:10] == published[:10], what="the rows in the queue's order")

    chosen = published[3]
    page.get_by_label(f"Select Task {chosen}", exact=True).click()
    page.get_by_label("Tasks Actions").click()
    for action in ("put first", "hold back", "send back to the queue", "ask for a second opinion", "rank anew"):
        page.get_by_text(f"LabelCue: {action}", exact=True).first.wait_for()
    page.get_by_text("LabelCue: put first", exact=True).first.click()
    page.get_by_test_id("dialog-ok-button").click()
    page.get_by_text("Your action is being processed").first.wait_for()
    until(lambda: house.stack.queue(project)[0] == chosen, what="the round with the pin")
    until(lambda: [task["id"] for task in ranked(house, project, 40)[:1]] == [chosen], what="the mirror with the pin")
    page.reload()
    page.get_by_text("too few labels yet").first.wait_for()
    until(lambda: rows(page)[:1] == [chosen], what="the pinned task in the first row")


def test_the_editor_shows_the_suggestion_and_the_reason_and_takes_it_as_the_answer(
    house: House, new_page: NewPage
) -> None:
    project = trained(house, pre_annotation="on", xml=ASKING)
    page = new_page()
    log_in(page, house.studio.url, ADMIN)
    for _ in range(2):
        with house.stack.held_still("learner"):  # another round may suggest another label
            # Held by the admin already, so that the page opens this one.
            task = suggested_to(house, house.stack.token, project, ALL)
            page.goto(f"{house.studio.url}/projects/{project}/data?labeling=1")
            made = taken_over(house, project, page, task)
        [region] = made["result"]
        assert (region["value"], region["origin"]) == (task["predictions"][0]["result"][0]["value"], "prediction")
        assert made["parent_prediction"] is None


def taken_over(house: House, project: int, page: Page, task: dict[str, Any]) -> Any:
    """The annotation that comes of submitting what the page suggests."""
    [suggested] = task["predictions"]
    page.locator(CHOSEN).get_by_text(suggested["result"][0]["value"]["choices"][0]).wait_for()
    page.get_by_text(task["data"]["labelcue_reason"]).first.wait_for()
    picture(page, "suggestion.png")
    submit(page)
    return until(lambda: made_of(house, project, task["id"]), what="the annotation")


def made_of(house: House, project: int, task: int) -> Any:
    """The annotation of a task, None before it is made."""
    return next((one["annotations"][0] for one in house.stack.ls.annotated_tasks(project) if one["id"] == task), None)


def rows(page: Page) -> list[int]:
    """The tasks of the Data Manager's page, from the top."""
    labels = page.locator('input[aria-label^="Select Task "]').evaluate_all("all => all.map(one => one.ariaLabel)")
    return [int(str(label).rpartition(" ")[2]) for label in labels]


def all_of(found: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The annotations in the order in which they were made, once there are so many."""
    return sorted(found, key=lambda one: int(one["id"])) if len(found) == number else []


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
    """Skips are annotations too."""
    found = house.stack.ls.annotated_tasks(project)
    return [{**one, "task": int(task["id"])} for task in found for one in task["annotations"]]
