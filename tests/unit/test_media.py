"""Media: each form that Label Studio gives, redirects, limits, the cache, and one bad file among good ones."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from labelcue.errors import ConfigError, LabelStudioDown, LabelStudioRefused, TaskUnreadable
from labelcue.labelstudio.client import LabelStudio
from labelcue.media import open_media
from labelcue.media.fetching import Limits
from labelcue.media.origins import Origin, parse_allowed
from labelcue.settings import Settings
from labelcue.types import TaskId
from picturing import TOKEN, Signs, close_media, media_at
from serving_media import Studio, serving

__all__ = ["close_media"]  # the fixture
TASK = TaskId(7)


@pytest.fixture
def studio() -> Iterator[Studio]:
    with serving() as found:
        yield found


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("/data/upload/3/a.png", "/data/upload/3/a.png"),
        ("upload/3/a.png", "/data/upload/3/a.png"),
        ("/upload/3/a.png", "/data/upload/3/a.png"),
        (" /data/upload/3/gr%C3%BCn%20b.png ", "/data/upload/3/gr%C3%BCn%20b.png"),
        ("/data/upload/3/grün b.png", "/data/upload/3/gr%C3%BCn%20b.png"),
        ("/data/local-files/?d=dir/a.png", "/data/local-files/"),
        ("s3://bucket/a.png", "/tasks/7/resolve/"),
        ("gs://bucket/a.png", "/tasks/7/resolve/"),
        ("azure-blob://container/a.png", "/tasks/7/resolve/"),
        ("/tasks/7/presign/?fileuri=czM6", "/tasks/7/presign/"),
        ("/projects/2/resolve/?fileuri=czM6", "/projects/2/resolve/"),
        ("/storage-data/uploaded/?filepath=upload/3/a.png", "/storage-data/uploaded/"),
    ],
)
def test_what_label_studio_holds_is_asked_of_it_with_the_token(studio: Studio, value: str, path: str) -> None:
    studio.gives(path, b"bytes")
    assert media_at(studio.url).read(TASK, value) == b"bytes"
    assert studio.paths() == [path]
    assert studio.asked[0][1] == TOKEN


def test_a_cloud_file_is_asked_for_as_label_studios_pages_do(studio: Studio) -> None:
    studio.gives("/tasks/7/resolve/", b"bytes")
    media_at(studio.url).read(TASK, "s3://bucket/a b.png")
    asked = httpx.URL(studio.asked[0][0]).params["fileuri"]
    assert base64.urlsafe_b64decode(asked) == b"s3://bucket/a b.png"


def test_other_pages_of_label_studio_are_asked_without_the_token(studio: Studio) -> None:
    for path in ("/static/a.png", "/api/projects/1/next/", "/data/upload/%2e%2e/%2e%2e/api/users/", "/data/uploads/"):
        studio.gives(path, b"bytes")
        media_at(studio.url).read(TASK, path)
        media_at(studio.url).read(TASK, studio.url + path.lstrip("/"))
    assert len(studio.asked) == 8
    assert {sign for _, sign in studio.asked} == {""}


@pytest.mark.parametrize("value", ["/data/upload/1/a.png", "/studio/data/upload/1/a.png"])
def test_a_label_studio_below_a_path(studio: Studio, value: str) -> None:
    studio.gives("/studio/data/upload/1/a.png", b"bytes")
    assert media_at(studio.url + "studio/").read(TASK, value) == b"bytes"
    assert studio.asked[0][1] == TOKEN


def test_a_local_file_under_a_name_for_browsers_is_asked_of_the_label_studio_that_is_known(studio: Studio) -> None:
    studio.gives("/studio/data/local-files/", b"bytes")
    media = media_at(studio.url + "studio/")
    assert media.read(TASK, "http://label.example:8080/studio/data/local-files/?d=a%20b.png") == b"bytes"
    assert studio.asked == [("/studio/data/local-files/?d=a%20b.png", TOKEN)]
    for other in ("http://label.example/data/local-files/../../api/", "http://label.example/api/?x=/data/local-files/"):
        with pytest.raises(TaskUnreadable, match="neither Label Studio nor allowed"):
            media.read(TASK, other)
    assert len(studio.asked) == 1


def test_an_upload_that_lies_in_a_storage_is_found_there(studio: Studio) -> None:
    studio.gives("/storage-data/uploaded/", b"bytes")
    assert media_at(studio.url).read(TASK, "/data/upload/3/a.png") == b"bytes"
    assert studio.asked[-1] == ("/storage-data/uploaded/?filepath=upload%2F3%2Fa.png", TOKEN)


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("data:image/png;base64,aGVsbG8=", b"hello"),
        ("data:;base64,aGVs\nbG8=", b"hello"),
        ("DATA:text/plain;charset=utf-8;BASE64,aGVsbG8%3D", b"hello"),
        ("data:,a%20b", b"a b"),
    ],
)
def test_data_addresses_hold_their_bytes(value: str, raw: bytes) -> None:
    assert media_at("http://labelstudio.invalid/").read(TASK, value) == raw


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,aGVsbG8", "not base64"),
        ("data:," + "x" * 2_000_000, "over 1 MB"),
        ("data:;base64," + "A" * 4_000_000, "over 1 MB"),
    ],
)
def test_data_addresses_that_cannot_be_read_are_named(value: str, why: str) -> None:
    with pytest.raises(TaskUnreadable, match=why) as caught:
        media_at("http://labelstudio.invalid/").read(TASK, value)
    assert len(str(caught.value)) < 400


def test_a_redirect_within_label_studio_keeps_the_token(studio: Studio) -> None:
    studio.redirects("/tasks/7/resolve/", "/data/upload/1/a.png", 303)
    studio.gives("/data/upload/1/a.png", b"bytes")
    assert media_at(studio.url).read(TASK, "s3://b/a.png") == b"bytes"
    assert [sign for _, sign in studio.asked] == [TOKEN, TOKEN]


def test_redirects_end(studio: Studio) -> None:
    studio.redirects("/data/upload/1/a.png", "/data/upload/1/a.png")
    with pytest.raises(TaskUnreadable, match="more than 5 times"):
        media_at(studio.url).read(TASK, "/data/upload/1/a.png")
    assert len(studio.asked) == 6


@pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
def test_a_file_that_label_studio_does_not_give_is_its_tasks_trouble(studio: Studio, status: int) -> None:
    studio.gives("/data/local-files/", b"<html>trouble</html>", status)
    with pytest.raises(TaskUnreadable, match=f"answers {status}") as caught:
        media_at(studio.url).read(TASK, "/data/local-files/?d=secret")
    assert "secret" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_label_studio_is_asked_again_and_then_later(studio: Studio, status: int) -> None:
    studio.gives("/data/upload/1/a.png", b"", status)
    with pytest.raises(LabelStudioDown, match=f"answers {status}"):
        media_at(studio.url).read(TASK, "/data/upload/1/a.png")
    assert len(studio.asked) == 3


def test_a_label_studio_that_is_gone_is_nobodys_fault() -> None:
    with serving() as studio:
        url = studio.url
    with pytest.raises(LabelStudioDown):
        media_at(url).read(TASK, "/data/upload/1/a.png")


def test_an_old_token_is_renewed_once_and_a_refused_one_is_told(studio: Studio) -> None:
    studio.gives("/data/upload/1/a.png", b"", 401)
    signs = Signs()
    with pytest.raises(LabelStudioRefused, match="401"):
        media_at(studio.url, signs=signs).read(TASK, "/data/upload/1/a.png")
    assert signs.renewed == 1
    assert len(studio.asked) == 2


def test_a_body_over_the_limit_is_left_at_once(studio: Studio) -> None:
    studio.gives("/data/upload/1/said.png", b"x", Content_Length="2000000000")
    studio.gives("/data/upload/1/long.png", b"x" * 1_000_001)
    studio.gives("/data/upload/1/most.png", b"x" * 1_000_000)
    media = media_at(studio.url)
    for name in ("said", "long"):
        with pytest.raises(TaskUnreadable, match="over 1 MB"):
            media.read(TASK, f"/data/upload/1/{name}.png")
    assert len(media.read(TASK, "/data/upload/1/most.png")) == 1_000_000


def test_a_compressed_body_is_refused_unread(studio: Studio) -> None:
    studio.gives("/data/upload/1/a.png", b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(TaskUnreadable, match="compressed"):
        media_at(studio.url).read(TASK, "/data/upload/1/a.png")


def endless(start: bytes, again: bytes) -> object:
    """Drips bytes until whoever asked hangs up."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        while True:
            time.sleep(0.02)
            request.wfile.write(again)
            request.wfile.flush()

    return answer


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "headers", "continue"],
)
def test_a_file_that_drips_ends_in_time(studio: Studio, start: bytes, again: bytes) -> None:
    studio.answers["/data/upload/1/a.png"] = endless(start, again)  # type: ignore[assignment]
    media = media_at(studio.url, limits=Limits(1_000_000, 2.0))  # long enough for a busy machine to connect
    with pytest.raises(TaskUnreadable, match=r"took longer than|answers no HTTP"):
        media.read(TASK, "/data/upload/1/a.png")


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n", b"HTTP/1.1 banana\r\n\r\n", b"\0" * 100], ids=["ssh", "status", "0"])
def test_what_is_no_http_is_named(studio: Studio, raw: bytes) -> None:
    studio.answers["/data/upload/1/a.png"] = lambda request: request.wfile.write(raw)  # type: ignore[assignment, return-value]
    with pytest.raises((TaskUnreadable, LabelStudioDown)):
        media_at(studio.url, limits=Limits(1_000_000, 0.5)).read(TASK, "/data/upload/1/a.png")


def test_one_bad_file_hurts_no_other_and_the_order_stays(studio: Studio) -> None:
    for number in range(40):
        studio.gives(f"/data/upload/1/{number}.png", b"%d" % number)
    wanted = [(TaskId(n), f"/data/upload/1/{n}.png" if n % 5 else "file:///etc/passwd") for n in range(40)]

    def use(raw: bytes) -> int:
        if raw == b"11":
            raise TaskUnreadable("eleven")
        return int(raw)

    found = list(media_at(studio.url).each(wanted, use))
    assert [n for n, one in enumerate(found) if isinstance(one, TaskUnreadable)] == [0, 5, 10, 11, 15, 20, 25, 30, 35]
    assert all(one == n for n, one in enumerate(found) if not isinstance(one, TaskUnreadable))


def test_no_more_is_fetched_at_a_time_than_was_said(studio: Studio) -> None:
    most, now, lock = [0], [0], threading.Lock()

    def use(raw: bytes) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    studio.gives("/data/upload/1/a.png", b"x")
    assert len(list(media_at(studio.url).each([(TASK, "/data/upload/1/a.png")] * 50, use))) == 50
    assert most[0] <= 4


def test_what_was_fetched_is_not_fetched_again(studio: Studio, tmp_path: Path) -> None:
    studio.gives("/data/upload/1/a.png", b"same")
    studio.gives("/data/upload/1/b.png", b"same")
    for _ in range(2):
        media = media_at(studio.url, tmp_path, cached=1_000_000)
        assert [media.read(TASK, f"/data/upload/1/{name}.png") for name in "ab"] == [b"same", b"same"]
    assert len(studio.asked) == 2
    assert len(list(tmp_path.glob("content/*/*"))) == 1


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("https://images.example.com", Origin("https", "images.example.com", 443)),
        ("http://Images.Example.com:8080/", Origin("http", "images.example.com", 8080)),
        ("https://*.example.com", Origin("https", "*.example.com", 443)),
        ("https://bücher.example", Origin("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_allowed_origins_are_read(entry: str, origin: Origin) -> None:
    assert parse_allowed([entry]) == (origin,)


@pytest.mark.parametrize(
    "entry",
    ["", "images.example.com", "ftp://a.b", "https://", "https://a.b/path", "https://u@a.b", "https://a*.b", "*"],
)
def test_what_is_no_origin_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="media_allow"):
        parse_allowed([entry])


def test_a_star_stands_for_names_below_and_for_nothing_else() -> None:
    (star,) = parse_allowed(["https://*.example.com"])
    assert star.covers(Origin("https", "a.b.example.com", 443))
    for host in ("example.com", "evilexample.com", "example.com.evil.org"):
        assert not star.covers(Origin("https", host, 443))
    assert not star.covers(Origin("http", "a.example.com", 443))


def test_it_is_opened_by_settings(studio: Studio, tmp_path: Path) -> None:
    studio.gives("/data/upload/1/a.png", b"x" * 2_000)
    ls = LabelStudio(studio.url, "0123456789abcdef0123456789abcdef01234567")
    with (
        closing(ls),
        closing(open_media(Settings(media_mb=0.001), tmp_path, ls)) as media,
        pytest.raises(TaskUnreadable, match=r"over 0\.001 MB"),
    ):
        media.read(TASK, "/data/upload/1/a.png")
    assert studio.asked[0][1].startswith("Token 0123")
    with pytest.raises(ConfigError, match="media_allow"):
        open_media(Settings(media_allow=("nonsense",)), tmp_path, ls)
