"""The alarms as the command line shows them, and tests of the addresses that are told of them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labelcue.alarms.addresses import Address, addresses
from labelcue.alarms.book import FORMAT, Standing
from labelcue.alarms.kept import Kept, read_kept
from labelcue.alarms.outbox import TIMEOUT_S, post
from labelcue.settings import Settings
from labelcue.store.layout import Home


def show(out: Console, settings: Settings, project: int | None, *, as_json: bool, test: bool) -> int:
    """Print what stands and what was sent; with `test`, 1 if an address did not take it."""
    receivers = addresses(settings)
    kept = read_kept(Home(settings.home).alarms)
    tried = list(_try(settings, receivers)) if test else []
    standing = [one for one in kept.standing.values() if project in (None, one.alarm.project)]
    if as_json:
        out.print_json(json.dumps(_as_json(standing, receivers, kept, tried)))
    else:
        _show(out, standing, receivers, kept, tried)
    return int(any(tried))


def _try(settings: Settings, receivers: tuple[Address, ...]) -> Iterator[str]:
    """What went wrong at each address, '' where nothing did."""
    words = "This is a test of LabelCue's alarms: nothing is wrong."
    now = time.time()
    message = {
        "format": FORMAT,
        "id": uuid.uuid4().hex,
        "status": "test",
        "alarm": "test",
        "subject": "",
        "severity": "info",
        "project": {"id": 0, "title": ""},
        "message": words,
        "remedy": "",
        "since": now,
        "at": now,
        "page": f"{settings.base_url}/",
        "text": words,
    }
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as http:
        for receiver in receivers:
            yield post(http, receiver, message)[1]


def _as_json(standing: list[Standing], receivers: tuple[Address, ...], kept: Kept, tried: list[str]) -> dict[str, Any]:
    told = [{"address": one.shown, **_lane(one, kept)} for one in receivers]
    for row, trouble in zip(told, tried, strict=False):
        row["test"] = trouble or "ok"
    return {"alarms": [one.as_json() for one in standing], "addresses": told}


def _lane(receiver: Address, kept: Kept) -> dict[str, Any]:
    lane = kept.lanes.get(receiver.key)
    if lane is None:
        return {"waiting": 0, "trouble": "", "last_ok": None}
    return {"waiting": len(lane.waiting), "trouble": lane.trouble, "last_ok": lane.last_ok}


def _show(out: Console, standing: list[Standing], receivers: tuple[Address, ...], kept: Kept, tried: list[str]) -> None:
    if standing:
        table = Table("project", "alarm", "severity", "what", "what to do", "for")
        for one in standing:
            alarm, minutes = one.alarm, (time.time() - one.since) / 60
            name = f"{alarm.name} {alarm.subject}".strip()
            cells = (name, alarm.severity, alarm.message, alarm.remedy)
            table.add_row(str(alarm.project), *map(escape, cells), f"{minutes:.0f} min")
        out.print(table)
    else:
        out.print("Nothing needs you.")
    if not receivers:
        out.print("No address is told: set alarm_urls in labelcue.toml, or LABELCUE_ALARM_URLS.", highlight=False)
    for place, receiver in enumerate(receivers):
        lane = _lane(receiver, kept)
        words = f"{lane['waiting']} waiting" + (f"; last: {lane['trouble']}" if lane["trouble"] else "")
        if tried:
            words += f"; test: {tried[place] or 'taken'}"
        out.print(f"{receiver.shown}  {words}", highlight=False, soft_wrap=True, markup=False)
