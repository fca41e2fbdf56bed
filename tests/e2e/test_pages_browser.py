"""Every page for admins in a real browser: readable by all, driven by mouse and keyboard, alone with its service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from watching import barriers, drawn, log_in, watched

from browsing import NewPage, needs_browser, new_page
from insightful import report_of, write_map, write_report
from labelcue.service.app import EXTENSION
from labelcue.service.context import Service
from labelcue.service.serve import Server
from labelcue.store.facets import Facets, write_facets
from labelcue.store.layout import Home
from labelcue.types import Event, Kind, TaskId
from paging import plant
from servicing import PASSWORD, XML, connect, offer, publish, settings_of

__all__ = ["new_page"]
pytestmark = [pytest.mark.slow, needs_browser]
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="40"><circle r="9"/></svg>'
TASKS = list(range(1, 41))
PAGES = ("/", *(f"/projects/10{page}" for page in ("", "/strategy", "/quality", "/coverage", "/stopping", "/data")))


class Site:
    """A listening service, and what it has."""

    def __init__(self, home: Path) -> None:
        self.server = Server(settings_of(home, store="", port=0))
        self.address = self.server.url
        self.service: Service = self.server.app.extensions[EXTENSION]
        self.complaints: list[str] = []

    def said(self, kind: Kind) -> list[dict[str, object]]:
        """The bodies of the ledger's events of this kind."""
        return [dict(event.body) for event in self.service.ledger.read(10, kinds=(kind,))]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    connect(tmp_path)
    offer(tmp_path)
    publish(tmp_path, TASKS)
    write_report(tmp_path, report_of(TASKS))
    write_map(tmp_path, TASKS)
    facets = Facets()
    for task in TASKS:
        facets.observe(TaskId(task), {"language": "<i>de</i>"})
    write_facets(Home(tmp_path).facets(10), facets)
    site = Site(tmp_path)
    plant(site.service.ledger, {task: f"mail {task} <script>" for task in TASKS}, dict.fromkeys(TASKS[:9], "pos"))
    running = threading.Thread(target=site.server.run, daemon=True)
    running.start()
    yield site
    site.server.stop()
    running.join(timeout=60)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """A project of which nothing is known yet."""
    connect(tmp_path)
    site = Site(tmp_path)
    running = threading.Thread(target=site.server.run, daemon=True)
    running.start()
    yield site
    site.server.stop()
    running.join(timeout=60)


@pytest.fixture
def page(site: Site, new_page: NewPage) -> Iterator[Page]:
    page = watched(new_page(), site.address, site.complaints)
    log_in(page, site.address, PASSWORD)
    yield page
    assert site.complaints == []


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_no_page_has_a_barrier_an_error_or_a_foreign_address(site: Site, new_page: NewPage, look: str) -> None:
    page = watched(new_page(), site.address, site.complaints)
    page.emulate_media(color_scheme="dark" if look == "dark" else "light")
    if look == "phone":
        page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site.address}/login")
    assert barriers(page, site.complaints) == []
    log_in(page, site.address, PASSWORD)
    for path in PAGES:
        page.goto(site.address + path)
        drawn(page)
        assert (path, barriers(page, site.complaints)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} is too wide"
    assert site.complaints == []


def test_empty_pages_have_no_barrier_either(empty: Site, new_page: NewPage) -> None:
    page = watched(new_page(), empty.address, empty.complaints)
    log_in(page, empty.address, PASSWORD)
    for path in PAGES:
        page.goto(empty.address + path)
        assert (path, barriers(page, empty.complaints)) == (path, [])
    assert empty.complaints == []


def test_nothing_jumps_while_a_page_comes(site: Site, page: Page) -> None:
    page.add_init_script(
        "window.jumped = 0; const add = (one) => { jumped += one.value; };"
        "new PerformanceObserver((list) => list.getEntries().forEach(add))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    for path in PAGES[1:]:
        page.goto(site.address + path)
        drawn(page)
        assert page.evaluate("jumped") < 0.1, path


def test_without_scripts_every_page_can_be_read_and_its_forms_work(site: Site, new_page: NewPage) -> None:
    browser = new_page().context.browser
    assert browser is not None
    page = browser.new_context(java_script_enabled=False).new_page()
    log_in(page, site.address, PASSWORD)
    for path in PAGES:
        answer = page.goto(site.address + path)
        assert answer is not None
        assert answer.status == 200
        assert page.get_by_role("heading", level=1).count() == 1
    page.get_by_label("Name").fill("first")
    page.get_by_role("button", name="Name 9 labelled tasks").click()
    page.get_by_text("the same bytes for ever").wait_for()
    assert site.said(Kind.MARK)[0]["name"] == "first"


def test_the_keyboard_reaches_the_content_at_once(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'main'")


def test_a_strategy_is_chosen_saved_and_taken_back(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/strategy")
    page.get_by_role("radio", name="power-margin").check()
    page.locator("#p-power-margin-beta").fill("2")
    page.get_by_label("Audit items").fill("10")
    page.get_by_role("button", name="Save as version 1").click()
    page.get_by_text("Saved as version 1").wait_for()
    assert site.said(Kind.SETTINGS)[0]["settings"]["params"] == {"beta": 2.0}  # type: ignore[index]
    page.get_by_label("Audit items").fill("200")
    page.get_by_role("button", name="Save as version 2").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Audit items").input_value() == "200"
    site.complaints.clear()  # the browser calls the refusal an error
    page.get_by_role("button", name="Go back to version 0").click()
    page.get_by_text("Saved as version 2").wait_for()
    assert [one["back_to"] for one in site.said(Kind.SETTINGS)] == [None, 0]


def test_tasks_are_chosen_on_the_map_and_put_first(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/coverage")
    drawn(page)
    place = page.locator("#pool").bounding_box()
    assert place is not None
    page.locator("#pool").scroll_into_view_if_needed()
    place = page.locator("#pool").bounding_box()
    assert place is not None
    left, top, width, height = place["x"], place["y"], place["width"], place["height"]
    page.mouse.move(left + 5, top + 5)
    page.mouse.down()
    for x, y in ((0.9, 0.01), (0.9, 0.98), (0.01, 0.98), (0.01, 0.02)):
        page.mouse.move(left + x * width, top + y * height, steps=6)
    page.mouse.up()
    page.get_by_text("tasks are chosen").wait_for()
    page.get_by_label("Colour by").select_option("uncertainty")
    page.get_by_label("Colour by").select_option("language")
    page.get_by_text("no value").wait_for()
    page.get_by_role("button", name="Put the chosen tasks first").click()
    page.get_by_text("put first").wait_for()
    assert len(site.said(Kind.PIN)) > 20


def test_a_flagged_slice_gets_a_quota_by_one_click(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/coverage")
    page.get_by_role("button", name="Give <i>de</i>").click()
    page.get_by_text("as version 1 of the settings").wait_for()
    assert site.said(Kind.SETTINGS)[0]["settings"]["slices"] == {"<i>de</i>": 0.2}  # type: ignore[index]


def test_tables_sort_by_a_click_on_their_heads(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/quality")
    head = page.get_by_role("columnheader", name="Belief in the label")
    head.get_by_role("button").click()
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert "mail 6" in page.locator("section:has(#errors) tbody tr").first.inner_text()


def test_what_a_target_costs_is_worked_out(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/projects/10/stopping")
    page.get_by_label("Target accuracy").fill("90")
    page.get_by_label("One label costs").fill("0.1")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Work it out").click()
    page.get_by_text("30.00 (18.00 to 42.00)").wait_for()


def test_files_are_downloaded(site: Site, page: Page, tmp_path: Path) -> None:
    page.goto(f"{site.address}/projects/10/data")
    with page.expect_download() as coming:
        page.get_by_role("link", name="labelled as json").click()
    coming.value.save_as(tmp_path / "labels.json")
    assert len(json.loads((tmp_path / "labels.json").read_text())) == 9
    assert coming.value.suggested_filename.startswith("labelcue-10-labelled")


def test_a_picture_comes_from_label_studio_alone_and_moves_nothing(site: Site, new_page: NewPage) -> None:
    photo, elsewhere = "http://127.0.0.1:9/data/upload/a.svg", "http://127.0.0.1:8/data/b.svg"
    config = XML.replace("<View>", '<View><Image name="shot" value="$photo"/>')
    events = [Event(10, Kind.LABEL_CONFIG, "label_config:2", {"label_config": config, "updated_at": "2027-01-01"})]
    for task, named in ((10, photo), (11, elsewhere)):
        body = {"task": task, "data": {"text": "a mail", "photo": named}, "updated_at": "2027-01-01T00:00:00Z"}
        events.append(Event(10, Kind.TASK, f"photo:{task}", body))
    site.service.ledger.append(events)
    asked: list[str] = []
    page = new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.route(photo, lambda route: route.fulfill(content_type="image/svg+xml", body=PICTURE))
    log_in(page, site.address, PASSWORD)
    page.goto(f"{site.address}/projects/10")
    shown = page.get_by_role("img", name="Picture of task 10")
    shown.scroll_into_view_if_needed()
    page.wait_for_function("[...document.querySelectorAll('img.picture')].every((one) => one.naturalWidth > 0)")
    assert page.locator("img.picture").count() == 1
    box = shown.bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (96, 72)
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == [photo]
    assert barriers(page, site.complaints) == []
