"""Only who may, may: every route of the service with nothing, with what is wrong, with another project's secret."""

from __future__ import annotations

import base64
import re

from flask import Flask
from flask.testing import FlaskClient

from labelcue import keys
from labelcue.service.app import create_app
from servicing import BASIC, SECRET, connect, publish, settings_of
from soak.proving import Figure, Trial

OPEN = {"/health", "/openapi.json", "/login", "/logout"}
"""What anybody may call: none of it tells or changes anything. `/static/` is style and scripts."""
OURS, OTHERS = 10, 11
API = ("/api", "/setup", "/predict", "/versions", "/webhook", "/metrics")
"""What is no page begins so."""


def _basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


WRONG: dict[str, dict[str, str]] = {
    "nothing": {},
    "empty": {"Authorization": "", "LabelCue-Secret": ""},
    "another password": _basic("labelcue:canary-basic-passwor"),
    "another user": _basic("admin:canary-basic-password"),
    "no password": _basic("labelcue:"),
    "no base64": {"Authorization": "Basic \xff\xfe"},
    "a secret as password": _basic(f"labelcue:{SECRET}"),
    "another bearer": {"Authorization": "Bearer " + "0" * 64},
    "odd bearer": {"Authorization": "Bearer \xe4\xf6\xfc"},
    "odd webhook secret": {"LabelCue-Secret": "\xe4" * 5000},
    "another scheme": {"Authorization": f"Digest {SECRET}"},
    "a webhook's secret as bearer": {"Authorization": f"Bearer {keys.webhook(SECRET, OURS, 0)}"},
    "another project's bearer": {"Authorization": f"Bearer {keys.bearer(SECRET, OTHERS)}"},
    "another project's webhook secret": {"LabelCue-Secret": keys.webhook(SECRET, OTHERS, 0)},
    "a forged session": {"Cookie": "labelcue=eyJuYW1lIjoiQWRhIn0.aaaa.bbbb; session=x"},
    "claims of a proxy": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-User": "admin"},
}


def only_who_may(trial: Trial) -> Figure:
    """Every route with each of `WRONG`: refused, or led to the login; and the password opens what it should."""
    for project in (OURS, OTHERS):
        connect(trial.folder, project)
    publish(trial.folder, [100, 101])
    app = create_app(settings_of(trial.folder))
    client, tried, wrong = app.test_client(use_cookies=False), 0, []
    for method, path in routes(app):
        for name, headers in WRONG.items():
            tried += 1
            if not _refused(client, method, path, headers):
                wrong.append(f"{method} {path} with {name}")
        if path.startswith(API):
            opened = client.open(path, method=method, headers=BASIC, json={}).status_code
            wrong += [f"{method} {path} with the password: {opened}"] if opened in (401, 403) else []
    trial.tell(trial.amount)
    said = "".join(f"; not {one}" for one in wrong[:5])
    return Figure(not wrong, f"{tried - len(wrong):,} of {tried:,} refused{said}")


def routes(app: Flask) -> list[tuple[str, str]]:
    """Every method and path behind a secret, of project `OURS`."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*project>", str(OURS), rule.rule)
        path = re.sub(r"<[^>]*>", "100", path)
        if rule.rule in OPEN or rule.rule.startswith("/static/"):
            continue
        found += [(method, path) for method in sorted(rule.methods or ()) if method != "OPTIONS"]
    return found


def _refused(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> bool:
    """401 or 403; a page leads to the login instead, a form of nobody's login is 400."""
    told = {"action": "START_TRAINING", "project": {"id": OURS}}
    answer = client.open(path, method=method, headers=headers, json=told)
    page = not path.startswith(API)
    to_login = answer.status_code in (302, 303) and answer.headers["Location"].startswith("/login")
    return answer.status_code in (401, 403) or (page and (to_login or (method == "POST" and answer.status_code == 400)))
