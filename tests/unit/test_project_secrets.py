"""What is a secret of one project opens that project and nothing else, until it is renewed."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.datastructures import Headers

from labelcue import keys
from labelcue.errors import NotAuthorised
from labelcue.service.auth import Guard
from labelcue.settings import load_settings
from labelcue.setup import write_plugin_secret, write_secrets
from servicing import BASIC, BEARER, HOOK, SECRET, client_of, connect, publish, service_of, settings_of

PLUGIN = "canary-plugin-secret"
TRAIN = "START_TRAINING"


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    for project in (10, 11):
        connect(tmp_path, project)
        publish(tmp_path, [1, 2], project=project)
    return client_of(tmp_path, plugin_secret=SecretStr(PLUGIN))


def hook(project: int, renewals: int = 0, secret: str = SECRET) -> dict[str, str]:
    return {"LabelCue-Secret": keys.webhook(secret, project, renewals)}


def bearer(project: int, secret: str = PLUGIN) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys.bearer(secret, project)}"}


def told(client: FlaskClient, project: int, headers: dict[str, str]) -> int:
    return client.post("/webhook", json={"action": TRAIN, "project": {"id": project}}, headers=headers).status_code


def test_a_webhook_may_tell_of_its_own_project_alone(client: FlaskClient) -> None:
    assert told(client, 10, hook(10)) == 200
    assert told(client, 11, hook(10)) == 401
    assert told(client, 12, hook(10)) == 401  # and not: that there is no such project here
    assert told(client, 12, hook(12)) == 404
    ledger = service_of(client.application).ledger
    assert [len(list(ledger.read(project))) for project in (10, 11)] == [1, 0]
    forged = f"11.{hook(10)['LabelCue-Secret'].partition('.')[2]}"
    for wrong in (forged, "10." + "0" * 64, "10.", hook(10)["LabelCue-Secret"].upper() + " ", keys.bearer(SECRET, 10)):
        assert told(client, 10, {"LabelCue-Secret": wrong}) == 401
        assert told(client, 11, {"LabelCue-Secret": wrong}) == 401


def test_a_wrong_secret_is_refused_before_the_body_is_read(client: FlaskClient) -> None:
    for wrong in (hook(10, secret="another"), hook(10, renewals=1), bearer(10)):
        assert client.post("/webhook", data=b"{", headers=wrong).status_code == 401
    assert client.post("/webhook", data=b"{", headers=hook(10)).status_code == 400


def test_a_webhook_without_payload_wakes_its_own_project_alone(tmp_path: Path, client: FlaskClient) -> None:
    assert client.post("/webhook", json={"action": "TASKS_CREATED"}, headers=hook(10)).status_code == 200
    home = service_of(client.application).home
    assert [(home.project(project) / "wake").exists() for project in (10, 11)] == [True, False]


READ = ["", "/queue", "/tasks/1"]
DO: list[tuple[str, dict[str, Any]]] = [("/next", {"user": 7}), ("/leases", {"task": 1, "user": 7}), ("/reconcile", {})]


def test_a_project_s_bearer_opens_its_routes_and_no_others(client: FlaskClient) -> None:
    def statuses(project: int, headers: dict[str, str]) -> set[int]:
        at = f"/api/projects/{project}"
        read = [client.get(at + path, headers=headers).status_code for path in READ]
        return {*read, *(client.post(at + path, json=body, headers=headers).status_code for path, body in DO)}

    assert statuses(10, bearer(10)) <= {200, 202}
    assert statuses(11, bearer(10)) == statuses(12, bearer(10)) == {401}
    for path in ("/api/projects", "/metrics", "/versions"):
        assert client.get(path, headers=bearer(10)).status_code == 401
    for headers in (BEARER, BASIC):
        assert statuses(10, headers) | statuses(11, headers) <= {200, 202}


def test_what_everybody_in_label_studio_can_see_opens_no_route_of_the_api(client: FlaskClient) -> None:
    seen = hook(10)["LabelCue-Secret"]
    for given in (seen, seen.partition(".")[2]):
        for headers in ({"LabelCue-Secret": given}, {"Authorization": f"Bearer {given}"}):
            assert client.get("/api/projects/10/queue", headers=headers).status_code == 401
    assert told(client, 10, {"LabelCue-Secret": PLUGIN}) == told(client, 10, bearer(10)) == 401


def test_a_renewed_secret_closes_the_door_to_the_old_one(tmp_path: Path, client: FlaskClient) -> None:
    connect(tmp_path, 10, renewals=1)
    assert [told(client, 10, hook(10, renewals)) for renewals in (0, 1, 2)] == [401, 200, 401]
    assert told(client, 11, hook(11)) == 200


def test_another_secret_of_the_service_closes_all_old_doors(tmp_path: Path, client: FlaskClient) -> None:
    rotated = client_of(tmp_path, webhook_secret=SecretStr("new"), plugin_secret=SecretStr("newer"))
    assert told(rotated, 10, hook(10)) == told(rotated, 10, HOOK) == 401
    assert told(rotated, 10, hook(10, secret="new")) == 200
    for old in (bearer(10), bearer(10, SECRET), BEARER):
        assert rotated.get("/api/projects/10", headers=old).status_code == 401
    assert rotated.get("/api/projects/10", headers=bearer(10, "newer")).status_code == 200


def test_a_home_that_an_earlier_release_made_goes_on(tmp_path: Path) -> None:
    connect(tmp_path, 10)
    (tmp_path / "labelcue.toml").write_text(f'basic_password = "p"\nwebhook_secret = "{SECRET}"\n')
    settings = load_settings({"home": tmp_path})
    write_secrets(settings)
    assert write_plugin_secret(settings).read_text() == SECRET
    client = client_of(tmp_path)
    assert told(client, 10, HOOK) == 200  # a webhook of before
    for plugin in (BEARER, bearer(10, SECRET)):  # one of before, and one of now
        assert client.get("/api/projects/10", headers=plugin).status_code == 200


def test_new_homes_have_a_secret_for_the_plugin_alone(tmp_path: Path) -> None:
    write_secrets(load_settings({"home": tmp_path}))
    settings = load_settings({"home": tmp_path})
    plugin = write_plugin_secret(settings).read_text()
    assert plugin == settings.plugin_secret.get_secret_value() != settings.webhook_secret.get_secret_value()


def test_comparisons_take_the_same_time_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    same = hmac.compare_digest

    def recorded(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return same(left, right)

    monkeypatch.setattr("labelcue.service.auth.hmac.compare_digest", recorded)
    guard = Guard(settings_of(Path("home"), plugin_secret=SecretStr(PLUGIN)))

    def comparisons(headers: dict[str, str]) -> int:
        compared.clear()
        try:
            guard.api(Headers(headers), 10)
        except NotAuthorised:
            pass
        assert set(compared) == {(32, 32)}, "whole digests, whatever the length of what was sent"
        return len(compared)

    given = [bearer(10), bearer(11), BEARER, {"Authorization": "Bearer x"}, {"Authorization": "Bearer " + "x" * 5000}]
    assert len({comparisons(one) for one in given}) == 1
