"""Backend, webhooks, and whether a message that Label Studio sends reaches us."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

from labelcue.connect import ours
from labelcue.connect.reach import ask
from labelcue.doctor.finding import Case, Finding
from labelcue.errors import ConfigError, LabelStudioError
from labelcue.labelstudio.answers import SSRF_REMEDY
from labelcue.labelstudio.way import GUIDE, way_of

AGAIN = "Run `labelcue connect` again: it mends this."
PATIENCE = 3.0
"""Seconds in which a webhook must have arrived; Label Studio sends it before it answers, and waits one second."""


def wiring_findings(case: Case) -> Iterator[Finding]:
    """`backend`, `webhook`, `webhook-without-secret`, `round-trip`, `private-addresses` and `plugin`."""
    yield _backend(case)
    hook = next((one for one in case.hooks if one["id"] == case.connection.webhook_id), None)
    yield _webhook(case, hook)
    yield _secretless(case)
    trip = _round_trip(case)
    yield trip
    yield _private(case, hook, arrived=trip.level == "ok")
    yield _plugin(case)


def _backend(case: Case) -> Finding:
    wanted = ours.wanted_backend(case.settings)
    backend = next((one for one in case.backends if one["id"] == case.connection.backend_id), None)
    if backend is None:
        return case.judge("backend", "bad", "Label Studio has no backend of LabelCue's in this project.", AGAIN)
    if ours.differs(backend, wanted):
        what = f"The backend stands otherwise than these settings ({backend['url']}, {backend['title']!r})."
        return case.judge("backend", "bad", what, AGAIN)
    if backend["state"] != "CO":
        why = str(backend.get("error_message") or backend.get("readable_state"))[:200]
        remedy = (
            f"Label Studio must reach {wanted['url']}: start the service, open the way, or set --url. {SSRF_REMEDY}"
        )
        return case.judge("backend", "bad", f"Label Studio cannot use the backend: {why}.", remedy)
    return case.judge("backend", "ok", f"Label Studio reaches the backend at {backend['url']}.", AGAIN)


def _webhook(case: Case, hook: dict[str, Any] | None) -> Finding:
    wanted = ours.wanted_webhook(case.settings, case.project, case.connection.renewals)
    if hook is None:
        return case.judge("webhook", "bad", "LabelCue's webhook is gone: labels arrive late, by polling.", AGAIN)
    if ours.tells_all(hook, case.settings):
        what = "The webhook carries the service's own secret, where everybody who may see its settings can read it."
        remedy = f"{AGAIN} Then put another webhook_secret into labelcue.toml, restart, and connect all projects again."
        return case.judge("webhook", "warn", what, remedy)
    wrong = [name for name, value in wanted.items() if ours.differs(hook, {name: value})]
    if wrong:
        return case.judge("webhook", "bad", f"The webhook's {', '.join(wrong)} stand otherwise than they must.", AGAIN)
    return case.judge("webhook", "ok", "The webhook is active, with its secret and the right actions.", AGAIN)


def _secretless(case: Case) -> Finding:
    url = ours.webhook_url(case.settings.base_url)
    strays = [
        one for one in case.hooks if one["url"] == url and one["id"] != case.connection.webhook_id and one["is_active"]
    ]
    what = (
        "No webhook without our secret points at LabelCue.",
        f"{len(strays)} more webhooks point at LabelCue without its secret: refused, and a loss of time.",
    )
    return case.check("webhook-without-secret", not strays, what, AGAIN, serious=False)


def _round_trip(case: Case) -> Finding:
    """Save the project as it is, which sends PROJECT_UPDATED, and ask the service when it last heard from it."""
    remedy = "See the findings on service, webhook and private addresses; then run `labelcue connect` again."
    try:
        before = _last_heard(case)
        case.ls.update_project(case.project, title=case.found["title"])
        deadline = time.monotonic() + PATIENCE
        while (heard := _last_heard(case)) == before and time.monotonic() < deadline:
            time.sleep(0.1)
    except ConfigError as error:
        return case.judge("round-trip", "bad", error.message, error.remedy)
    what = (
        "A message from Label Studio arrived at the service.",
        "The service did not hear a message that Label Studio should have sent; labels arrive late, by polling.",
    )
    return case.check("round-trip", heard != before, what, remedy)


def _last_heard(case: Case) -> float | None:
    """Unix seconds of the last webhook of the project that had the secret; None where the service knows of none."""
    try:
        body = ask(case.settings, f"/api/projects/{case.project}").json()
    except ValueError:
        return None
    heard = body.get("last_webhook_at") if isinstance(body, dict) else None
    return float(heard) if isinstance(heard, (int, float)) else None


def _plugin(case: Case) -> Finding:
    """Without the plugin the queue is served too, so that only one which is there and does not serve is a finding."""
    way = way_of(case.ls, case.project)
    level: Literal["ok", "warn"] = "warn" if way.remedy else "ok"
    return case.judge("plugin", level, f"Annotators are served {way.words}.", way.remedy or f"See {GUIDE}.")


def _private(case: Case, hook: dict[str, Any] | None, *, arrived: bool) -> Finding:
    """Label Studio does not show its settings; saving the webhook as it is makes it check the address again."""
    name, good = "private-addresses", "Label Studio's protection against private addresses does not stop LabelCue."
    if arrived or hook is None:
        return case.judge(name, "ok", good if arrived else "Not checked: there is no webhook.", SSRF_REMEDY)
    try:
        case.ls.update_webhook(int(hook["id"]), **{key: hook[key] for key in ours.KEPT_OF_WEBHOOK})
    except LabelStudioError as error:
        return case.judge(name, "bad", error.message, SSRF_REMEDY)
    return case.judge(name, "ok", good, SSRF_REMEDY)
