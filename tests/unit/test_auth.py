"""Secrets open doors, and nothing else does; whatever comes in a header, nobody falls over it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from labelcue.errors import ConfigError, NotAuthorised
from labelcue.service.auth import Guard, require_secrets
from labelcue.settings import Settings
from servicing import PASSWORD, SECRET, settings_of


def guard(**changes: Any) -> Guard:
    return Guard(settings_of(Settings.model_fields["home"].default, **changes))


def basic(user: str, password: str, coding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(coding)).decode()


def admits(check: Any, **headers: str) -> bool:
    try:
        check(Headers([(name.replace("_", "-"), value) for name, value in headers.items()]))
    except NotAuthorised:
        return False
    return True


def test_each_door_takes_its_own_secrets() -> None:
    doors = guard()
    right = basic("labelcue", PASSWORD)
    assert admits(doors.backend, Authorization=right)
    assert admits(doors.webhook, Authorization=right)
    assert admits(doors.api, Authorization=right)
    assert admits(doors.api, Authorization=f"Bearer {SECRET}")
    assert admits(doors.api, Authorization=f"bearer   {SECRET} ")
    assert admits(doors.webhook, LabelCue_Secret=SECRET)
    assert not admits(doors.backend, LabelCue_Secret=SECRET)
    assert not admits(doors.backend, Authorization=f"Bearer {SECRET}")
    assert not admits(doors.api, LabelCue_Secret=SECRET)
    assert not admits(doors.webhook, LabelCue_Secret=PASSWORD)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YQ",
        "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode(),
        basic("labelcue", ""),
        basic("", PASSWORD),
        basic("labelcue", PASSWORD + " "),
        basic("Labelcue", PASSWORD),
        "Bearer",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 50_000,
        "Digest username=a",
        f"Token {SECRET}",
        "\x00",
    ],
)
def test_whatever_else_comes_is_refused(header: str) -> None:
    for door in (guard().backend, guard().webhook, guard().api):
        assert not admits(door, Authorization=header)


@given(st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\r\n")))
def test_no_text_opens_a_door(text: str) -> None:
    doors = guard()
    for scheme in ("", "Basic ", "Bearer "):
        assert not admits(doors.api, Authorization=scheme + text)
    assert not admits(doors.webhook, LabelCue_Secret=text)


def test_secrets_beyond_ascii_work_as_utf_8_and_as_latin_1() -> None:
    doors = guard(basic_user="zoë", basic_password="grün", webhook_secret="schlüssel")
    assert admits(doors.backend, Authorization=basic("zoë", "grün"))
    assert admits(doors.backend, Authorization=basic("zoë", "grün", "latin-1"))
    assert not admits(doors.backend, Authorization=basic("zoe", "grun"))
    # WSGI hands header bytes over as Latin-1.
    assert admits(doors.webhook, LabelCue_Secret="schlüssel".encode().decode("latin-1"))
    assert admits(doors.webhook, LabelCue_Secret="schlüssel")
    far = guard(webhook_secret="ключ")
    assert admits(far.webhook, LabelCue_Secret="ключ".encode().decode("latin-1"))
    assert not admits(far.webhook, LabelCue_Secret="????")


@pytest.mark.parametrize("missing", ["basic_password", "webhook_secret"])
def test_it_does_not_start_without_secrets(missing: str) -> None:
    home = Settings.model_fields["home"].default
    with pytest.raises(ConfigError, match=missing) as caught:
        require_secrets(settings_of(home, **{missing: ""}))
    assert "labelcue init" in caught.value.remedy
    require_secrets(settings_of(home, **{missing: ""}, insecure=True))
    require_secrets(settings_of(home))


def test_insecure_opens_only_doors_without_a_secret() -> None:
    bare = guard(basic_password="", webhook_secret="", insecure=True)
    assert admits(bare.backend)
    assert admits(bare.webhook)
    assert admits(bare.api)
    half = guard(basic_password="", insecure=True)
    assert admits(half.backend)
    assert not admits(half.webhook)
    assert admits(half.webhook, LabelCue_Secret=SECRET)
    assert not admits(half.webhook, LabelCue_Secret="")
    assert not admits(guard(insecure=True).backend)


def test_an_empty_secret_is_no_secret() -> None:
    closed = guard(basic_password="", webhook_secret="")
    assert not admits(closed.backend, Authorization=basic("labelcue", ""))
    assert not admits(closed.webhook, LabelCue_Secret="")
    assert not admits(closed.api, Authorization="Bearer ")
