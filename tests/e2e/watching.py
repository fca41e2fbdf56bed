"""An eye on the admins' pages in a browser: barriers, errors, foreign addresses."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def watched(page: Page, address: str, complaints: list[str]) -> Page:
    """The page; whatever it says as an error, or asks of another address, becomes a complaint."""

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:")):
            complaints.append(f"asked {request.url}")

    page.on("request", asked)
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return page


def log_in(page: Page, address: str, password: str, name: str = "Ada") -> None:
    """By the form."""
    page.goto(f"{address}/login")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password or one-time code").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")


def barriers(page: Page, complaints: list[str]) -> list[str]:
    """What axe finds: each rule with the places that break it.

    axe itself tries styles that the pages' policy forbids: what the page complains of meanwhile is not the page's.
    """
    before = list(complaints)
    found = Axe().run(page, options={**RULES, "resultTypes": ["violations"]}).response["violations"]
    complaints[:] = before
    return [f"{one['id']}: {', '.join(str(node['target'][0]) for node in one['nodes'][:3])}" for one in found]


def drawn(page: Page) -> None:
    """Wait until every chart of the page is drawn."""
    page.wait_for_function("() => [...document.querySelectorAll('.plot')].every((one) => one.childElementCount)")


def reached(page: Page) -> tuple[int, list[str]]:
    """How many controls of forms the page has, and those of them that no number of tabs brings the focus to.

    Of radio buttons one stands for its group: the arrow keys move among them.
    """
    number = int(page.evaluate(_WATCH))
    stops = int(
        page.evaluate("document.querySelectorAll('a, button, input, select, textarea, summary, [tabindex]').length")
    )
    for _ in range(stops + 20):
        page.keyboard.press("Tab")
        if page.evaluate("waiting.size === 0"):
            break
    return number, list(page.evaluate("[...waiting].map((one) => one.outerHTML.slice(0, 120))"))


_WATCH = """() => {
  const forms = [...document.querySelectorAll('main form :is(input, button, select, textarea)')];
  const open = forms.filter((one) => one.type !== 'hidden' && !one.disabled && one.checkVisibility());
  const kept = open.filter((one) => one.type !== 'radio' || one.checked);
  window.waiting = new Set(kept);
  document.addEventListener('focusin', (event) => waiting.delete(event.target));
  return kept.length;
}"""
