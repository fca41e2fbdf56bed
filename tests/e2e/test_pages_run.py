"""Every page and every form over a real run: what admins see of it, and what Label Studio serves after they acted."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pyarrow.parquet
import pytest
from playwright.sync_api import Page, expect
from plugged import House
from run_of_mails import SLICE, Run, Size, run_of_mails
from watching import barriers, drawn, log_in, watched

from browsing import PATIENCE_MS, NewPage, needs_browser, new_page
from labelcue.service.pages.session import new_code
from waiting import until

__all__ = ["new_page"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_browser]
expect.set_options(timeout=PATIENCE_MS)
TABS = ("", "/strategy", "/quality", "/coverage", "/stopping", "/data")
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What the browser says of a form that was refused."""
SAVE = re.compile(r"Save as version \d+")
ALL = Size().mails + Size().later
LABELLED = Size().audits + Size().learned


@pytest.fixture(scope="module")
def run(house: House) -> Run:
    return run_of_mails(house, Size())


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert [one for one in found if not one.startswith(REFUSED)] == []


@pytest.fixture
def page(run: Run, new_page: NewPage, complaints: list[str]) -> Page:
    """Ada's, logged in."""
    page = watched(new_page(), run.address, complaints)
    log_in(page, run.address, run.password)
    return page


def test_who_has_the_password_or_a_link_gets_in_and_out_again(run: Run, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{run.pages}/quality")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password or one-time code").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("labelcue pages")
    page.get_by_label("Password or one-time code").fill(run.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quality")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")

    page.goto(f"{run.address}/login#code={new_code(run.stack.settings)}")  # as `labelcue pages` prints it
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Log in").click()
    card = page.get_by_role("listitem").filter(has_text=f"project {run.project}")
    expect(card).to_contain_text(f"{LABELLED} of {ALL} tasks labelled")
    expect(card).to_contain_text("running")
    assert "code" not in page.url
    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_every_page_shows_the_run_without_a_barrier_and_fits_a_phone(
    run: Run, page: Page, complaints: list[str]
) -> None:
    page.goto(f"{run.pages}/strategy")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="As in the form")).to_be_visible()
    for address in [f"{run.address}/", page.url, *(run.pages + tab for tab in TABS)]:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address)
        drawn(page)
        assert (address, barriers(page, complaints)) == (address, [])
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_the_overview_tells_the_queue_and_what_a_target_costs(run: Run, page: Page) -> None:
    head = run.head()[:10]
    page.goto(run.pages)
    figures = page.locator("main > .figures").first
    expect(figures).to_contain_text(re.compile(rf"Labelled\s*{LABELLED}\s*of {ALL} tasks"))
    expect(figures).to_contain_text(re.compile(r"Accuracy\s*\d+\.\d\s%\s*\d.* to .*audit labels"))
    expect(page.get_by_role("heading", name="Learning curve")).to_be_visible()
    shown = [link.get_attribute("href") or "" for link in page.locator("section:has(#next) tbody a").all()]
    assert [int(href.partition("task=")[2]) for href in shown] == head
    assert shown[0] == f"{run.stack.studio_url.rstrip('/')}/projects/{run.project}/data?task={head[0]}"
    page.get_by_label("Target accuracy").fill("100")
    page.get_by_label("One label costs").fill("0.08")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_text("100% is out of reach")).to_be_visible()

    page.goto(f"{run.pages}/stopping")
    expect(page.get_by_role("heading", name="What this rests on")).to_be_visible()
    expect(page.get_by_label("Target accuracy")).to_have_value("100")
    page.get_by_label("Target accuracy").fill("good")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The target is no number.")


def test_a_strategy_is_compared_saved_served_and_taken_back(run: Run, page: Page) -> None:
    run.stand()
    before, order = len(run.versions()), run.head()
    page.goto(f"{run.pages}/strategy")
    page.get_by_role("radio", name="random").check()
    page.get_by_label("Audit items").fill("0")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Ordered by random")).to_be_visible()
    expect(page.get_by_text("of the first 50")).to_be_visible()
    page.get_by_role("link", name="Back to the form").click()
    expect(page.get_by_role("radio", name="random")).to_be_checked()
    assert (len(run.versions()), run.head()) == (before, order)

    page.get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="Save these settings").click()
    expect(page.get_by_text(f"Saved as version {before + 1}.")).to_be_visible()
    run.follows(strategy="random", audit=0)
    head = run.head()[0]
    assert run.serves(2) == head
    page.get_by_role("button", name=f"Go back to version {before}", exact=True).click()
    expect(page.get_by_text(f"Saved as version {before + 2}.")).to_be_visible()
    run.follows(strategy="herding", audit=0.05)
    head = run.head()[0]
    assert run.serves(2) == head


def test_what_cannot_be_is_told_and_the_second_of_two_admins_hears_of_the_first(
    run: Run, page: Page, new_page: NewPage, complaints: list[str]
) -> None:
    run.stand()
    before = len(run.versions())
    other = watched(new_page(), run.address, complaints)
    log_in(other, run.address, run.password, "Ben")
    other.goto(f"{run.pages}/strategy")
    expect(other.get_by_role("button", name=SAVE)).to_be_visible()
    page.goto(f"{run.pages}/strategy")
    for field, typed, said in (
        ("#f-audit", "200", "audit"),
        ("#f-explore", "many", "is no number"),
        ("[name='classes.spam']", "150", "classes"),
        ("#f-slices", "newsletter = 20", "slice_field"),
    ):
        stood = "5" if field == "#f-audit" else ""
        page.locator(field).fill(typed)
        page.get_by_role("button", name=SAVE).click()
        expect(page.get_by_role("alert")).to_contain_text(said)
        expect(page.get_by_role("alert")).to_contain_text("What stood before still stands.")
        expect(page.locator(field)).to_have_value(typed)
        page.locator(field).fill(stood)
    assert len(run.versions()) == before
    page.locator("#f-explore").fill("11")
    page.locator("#f-explore").press("Enter")
    expect(page.get_by_text(f"Saved as version {before + 1}.")).to_be_visible()
    other.locator("#f-explore").fill("22")
    other.get_by_role("button", name=SAVE).click()
    expect(other.get_by_role("alert")).to_contain_text("Ada changed explore from 0 to 0.11")
    run.follows(explore=0.11)
    other.get_by_role("button", name=SAVE).click()  # now that Ben knows
    expect(other.get_by_text(f"Saved as version {before + 2}.")).to_be_visible()
    run.follows(explore=0.22)


def test_quotas_and_second_opinions_are_saved_and_the_queue_keeps_them(run: Run, page: Page) -> None:
    run.stand()
    page.goto(f"{run.pages}/strategy")
    page.get_by_label("Second opinions").fill("10")
    page.get_by_role("group", name="Quotas").get_by_label("spam").fill("60")
    page.get_by_label("Slices by this field of the task").select_option("source")
    page.get_by_label("Slices, one a line").fill(f"{SLICE} = 40")
    page.get_by_role("radio", name="only when the model is confident").check()
    page.get_by_role("button", name=SAVE).click()
    expect(page.get_by_text("Saved as version")).to_be_visible()
    run.follows(classes={"spam": 0.6}, slices={SLICE: 0.4}, slice_field="source", pre_annotation="confident")
    snapshot = run.settled()
    assert len(run.late & {int(task) for task in snapshot.order[:20]}) >= 5
    run.stand()


def test_single_tasks_are_put_first_held_back_and_taken_back(run: Run, page: Page) -> None:
    run.stand()
    order = run.head()
    first, last = order[0], order[-1]
    page.goto(f"{run.pages}/strategy")
    tasks = page.get_by_role("textbox", name="Tasks")
    tasks.fill(str(last))
    page.get_by_role("button", name="Put first").click()
    expect(page.get_by_text("1 task put first.")).to_be_visible()
    tasks.fill(f"#{first}, {10**9}")
    page.get_by_role("button", name="Hold back").click()
    expect(page.get_by_text("1 task held back. 1 task left out.")).to_be_visible()
    until(lambda: run.stack.queue(run.project)[0] == last, what="the task put first", every=0.2)
    until(lambda: first not in run.stack.queue(run.project), what="a queue without the task held back", every=0.2)
    run.settled()
    assert run.serves(3) == last
    page.get_by_role("button", name=f"Take back task {first}").click()
    expect(page.get_by_text("1 task back in the order of the queue.")).to_be_visible()
    until(lambda: first in run.stack.queue(run.project), what="the task that was held back", every=0.2)
    tasks.fill("eight")
    page.get_by_role("button", name="Hold back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("'eight' is no task's number.")


def test_what_is_chosen_on_the_map_comes_first_and_a_neglected_slice_by_one_click(run: Run, page: Page) -> None:
    run.stand()
    page.goto(f"{run.pages}/coverage")
    drawn(page)
    chosen = _around(page, 0.45)
    page.get_by_role("button", name="Put the chosen tasks first").click()
    expect(page.get_by_text(f"{len(chosen)} tasks put first.")).to_be_visible()
    left = chosen - run.answered()
    assert left
    until(lambda: set(run.stack.queue(run.project)[: len(left)]) == left, what="the chosen ones first", every=0.2)
    run.settled()
    assert run.serves(4) in left
    drawn(page)
    chosen = _around(page, 0.45)
    page.get_by_role("button", name="Hold them back").click()
    expect(page.get_by_text(f"{len(chosen)} tasks held back.")).to_be_visible()
    until(lambda: not chosen & set(run.stack.queue(run.project)), what="a queue without the chosen ones", every=0.2)
    run.call("POST", "actions", {"action": "requeue", "tasks": sorted(chosen), "user": 1})

    row = page.locator("section:has(#slices) tbody tr").filter(has_text=SLICE)
    expect(row).to_contain_text("0.0% labelled")
    row.get_by_role("button", name=f"Give {SLICE} 20").click()
    expect(page.get_by_text(f"{SLICE} gets 20")).to_be_visible()
    run.follows(slices={SLICE: 0.2}, slice_field="source")
    assert len(run.late & set(run.head()[:20])) >= 2
    page.get_by_role("navigation", name="Pages of this project").get_by_role("link", name="Strategy").click()
    expect(page.get_by_label("Slices, one a line")).to_have_value(f"{SLICE} = 20")
    run.stand()


def _around(page: Page, right: float) -> set[int]:
    """Drag around the points of the map's left part; the tasks that are chosen then."""
    page.locator("#pool").scroll_into_view_if_needed()
    place = page.locator("#pool").bounding_box()
    assert place is not None
    left, top, width, height = place["x"], place["y"], place["width"], place["height"]
    page.mouse.move(left + 5, top + 5)
    page.mouse.down()
    for x, y in ((right, 0.01), (right, 0.98), (0.01, 0.98), (0.01, 0.02)):
        page.mouse.move(left + x * width, top + y * height, steps=6)
    page.mouse.up()
    expect(page.locator("#count")).to_contain_text("chosen.")
    expect(page.get_by_role("button", name="Put the chosen tasks first")).to_be_enabled()
    return {int(task) for task in page.locator("#chosen").input_value().split(",")}


def test_every_file_holds_what_was_labelled_and_a_snapshot_never_changes(run: Run, page: Page) -> None:
    labels = len(run.answered())
    run.settled()
    for what in ("labelled", "selected", "disagreements", "predictions"):
        page.goto(f"{run.pages}/data")  # Chromium may hold back the eleventh download of one and the same page
        rows = {kind: _rows(_file(page, f"{what} as {kind}"), kind) for kind in ("json", "csv", "parquet")}
        assert len(set(rows.values())) == 1, (what, rows)
        if what in ("labelled", "selected"):
            assert rows["json"] == labels
    page.get_by_label("Name").fill("first release")
    page.get_by_role("button", name=f"Name {labels} labelled tasks").click()
    expect(page.get_by_text(f"holds {labels} labelled tasks")).to_be_visible()
    before = {kind: _file(page, f"labelled of first release as {kind}") for kind in ("json", "csv")}
    new = run.serves(5)
    page.reload()
    assert {kind: _file(page, f"labelled of first release as {kind}") for kind in ("json", "csv")} == before
    assert _rows(_file(page, "labelled as json"), "json") == labels + 1
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From first release to now")
    expect(page.get_by_role("row").filter(has_text=f"Task {new}")).to_contain_text("new")
    page.get_by_role("link", name="Back to Data").click()
    page.get_by_label("Name").fill("first release")
    page.get_by_role("button", name="labelled tasks").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("There is a snapshot 'first release' already.")


def _file(page: Page, link: str) -> bytes:
    with page.expect_download() as coming:
        page.get_by_role("link", name=link, exact=True).click()
    return coming.value.path().read_bytes()


def _rows(data: bytes, kind: str) -> int:
    if kind == "json":
        return len(json.loads(data))
    if kind == "csv":
        return len(list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")))))
    return int(pyarrow.parquet.read_table(io.BytesIO(data)).num_rows)


def test_a_suspected_label_goes_to_another_annotator_and_audits_are_retired(run: Run, page: Page) -> None:
    page.goto(f"{run.pages}/quality")
    expect(page.locator("section:has(#agreement)")).to_contain_text("Krippendorff's alpha is")
    suspects = page.locator("section:has(#errors)")
    box = suspects.get_by_role("checkbox").first
    task = int(box.get_attribute("value") or "0")
    assert task in run.answered()
    box.check()
    suspects.get_by_role("button", name="Ask another annotator").click()
    expect(page.get_by_text("1 task to be labelled by one more annotator.")).to_be_visible()
    until(lambda: not run.house.studio_get(f"/api/tasks/{task}")["is_labeled"], what="the task open again", every=0.5)
    assert run.serves(6) == task

    held_out = run.settled().held_out
    page.goto(f"{run.pages}/quality")
    page.get_by_text(f"Let the model learn from all {held_out} audit labels").click()
    page.get_by_role("button", name="Retire the audits").click()
    sure = page.get_by_label("Yes, the measuring begins anew")
    assert sure.evaluate("one => one.validity.valueMissing")
    assert run.settled().held_out == held_out
    sure.check()
    page.get_by_role("button", name="Retire the audits").click()
    expect(page.get_by_text(f"{held_out} audits retired")).to_be_visible()
    until(lambda: run.settled().held_out == 0, what="a round that learns from the audits")
