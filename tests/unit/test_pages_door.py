"""Who gets into the admins' pages, and what a page lets a browser do."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelcue.service.pages.session import CODE_S, HOURS, TRIES, new_code
from paging import Visitor, visitor_of
from servicing import NOW, PASSWORD, SECRET, connect, settings_of


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visitor(tmp_path: Path, clock: Clock) -> Visitor:
    connect(tmp_path)
    return visitor_of(tmp_path, clock)


def test_nobody_sees_a_page_without_a_login(visitor: Visitor) -> None:
    for path in ("/", "/projects/10"):
        answer = visitor.client.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/login")
    assert "Project 10" not in visitor.get("/projects/10").text


def test_the_password_opens_and_leads_to_where_one_wanted_to_go(visitor: Visitor) -> None:
    assert 'value="/projects/10"' in visitor.get("/projects/10").text
    answer = visitor.post("/login", name="  Ada   L. ", secret=PASSWORD, next="/projects/10")
    assert answer.request.path == "/projects/10"
    assert "Ada L." in answer.text


@pytest.mark.parametrize("secret", ["", "wrong", PASSWORD[:-1], PASSWORD + "x", "ä\0"])
def test_nothing_else_opens(visitor: Visitor, secret: str) -> None:
    answer = visitor.log_in(secret=secret)
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers
    assert visitor.get("/").request.path == "/login"


def test_a_name_is_needed(visitor: Visitor) -> None:
    assert visitor.log_in(name=" ").status_code == 400
    assert visitor.log_in(name="x" * 81).status_code == 400


def test_after_many_wrong_passwords_none_is_looked_at_for_a_while(visitor: Visitor, clock: Clock) -> None:
    for _ in range(TRIES):
        visitor.log_in(secret="wrong")
    assert "Too many" in visitor.log_in().text
    clock.now += 61
    assert visitor.log_in().request.path == "/"


def test_a_clock_that_is_set_back_locks_nobody_out(visitor: Visitor, clock: Clock) -> None:
    for _ in range(TRIES):
        visitor.log_in(secret="wrong")
    clock.now -= 86_400
    assert visitor.log_in().request.path == "/"


def test_a_one_time_code_opens_once(tmp_path: Path, visitor: Visitor) -> None:
    code = new_code(settings_of(tmp_path))
    assert visitor.log_in(secret=code).request.path == "/"
    visitor.post("/logout")
    assert visitor.log_in(secret=code).status_code == 401
    assert visitor.log_in(secret=new_code(settings_of(tmp_path, basic_password="another"))).status_code == 401
    assert CODE_S <= 600


def test_a_login_ends(visitor: Visitor, clock: Clock) -> None:
    visitor.log_in()
    clock.now += HOURS * 3600 - 1
    assert visitor.get("/").request.path == "/"
    clock.now += 2
    assert visitor.get("/").request.path == "/login"


def test_logging_out_ends_it(visitor: Visitor) -> None:
    visitor.log_in()
    assert visitor.post("/logout").request.path == "/login"
    assert visitor.get("/").request.path == "/login"


def test_new_secrets_end_every_login(tmp_path: Path, visitor: Visitor) -> None:
    visitor.log_in()
    cookies = "; ".join(f"{one.key}={one.value}" for one in visitor.client._cookies.values())
    for secret, status in ((SECRET, 200), ("another", 303)):
        app = visitor_of(tmp_path, webhook_secret=secret).client.application
        restarted = app.test_client(use_cookies=False)
        assert restarted.get("/", headers={"Cookie": cookies}).status_code == status


def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor, tmp_path: Path) -> None:
    cookie = visitor.client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert "Secure" in visitor_of(tmp_path, url="https://cue.example.org").client.get("/login").headers["Set-Cookie"]


def test_a_form_without_the_sessions_token_does_nothing(visitor: Visitor) -> None:
    visitor.log_in()
    for fields in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "ä"}):
        assert visitor.client.post("/logout", data=fields).status_code == 400
    assert visitor.get("/").request.path == "/"
    assert visitor.client.post("/login", data={"name": "Eve", "secret": PASSWORD}).status_code == 400


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil", "/projects/1/../..", "/login"])
def test_a_login_leads_nowhere_else(visitor: Visitor, onward: str) -> None:
    visitor.get("/login")
    answer = visitor.client.post(
        "/login", data={"csrf": visitor._token, "name": "A", "secret": PASSWORD, "next": onward}
    )
    assert answer.headers["Location"] == "/"


def test_a_link_from_another_site_is_asked_again_by_our_own_page(visitor: Visitor) -> None:
    visitor.log_in()
    fresh = visitor.client.application.test_client()
    answer = fresh.get("/projects/10", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text


def test_without_secrets_a_name_is_enough(tmp_path: Path) -> None:
    visitor = visitor_of(tmp_path, basic_password="", webhook_secret="", insecure=True)
    assert 'name="secret"' not in visitor.get("/login").text
    assert visitor.post("/login", name="Ada").request.path == "/"


def test_every_page_forbids_foreign_scripts_and_frames(visitor: Visitor) -> None:
    visitor.log_in()
    for path in ("/", "/projects/10", "/projects/11"):
        answer = visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "http://" not in answer.text.replace("http://127.0.0.1:9/", "").replace("http://localhost:8080", "")
        assert "https://" not in answer.text


def test_a_project_that_is_not_there_is_a_page_that_says_so(visitor: Visitor) -> None:
    visitor.log_in()
    answer = visitor.get("/projects/11")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "labelcue connect" in answer.text


def test_style_and_scripts_are_kept_by_browsers_and_nothing_else_is_served(visitor: Visitor) -> None:
    page = visitor.get("/login").text
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = visitor.get(style)
    assert answer.mimetype == "text/css"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    version = style.split("/")[2]
    assert visitor.get(f"/static/{version}/charts/bokeh.min.js").status_code == 200
    for path in ("charts/bokeh.js", "charts/..%2f..%2fversion.json", "../frame.py", "..%2fframe.py", "nothing.css"):
        assert visitor.get(f"/static/{version}/{path}").status_code == 404
