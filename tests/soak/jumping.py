"""The clock of the real processes jumps a day forward and back: nothing is lost, leases end, the queue goes on."""

from __future__ import annotations

import http.client
import re
import time
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from labelcue.service.pages.reading import ALIVE_S
from labelcue.store import open_ledger
from labelcue.store.layout import Home
from labelcue.store.status import read_status
from servicing import PASSWORD
from soak.posting import Mark, annotations, config, post, stored, tasks
from soak.processes import AS_PLUGIN, PROJECT, Crowd, Process, learning, serving
from soak.proving import Figure, Trial
from waiting import until

DAY_S = 86_400
LEASE_S = 3600
LEASED = range(40, 90)
"""Tasks that the crowd leaves alone."""
SITE = """
import time

def ahead(real, scale, path={path!r}):
    def told():
        with open(path) as file:
            return real() + scale * int(file.read())
    return told

time.time, time.time_ns = ahead(time.time, 1), ahead(time.time_ns, 10**9)
"""
"""Python runs this before anything else. `datetime.now` stays right: LabelCue asks it only when it connects."""


class Clock:
    """What the processes take for the time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self._path, self._ahead = folder, folder / "ahead", 0
        (folder / "sitecustomize.py").write_text(SITE.format(path=str(self._path)))
        self._path.write_text("0")

    @property
    def now(self) -> float:
        return time.time() + self._ahead

    def jump(self) -> None:
        """A day forward, and the next time back."""
        self._ahead = DAY_S - self._ahead
        part = self._path.with_suffix(".part")
        part.write_text(str(self._ahead))
        part.replace(self._path)


def clocks_jump(trial: Trial) -> Figure:
    """`amount` jumps while clients post: what holds before and after each is looked at."""
    clock, home = Clock(trial.folder / "clock"), trial.folder / "home"
    home.mkdir()
    with serving(home, sites=[clock.folder]) as service, learning(home, sites=[clock.folder]):
        for body in (config(), tasks(90)):
            assert post(service.url, body)[0] == 200
        until(lambda: _rounds(home), what="the first round", every=0.1)
        crowd = Crowd(2, lambda client, turn: _post(service.url, client, turn))
        try:
            for number in range(trial.amount):
                _jump(service, clock, LEASED[number % len(LEASED)])
                trial.tell(number + 1)
        finally:
            said = crowd.end()
    marks: list[Mark] = list(chain.from_iterable(said))  # type: ignore[arg-type]
    lost = set(marks) - stored(home)
    words = (
        f"{trial.amount} jumps of a day, forward and back: {len(lost)} lost of {len(marks):,} acknowledged; each time"
    )
    return Figure(
        not lost, f"{words} leases ended, the queue went on, the learner was seen alive, logins were asked anew"
    )


def _jump(service: Process, clock: Clock, task: int) -> None:
    """One jump, and all that has to hold after it. Raises AssertionError."""
    url, home = service.url, service.home
    cookie = _log_in(url)
    assert _page(url, cookie) == 200
    status, said = post(url, {"task": task, "user": 1, "seconds": LEASE_S}, _route("leases"), AS_PLUGIN)
    assert status == 200
    assert abs(said["expires"] - LEASE_S - clock.now) < DAY_S / 2
    assert task not in _next(url)
    clock.jump()
    until(lambda: task in _next(url), what="the end of the lease")
    assert _page(url, cookie) in (302, 303)  # It is over, or began in the future.
    assert _page(url, _log_in(url)) == 200
    body, _ = annotations(2, time.monotonic_ns() // 10**6 % 10**7, 1)
    assert post(url, body)[0] == 200
    position = _position(home)
    until(lambda: _rounds(home)[-1] >= position, what="a round after the jump", every=0.1)
    until(lambda: abs(clock.now - float(read_status(Home(home).status(PROJECT))["at"])) < ALIVE_S, what="its learner")


def _post(url: str, client: int, turn: int) -> list[Mark] | None:
    time.sleep(0.02)  # So that the rounds keep up.
    body, marks = annotations(client, turn, 1)
    return marks if post(url, body)[0] == 200 else None


def _next(url: str) -> list[int]:
    status, said = post(url, {"user": 2, "limit": 1000}, _route("next"), AS_PLUGIN)
    assert status == 200
    return [task["id"] for task in said["tasks"]]


def _route(name: str) -> str:
    return f"/api/projects/{PROJECT}/{name}"


def _rounds(home: Path) -> list[int]:
    """Up to where each round knows the ledger."""
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        return [record.position for record in ledger.rounds(PROJECT)]


def _position(home: Path) -> int:
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        return ledger.position(PROJECT)


def _log_in(url: str) -> str:
    """A fresh login's cookie."""
    _, headers, page = _asked(url, "GET", "/login")
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    form = urlencode({"csrf": token[1], "name": "Ada", "secret": PASSWORD})
    given = {"Cookie": _cookie(headers), "Content-Type": "application/x-www-form-urlencoded"}
    status, headers, _ = _asked(url, "POST", "/login", form, given)
    assert status in (302, 303)
    return _cookie(headers)


def _page(url: str, cookie: str) -> int:
    return _asked(url, "GET", f"/projects/{PROJECT}", headers={"Cookie": cookie})[0]


def _cookie(headers: Any) -> str:
    return str(headers["Set-Cookie"]).partition(";")[0]


def _asked(
    url: str, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> tuple[int, Any, str]:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as line:
        line.request(method, path, body.encode(), headers or {})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read().decode()
