"""The pictures of the admins' pages for the documentation, of a real run. `make pictures` makes them all anew."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page
from plugged import House
from run_of_mails import Run, Size, run_of_mails
from watching import drawn, log_in

from browsing import NewPage, new_page

__all__ = ["new_page"]
FOLDER = Path(__file__).parents[2] / "backend" / "docs" / "pages"
SIZE = Size(mails=240, audits=60, learned=110, batch=60, wrong=12, seconds=16, later=40, audit_share=0.36)
WIDTH, COLOURS = 1180, 256


def test_the_pictures_are_made_anew(house: House, new_page: NewPage) -> None:
    run = run_of_mails(house, SIZE, title="Is this mail wanted?")
    page = new_page()
    page.set_viewport_size({"width": WIDTH, "height": 900})
    log_in(page, run.address, run.password)
    for name, height in _shown(run, page):
        drawn(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)  # what the browser still fades in
        _keep(page.screenshot(full_page=True), name, height)


def _shown(run: Run, page: Page) -> Iterator[tuple[str, int]]:
    """Each picture's name and greatest height, once the page shows it."""
    yield "start", 420
    page.goto(run.pages)
    page.get_by_label("Target accuracy").fill("95")
    page.get_by_label("One label costs").fill("0.08")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Work it out").click()
    yield "overview", 2900
    run.call("PUT", "settings", {"settings": {"audit": 0.1}, "if_version": len(run.versions()), "by": "Ben"})
    page.goto(f"{run.pages}/strategy")
    yield "strategy", 1500
    page.get_by_role("radio", name="random").check()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="As in the form").wait_for()
    yield "compare", 900
    page.goto(f"{run.pages}/quality")
    yield "quality", 1700
    page.get_by_text("Let the model learn from all").click()
    yield "retire", 740
    page.goto(f"{run.pages}/coverage")
    yield "coverage", 1900
    page.goto(f"{run.pages}/stopping")
    yield "stopping", 1150
    page.goto(f"{run.pages}/data")
    page.get_by_label("Name").fill("first release")
    page.get_by_role("button", name="labelled tasks").click()
    page.get_by_text("the same bytes for ever").wait_for()
    yield "data", 900


def _keep(picture: bytes, name: str, height: int) -> None:
    """In few colours, so that the repository stays small."""
    with Image.open(io.BytesIO(picture)) as whole:
        part = whole.convert("RGB").crop((0, 0, whole.width, min(height, whole.height)))
    few = part.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # rare colours, too
    few.save(FOLDER / f"{name}.png", optimize=True)
