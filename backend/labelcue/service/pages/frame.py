"""What every page shares: the way in, headers, the frame around it, and errors that people can read."""

from __future__ import annotations

import hashlib
import importlib.util
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from flask import Blueprint, Flask, Response, g, redirect, render_template, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue

from labelcue.errors import LabelCueError, NotFound
from labelcue.queueing.settings import in_words
from labelcue.service.choosing import Choosing
from labelcue.service.context import Service
from labelcue.service.exporting import Exporting
from labelcue.service.failing import failed
from labelcue.service.pages import words
from labelcue.service.pages.acting import Acting
from labelcue.service.pages.coverage import Coverage
from labelcue.service.pages.data import Data
from labelcue.service.pages.login import Login
from labelcue.service.pages.overview import Overview
from labelcue.service.pages.pictures import allowed_from
from labelcue.service.pages.quality import Quality
from labelcue.service.pages.reading import Reader
from labelcue.service.pages.session import Door
from labelcue.service.pages.start import Start
from labelcue.service.pages.stopping import Stopping
from labelcue.service.pages.strategy import Strategy

NAME = "pages"
"""The blueprint's name: its routes are for people and no part of the API."""
HERE = Path(__file__).parent
CHARTS = ("bokeh.min.js", "bokeh-api.min.js")
A_YEAR = 365 * 86400
OPEN = frozenset(f"{NAME}.{route}" for route in ("login", "log_in", "static", "chart_library"))
"""What needs no login."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:{pictures}; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script but our files; styles made by a script only where it has the page's nonce, as the charts have;
pictures from one other place only, the project's Label Studio, on pages that show some."""
HEADERS = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TABS = (
    ("overview", "Overview"),
    ("strategy", "Strategy"),
    ("quality", "Quality"),
    ("coverage", "Coverage"),
    ("stopping", "Stop?"),
    ("data", "Data"),
)
"""Route and title of one project's pages."""


class Page(Protocol):
    """One page, or a few routes that belong together."""

    def add(self, routes: Blueprint) -> None:
        """Give the blueprint its routes."""


class Pages:
    """All pages of one service."""

    def __init__(self, service: Service, choosing: Choosing, exporting: Exporting) -> None:
        self._service = service
        self._choosing = choosing
        self._exporting = exporting
        self._door = Door(service.settings, service.clock)
        self._reader = Reader(service)

    def blueprint(self, app: Flask) -> Blueprint:
        """The routes; gives `app` its session cookie."""
        self._door.fit(app)
        self._app = app
        routes = Blueprint(NAME, __name__, template_folder="templates")
        routes.before_request(self._admit)
        routes.after_request(_headed)
        routes.register_error_handler(Exception, self._failed)
        routes.context_processor(self._shared)
        for name, say in _FILTERS.items():
            routes.add_app_template_filter(say, name)
        routes.add_app_template_filter(lambda at: words.ago(at, self._service.clock()), "ago")
        routes.add_url_rule("/static/<version>/<path:filename>", "static", self.static)
        routes.add_url_rule("/static/<version>/charts/<name>", "chart_library", self.chart_library)
        for page in self._pages():
            page.add(routes)
        return routes

    def warm(self) -> Iterator[None]:
        """Do beforehand what the first page would wait for: every page of every project once, for nobody."""
        for name in sorted(path.name for path in (HERE / "templates").iterdir()):
            self._app.jinja_env.get_template(name)
            yield
        yield from self._reader.reading()
        for project in self._reader.service.home.projects():
            for route, _ in TABS:
                self._render_once(f"{NAME}.{route}", project)
                yield

    def _render_once(self, route: str, project: int) -> None:
        """What fails here, a request will tell."""
        with self._app.test_request_context():
            path = url_for(route, project=project)
        with self._app.test_request_context(path), suppress(LabelCueError):
            self._app.view_functions[route](project=project)

    def _pages(self) -> Iterator[Page]:
        yield Login(self._door)
        yield Start(self._reader)
        yield Overview(self._reader)
        yield Strategy(self._reader, self._door, self._choosing)
        yield Quality(self._reader, self._door, self._choosing)
        yield Coverage(self._reader, self._door, self._choosing)
        yield Stopping(self._reader)
        yield Data(self._reader, self._door, self._exporting)
        yield Acting(self._reader, self._door)

    def static(self, version: str, filename: str) -> ResponseReturnValue:
        """Our style, scripts and icon; the address has their version, so that browsers keep them."""
        return send_from_directory(HERE / "static", filename, max_age=A_YEAR if version == self._version else 0)

    def chart_library(self, version: str, name: str) -> ResponseReturnValue:
        """The charting library's own scripts, out of its package, which is never imported for it."""
        if name not in CHARTS:
            raise NotFound("There is no such script.", "")
        return send_from_directory(_chart_folder(), name, max_age=A_YEAR if version == self._version else 0)

    @cached_property
    def _version(self) -> str:
        """Changes with any of the files."""
        digest = hashlib.sha256()
        for path in sorted((HERE / "static").iterdir()):
            digest.update(path.read_bytes())
        for name in CHARTS:
            stat = (_chart_folder() / name).stat()
            digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
        return digest.hexdigest()[:12]

    def _admit(self) -> ResponseReturnValue | None:
        """Forms need the session's token, and everything but the way in needs a login."""
        if request.endpoint in OPEN and request.method != "POST":
            return None
        if request.method == "POST":
            self._door.check_token(request.form.get("csrf") or request.headers.get("LabelCue-Form", ""))
        if request.endpoint in OPEN or self._door.name():
            return None
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and not request.cookies:
            # The cookie never travels from another site. Asked by our own page, the browser sends it.
            return render_template("bounce.html")
        return redirect(url_for(f"{NAME}.login", next=request.path if request.method == "GET" else None), 303)

    def _failed(self, error: Exception) -> ResponseReturnValue:
        body, status, headers = failed(error)
        headers.pop("WWW-Authenticate", None)
        return render_template("problem.html", problem=body["error"]), status, headers

    def _shared(self) -> dict[str, Any]:
        return {
            "who": self._door.name(),
            "open_door": self._door.open,
            "csrf": self._door.token,
            "nonce": _nonce,
            "asset": lambda name: url_for(f"{NAME}.static", version=self._version, filename=name),
            "chart_scripts": [url_for(f"{NAME}.chart_library", version=self._version, name=name) for name in CHARTS],
            "tabs": TABS,
            "in_words": in_words,
        }


def _interval(estimate: Mapping[str, Any] | None, unit: str) -> str:
    return words.interval(estimate, _UNITS[unit])


_UNITS = {
    "share": words.share,
    "count": words.count,
    "money": words.money,
    "points": words.points,
    "hours": lambda value: words.span(None if value is None else 3600 * value),
}
_FILTERS: dict[str, Any] = {
    "interval": _interval,
    "count": words.count,
    "share": words.share,
    "decimal": words.decimal,
    "money": words.money,
    "span": words.span,
    "moment": words.moment,
    "plural": words.plural,
    "excerpt": words.excerpt,
}


def _headed(response: Response) -> Response:
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = POLICY.format(nonce=_nonce(), pictures=allowed_from())
    return response


def _nonce() -> str:
    """One for each answer."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(12)
    return str(g.nonce)


def _chart_folder() -> Path:
    found = importlib.util.find_spec("bokeh")
    if found is None or not found.submodule_search_locations:
        raise NotFound("The charting library is not installed.", "Install labelcue with its dependencies.")
    return Path(found.submodule_search_locations[0]) / "server" / "static" / "js"
