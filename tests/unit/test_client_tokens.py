"""Personal access tokens: exchanged, renewed, refused."""

from __future__ import annotations

import base64
import json
import time
from contextlib import closing

import httpx
import pytest

from labelcue.errors import LabelStudioDown, LabelStudioError, LabelStudioRefused
from scripted_studio import USER, Studio


def jwt(kind: str, seconds: float, mark: str = "") -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"token_type": kind, "exp": int(time.time() + seconds), "mark": mark}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


# The SDK reads the answer to a refreshing with a method that pydantic has renamed.
@pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated")
def test_a_personal_access_token_is_exchanged_and_renewed_when_it_is_refused() -> None:
    refresh = jwt("refresh", 1e6)
    grants = [jwt("access", 300, "one"), jwt("access", 300, "two")]
    valid = [grants[1]]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/ls/api/token/refresh/":
            assert json.loads(request.content) == {"refresh": refresh}
            return httpx.Response(200, json={"access": grants.pop(0)})
        known = request.headers["Authorization"] == f"Bearer {valid[0]}"
        return USER if known else httpx.Response(401, json={"detail": "Token is expired"})

    studio = Studio(answer)
    with closing(studio.client("http://studio.example/ls", refresh)) as ls:
        assert ls.whoami()["id"] == 1
        assert ls.whoami()["id"] == 1
    assert len(studio.asked) == 5


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.Response(401, json={"detail": "Token is blacklisted"}), LabelStudioRefused),
        (httpx.Response(500, json={}), LabelStudioDown),
        (httpx.Response(502, text="<html>"), LabelStudioError),
        (httpx.ConnectError("refused"), LabelStudioDown),
    ],
)
def test_a_personal_access_token_that_cannot_be_exchanged(
    reply: httpx.Response | Exception, error: type[LabelStudioError]
) -> None:
    with closing(Studio(reply).client(token=jwt("refresh", 1e6))) as ls, pytest.raises(error):
        ls.whoami()


def test_an_expired_personal_access_token_is_refused_without_a_call() -> None:
    studio = Studio(USER)
    with closing(studio.client(token=jwt("refresh", -10))) as ls, pytest.raises(LabelStudioRefused, match="expired"):
        ls.whoami()
    assert studio.asked == []
