"""Forms of the admins' pages in a browser: what they refuse and why, and that the keyboard reaches all of them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from test_pages_browser import PAGES, Site, site
from watching import drawn, log_in, reached, watched

from browsing import PATIENCE_MS, NewPage, needs_browser, new_page
from labelcue.types import Kind
from servicing import PASSWORD

__all__ = ["new_page", "site"]
pytestmark = [pytest.mark.slow, needs_browser]
expect.set_options(timeout=PATIENCE_MS)
SAVE = re.compile(r"Save as version \d+")


@pytest.fixture
def page(site: Site, new_page: NewPage) -> Page:
    """Ada's, logged in."""
    page = watched(new_page(), site.address, site.complaints)
    log_in(page, site.address, PASSWORD)
    return page


def test_who_has_the_password_gets_in_and_out_again(site: Site, new_page: NewPage) -> None:
    page = watched(new_page(), site.address, site.complaints)
    page.goto(f"{site.address}/projects/10/quality")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password or one-time code").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("labelcue pages")
    expect(page.get_by_label("Your name")).to_have_value("Ada")
    page.get_by_label("Password or one-time code").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quality")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.goto(f"{site.address}/projects/10")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_every_control_of_every_form_is_reached_by_the_tab_key(site: Site, page: Page) -> None:
    for path in PAGES[1:]:
        page.goto(site.address + path)
        drawn(page)
        controls, missed = reached(page)
        assert controls > 1, path
        assert (path, missed) == (path, [])


def test_the_enter_key_saves_what_was_typed(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/strategy")
    page.get_by_label("Audit items").fill("12")
    page.get_by_label("Audit items").press("Enter")
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    expect(page.get_by_label("Audit items")).to_have_value("12")


def test_of_two_admins_who_save_at_once_the_second_hears_of_the_first(
    site: Site, page: Page, new_page: NewPage
) -> None:
    other = watched(new_page(), site.address, site.complaints)
    log_in(other, site.address, PASSWORD, "Ben")
    for one in (page, other):
        one.goto(f"{site.address}/projects/10/strategy")
        expect(one.get_by_role("button", name=SAVE)).to_be_visible()
    page.get_by_label("Exploration").fill("11")
    page.get_by_role("button", name=SAVE).click()
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    other.get_by_label("Exploration").fill("22")
    other.get_by_role("button", name=SAVE).click()
    expect(other.get_by_role("alert")).to_contain_text("Ada")
    expect(other.get_by_role("alert")).to_contain_text("explore from 0 to 0.11")
    expect(other.get_by_label("Exploration")).to_have_value("22")
    assert _explored(site) == [0.11]
    other.get_by_role("button", name=SAVE).click()  # now that Ben knows
    expect(other.get_by_text("Saved as version 2.")).to_be_visible()
    assert _explored(site) == [0.11, 0.22]


def _explored(site: Site) -> list[float]:
    return [one["settings"]["explore"] for one in site.said(Kind.SETTINGS)]  # type: ignore[index]


def test_what_cannot_be_is_told_and_what_stood_still_stands(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/strategy")
    page.get_by_role("radio", name="power-margin").check()
    sound = page.locator("#p-power-margin-beta").input_value()
    for field, typed, said in (
        ("#f-audit", "200", "audit"),
        ("#f-audit", "many", "is no number"),
        ("#f-explore", "-1", "explore"),
        ("#f-second_opinions", "-5", "second_opinions"),
        ("[name='classes.neg']", "150", "classes"),
        ("#f-slices", "de", "has no '='"),
        ("#f-slices", "de = 20", "slice_field"),
        ("#p-power-margin-beta", "-1", "beta"),
    ):
        stood = sound if "beta" in field else ""
        page.locator(field).fill(typed)
        page.get_by_role("button", name=SAVE).click()
        expect(page.get_by_role("alert")).to_contain_text(said)
        expect(page.get_by_role("alert")).to_contain_text("What stood before still stands.")
        expect(page.locator(field)).to_have_value(typed)
        page.locator(field).fill(stood)
    assert site.said(Kind.SETTINGS) == []


def test_single_tasks_are_put_first_held_back_and_taken_back(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/strategy")
    tasks = page.get_by_role("textbox", name="Tasks")
    tasks.fill("12")
    page.get_by_role("button", name="Put first").click()
    expect(page.get_by_text("1 task put first.")).to_be_visible()
    tasks.fill("#14, 999")
    page.get_by_role("button", name="Hold back").click()
    expect(page.get_by_text("1 task held back.")).to_be_visible()
    expect(page.get_by_text("1 task left out.")).to_be_visible()
    page.get_by_role("button", name="Take back task 14").click()
    expect(page.get_by_text("1 task back in the order of the queue.")).to_be_visible()
    assert [one["task"] for one in site.said(Kind.REQUEUE)] == [14]
    tasks.fill("eight")
    page.get_by_role("button", name="Hold back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("'eight' is no task's number.")


def test_a_target_out_of_reach_and_one_that_is_no_number(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/stopping")
    page.get_by_label("Target accuracy").fill("99")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_text("More labels alone will not do.")).to_be_visible()
    page.goto(f"{site.address}/projects/10")
    expect(page.get_by_label("Target accuracy")).to_have_value("99")
    page.get_by_label("Target accuracy").fill("good")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The target is no number.")


def test_a_snapshot_is_named_once_and_what_changed_since_is_listed(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/data")
    for expected in ("holds 9 labelled tasks", "There is a snapshot 'first' already."):
        page.get_by_label("Name").fill("first")
        page.get_by_role("button", name="Name 9 labelled tasks").click()
        expect(page.get_by_text(expected)).to_be_visible()
    page.goto(f"{site.address}/projects/10/data")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From first to now")
    expect(page.get_by_text("Nothing changed.")).to_be_visible()
