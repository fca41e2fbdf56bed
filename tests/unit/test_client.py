"""The client's failures: what is repeated, what is not, and which error says so."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from labelcue.errors import (
    ConfigError,
    LabelStudioDown,
    LabelStudioError,
    LabelStudioRefused,
    ProjectGone,
)
from labelcue.labelstudio.client import LabelStudio
from scripted_studio import TOKEN, USER, Studio

HTML = httpx.Response(404, text="<html><h1>Not found</h1></html>")


def missing(words: str) -> httpx.Response:
    return httpx.Response(404, json={"status_code": 404, "detail": words})


GONE = missing("No Project matches the given query.")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    studio = Studio(httpx.Response(status, text="<html>busy</html>"), USER)
    with closing(studio.client()) as ls:
        assert ls.whoami()["id"] == 1
    assert len(studio.asked) == 2
    assert studio.waits == [0.25]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500, json={"detail": "database is locked"}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.ReadError("reset"),
    ],
)
def test_after_three_tries_it_is_down(failure: httpx.Response | Exception) -> None:
    studio = Studio(failure)
    with closing(studio.client()) as ls, pytest.raises(LabelStudioDown) as caught:
        ls.update_project(1, sampling="Uniform sampling")
    assert len(studio.asked) == 3
    assert studio.waits == [0.25, 0.5]
    assert caught.value.remedy
    assert "http://studio.example" in caught.value.message


@pytest.mark.parametrize(
    ("failure", "times"),
    [
        (httpx.Response(500), 1),
        (httpx.Response(503), 1),
        (httpx.ReadTimeout("slow"), 1),
        (httpx.RemoteProtocolError("cut"), 1),
        (httpx.ConnectError("refused"), 3),
        (httpx.ConnectTimeout("nobody"), 3),
    ],
)
def test_a_post_is_repeated_only_where_it_cannot_have_arrived(failure: httpx.Response | Exception, times: int) -> None:
    studio = Studio(failure)
    with closing(studio.client()) as ls, pytest.raises(LabelStudioDown):
        ls.annotate(1, [])
    assert len(studio.asked) == times


def test_a_short_retry_after_is_waited_for_and_a_long_one_handed_on() -> None:
    studio = Studio(httpx.Response(429, headers={"Retry-After": "2"}), USER)
    with closing(studio.client()) as ls:
        ls.whoami()
    assert studio.waits == [2.0]
    studio = Studio(httpx.Response(503, headers={"Retry-After": "120"}))
    with closing(studio.client()) as ls, pytest.raises(LabelStudioDown) as caught:
        ls.whoami()
    assert (caught.value.retry_after, len(studio.asked), studio.waits) == (120.0, 1, [])
    studio = Studio(httpx.Response(503, headers={"Retry-After": "Wed, 21 Oct 2065 07:28:00 GMT"}))
    with closing(studio.client()) as ls, pytest.raises(LabelStudioDown) as caught:
        ls.whoami()
    assert (caught.value.retry_after or 0) > 1e6
    studio = Studio(httpx.Response(503, headers={"Retry-After": "soon"}), USER)
    with closing(studio.client()) as ls:
        ls.whoami()
    assert studio.waits == [0.25]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_named_with_the_remedy_and_not_repeated(status: int) -> None:
    words = f"legacy token {TOKEN} authentication has been disabled for this organization"
    studio = Studio(httpx.Response(status, json={"detail": words}))
    with closing(studio.client()) as ls, pytest.raises(LabelStudioRefused) as caught:
        ls.whoami()
    assert len(studio.asked) == 1
    assert "disabled for this organization" in caught.value.message
    assert "personal access token" in caught.value.remedy
    assert TOKEN not in str(caught.value)


def test_a_private_address_is_not_taken_for_a_wrong_token() -> None:
    words = "URL resolves to a reserved network address (block: 127.0.0.0/8)"
    studio = Studio(httpx.Response(403, json={"detail": words}))
    with closing(studio.client()) as ls, pytest.raises(LabelStudioError) as caught:
        ls.create_backend(1, "http://127.0.0.1:9095")
    assert type(caught.value) is LabelStudioError
    assert "ML_BLOCK_LOCAL_IP=false" in caught.value.remedy


def test_a_project_is_gone_only_where_label_studio_itself_says_so() -> None:
    asks: list[Callable[[LabelStudio], Any]] = [
        lambda ls: ls.project(7),
        lambda ls: ls.next_task(7),
        lambda ls: list(ls.task_ids(7)),
        lambda ls: ls.model_versions(7),
    ]
    for ask in asks:
        with closing(Studio(GONE).client()) as ls, pytest.raises(ProjectGone):
            ask(ls)
        with (
            closing(Studio(HTML).client()) as ls,
            pytest.raises(LabelStudioError, match="no Label Studio API") as caught,
        ):
            ask(ls)
        assert not isinstance(caught.value, ProjectGone)
    with closing(Studio(GONE).client()) as ls:
        assert ls.delete_project(7) is False


def test_what_is_gone_already_is_no_error() -> None:
    with closing(Studio(missing("No Webhook matches the given query.")).client()) as ls:
        assert (ls.delete_webhook(1), ls.delete_backend(1), ls.delete_annotation(1)) == (False, False, False)
    with closing(Studio(missing("There are no tasks for somebody")).client()) as ls:
        assert ls.next_task(1) is None
        assert ls.task(1) is None


def test_a_bad_request_is_told_in_label_studios_words_in_one_short_line() -> None:
    problems = {"title": ["Too short."], "label_config": [f"broken\n at {'x' * 1000}"]}
    studio = Studio(httpx.Response(400, json={"detail": "Validation error", "validation_errors": problems}))
    with closing(studio.client()) as ls, pytest.raises(LabelStudioError) as caught:
        ls.create_project("x", "<View")
    assert "title: Too short." in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    assert len(studio.asked) == 1


@pytest.mark.parametrize(
    "body", [b"<html>please log in</html>", b"[]", b"null", b'{"a": ', b"\xff\xfe", b'"text"', b"[" * 100_000]
)
def test_a_good_answer_that_is_no_object_is_an_error(body: bytes) -> None:
    with closing(Studio(httpx.Response(200, content=body)).client()) as ls, pytest.raises(LabelStudioError):
        ls.whoami()


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"", b"null"])
def test_a_good_answer_that_is_no_list_is_an_error(body: bytes) -> None:
    with closing(Studio(httpx.Response(200, content=body)).client()) as ls, pytest.raises(LabelStudioError):
        ls.webhooks(1)


def test_a_redirect_is_named_and_never_followed() -> None:
    studio = Studio(httpx.Response(301, headers={"Location": "https://studio.example/api/?next=secret"}))
    with (
        closing(studio.client()) as ls,
        pytest.raises(LabelStudioError, match=r"https://studio\.example/api/") as caught,
    ):
        ls.whoami()
    assert "secret" not in caught.value.message
    assert len(studio.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://studio.example/ls", "http://studio.example/ls/", " http://studio.example/ls// "]
)
def test_a_path_in_the_address_is_kept(url: str) -> None:
    studio = Studio(USER)
    with closing(studio.client(url)) as ls:
        ls.whoami()
        assert ls.url == "http://studio.example/ls/"
    assert str(studio.asked[0].url) == "http://studio.example/ls/api/current-user/whoami"
    assert studio.asked[0].headers["Authorization"] == f"Token {TOKEN}"


@pytest.mark.parametrize(
    "url", ["", "studio.example", "ftp://studio.example", "http://", "http://[::1", "http://a:b@c/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        LabelStudio(url, TOKEN)


@pytest.mark.parametrize("token", ["", "  ", "tökén", "a\nb", "\x00"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(LabelStudioRefused):
        LabelStudio("http://studio.example", token)


def test_pages_of_tasks_go_on_from_the_last_id() -> None:
    stored = [1, 2, 5, 9, 11]

    def answer(request: httpx.Request) -> httpx.Response:
        query = json.loads(request.url.params["query"])
        after = query["filters"]["items"][-1]["value"]
        size = int(request.url.params["page_size"])
        page = [task for task in stored if task > after][:size]
        if after == 2:
            stored.remove(5)  # the third page must not skip a task because one went
        return httpx.Response(200, json={"tasks": [{"id": task} for task in page], "total": len(stored)})

    with closing(Studio(answer).client()) as ls:
        assert [[task["id"] for task in page] for page in ls.tasks(1, page_size=2)] == [[1, 2], [5, 9], [11]]


@pytest.fixture
def half_open() -> Iterator[int]:
    """A port that takes connections, reads, and says nothing, or half a sentence."""
    stop = Event()
    held: list[socket.socket] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)

    def serve() -> None:
        while not stop.is_set():
            try:
                peer, _ = server.accept()
            except TimeoutError:
                continue
            held.append(peer)
            with suppress(OSError):  # the other side may have given up already
                peer.recv(1024)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    thread = Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    stop.set()
    thread.join()
    for one in [*held, server]:
        one.close()


def test_a_half_open_connection_ends_in_a_time_out(half_open: int) -> None:
    ls = LabelStudio(f"http://127.0.0.1:{half_open}", TOKEN, timeout=0.1, wait=lambda _: None)
    with closing(ls), pytest.raises(LabelStudioDown, match="did not answer in time"):
        ls.whoami()
