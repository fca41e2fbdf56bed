"""What of connect needs no Label Studio: what is ours, and what is wrong before a call is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from labelcue import connect as connecting
from labelcue.connect import notes, ours
from labelcue.connect.disconnecting import disconnect
from labelcue.connect.mending import explained
from labelcue.connect.reach import addresses
from labelcue.errors import ConfigError, Corrupt, LabelStudioDown, LabelStudioError, LeaseLost, NotFound
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.connection import Connection
from labelcue.store.layout import Home


def settings(home: Path, **more: Any) -> Settings:
    secrets = {"basic_password": SecretStr("pass"), "webhook_secret": SecretStr("hook")}
    return Settings(home=home, **{**secrets, **more})


def test_our_versions_are_told_from_other_peoples() -> None:
    assert all(map(ours.is_our_version, ["", None, "LabelCue", "cue-0", "cue-12", "cue-queue-3"]))
    assert not any(map(ours.is_our_version, ["v1", "cue-", "cue-x", "my-cue-1", "cue-1-b", "cue-queue", "LabelCue 2"]))
    assert ours.is_frontier("cue-queue-10")
    assert not any(map(ours.is_frontier, ["cue-10", "", None, "cue-queue-"]))
    assert ours.newest_frontier({"cue-queue-9": 1, "cue-queue-10": 5, "cue-queue-11": 0, "cue-99": 3}) == "cue-queue-10"
    assert ours.newest_frontier({"v1": 4}) == ""


def test_a_webhook_is_ours_by_its_header_in_any_case(tmp_path: Path) -> None:
    assert ours.is_ours({"headers": {"labelcue-secret": "x"}})
    assert not any(map(ours.is_ours, [{}, {"headers": None}, {"headers": {"Authorization": "x"}}]))
    wanted = ours.wanted_webhook(settings(tmp_path), 3, 0)
    assert not ours.differs({**wanted, "actions": wanted["actions"][::-1], "id": 4}, wanted)
    assert ours.differs({**wanted, "actions": wanted["actions"][1:]}, wanted)
    assert ours.differs({**wanted, "headers": {ours.SECRET_HEADER: "old"}}, wanted)
    assert ours.differs({**wanted, "is_active": False}, wanted)


def test_each_project_has_a_webhook_secret_of_its_own_and_another_one_after_a_renewal(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    made = [ours.wanted_webhook(chosen, *which)["headers"][ours.SECRET_HEADER] for which in ((3, 0), (3, 1), (4, 0))]
    assert len(set(made)) == 3
    assert not any("hook" in one or ours.tells_all({"headers": {"x": one}}, chosen) for one in made)
    assert ours.tells_all({"headers": {ours.SECRET_HEADER: "hook"}}, chosen)
    assert not ours.tells_all({"headers": {ours.SECRET_HEADER: ""}}, Settings(home=tmp_path, insecure=True))


def test_without_secrets_nothing_is_sent_with_them(tmp_path: Path) -> None:
    bare = Settings(home=tmp_path, insecure=True)
    assert ours.service_url(bare) == "http://127.0.0.1:9095"
    assert ours.wanted_webhook(bare, 3, 0)["headers"] == {}
    assert (ours.wanted_backend(bare)["auth_method"], ours.password(bare)) == ("NONE", {})


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"host": "::"}, {"port": 0}, {"webhook_secret": SecretStr("")}])
def test_a_service_that_cannot_be_named_or_has_no_secret_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        ours.service_url(settings(tmp_path, **more))
    assert caught.value.remedy


def test_the_service_is_looked_for_where_label_studio_sees_it_and_here(tmp_path: Path) -> None:
    public = settings(tmp_path, host="0.0.0.0", url="http://labelcue.internal:9095/")
    assert addresses(public) == ["http://labelcue.internal:9095", "http://127.0.0.1:9095"]
    assert addresses(settings(tmp_path)) == ["http://127.0.0.1:9095"]


def test_a_refused_address_is_explained() -> None:
    with pytest.raises(ConfigError, match="for no address") as caught, explained("http://labelcue:9095/webhook"):
        raise LabelStudioError("Label Studio answered 400: Validation error; url: Enter a valid URL.")
    assert "labelcue.internal" in caught.value.remedy
    with pytest.raises(LabelStudioError, match="Learn more about") as told, explained("http://x.y"):
        raise LabelStudioError("Can't connect. <a href='https://x'>Learn more</a> about it.")
    assert "http://x.y" in told.value.remedy
    assert "<" not in told.value.message
    with pytest.raises(LabelStudioDown), explained("http://x.y"):
        raise LabelStudioDown("no answer", "wait")


def test_a_pending_connection_is_found_and_forgotten(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(NotFound):
        connecting.find_connection(home, 3)
    connection = Connection(url="http://studio.example/", project=3, token=SecretStr("t"))
    connection.save(home.connection(3))
    notes.set_aside(home, 3)
    assert home.projects() == []
    assert connecting.find_connection(home, 3) == connection
    notes.set_aside(home, 3)  # again: nothing is lost
    assert connecting.find_connection(home, 3) == connection
    notes.pending_path(home, 3).write_text("{")
    with pytest.raises(Corrupt):
        connecting.find_connection(home, 3)
    notes.forget(home, 3)
    notes.forget(home, 3)
    with pytest.raises(NotFound):
        connecting.find_connection(home, 3)


def test_disconnect_waits_for_the_learner_before_it_touches_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelcue.connect.disconnecting.PATIENCE", 0.0)
    chosen = settings(tmp_path, lease_s=1.1)
    home = Home(tmp_path)
    Connection(url="http://studio.example/", project=3, token=SecretStr("t")).save(home.connection(3))
    ledger = open_ledger(chosen.store_url)
    ledger.acquire(3, "a learner that hangs", 60)
    touched: Any = None
    with pytest.raises(LeaseLost, match="still holds project 3"):
        disconnect(touched, home, chosen, 3, on_step=lambda _: None)
    ledger.close()
    assert connecting.find_connection(home, 3).project == 3
