"""Pictures of tasks on the pages: files of the project's own Label Studio, and nothing else that a stranger names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labelcue.labelstudio.config import picture_field
from labelcue.service.pages.pictures import address, origin
from labelcue.types import Event, Kind
from paging import Visitor, visitor_of
from servicing import connect, publish, service_of

STUDIO = "http://127.0.0.1:9"
XML = (
    '<View><Image name="shot" value="$photo"/><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="pos"/><Choice value="neg"/></Choices></View>'
)


def shown(home: Path, photo: Any, xml: str = XML, path: str = "/projects/10", **connection: Any) -> tuple[str, str]:
    """The page of a project with one task, and its policy for pictures."""
    connect(home, **connection)
    publish(home, [1])
    visitor: Visitor = visitor_of(home)
    task = {"task": 1, "data": {"text": "a mail", "photo": photo}, "updated_at": "2026-11-21T01:00:00Z"}
    events = [
        Event(10, Kind.LABEL_CONFIG, "label_config:1", {"label_config": xml, "updated_at": ""}),
        Event(10, Kind.TASK, "task:1", task),
    ]
    service_of(visitor.client.application).ledger.append(events)
    visitor.log_in()
    answer = visitor.get(path)
    policy = re.search(r"img-src ([^;]*);", answer.headers["Content-Security-Policy"])
    assert policy is not None
    return answer.text, policy.group(1)


def test_a_picture_stands_beside_its_task_lazily_in_a_frame_of_one_size(tmp_path: Path) -> None:
    text, policy = shown(tmp_path, "/data/upload/1/a%20b.png")
    [tag] = re.findall(r'<img class="picture"[^>]*>', text)
    assert f'src="{STUDIO}/data/upload/1/a%20b.png"' in tag
    assert 'alt="Picture of task 1"' in tag
    assert 'loading="lazy"' in tag
    assert 'width="96" height="72"' in tag
    assert policy == f"'self' data: {STUDIO}"


@pytest.mark.parametrize(
    "photo", ["https://elsewhere.example/data/a.png", "s3://bucket/a.png", None, 7, "", ["/data/a"]]
)
def test_what_lies_elsewhere_is_not_shown_and_opens_nothing(tmp_path: Path, photo: Any) -> None:
    text, policy = shown(tmp_path, photo)
    assert 'class="picture"' not in text
    assert policy == "'self' data:"


def test_pages_without_pictures_let_none_in(tmp_path: Path) -> None:
    text, policy = shown(tmp_path, "/data/upload/1/a.png", path="/projects/10/coverage")
    assert 'class="picture"' not in text
    assert policy == "'self' data:"


def test_an_address_cannot_break_out_of_the_policy_or_the_page(tmp_path: Path) -> None:
    text, policy = shown(tmp_path, '/data/"onerror="alert(1)', url="http://h;script-src *")
    assert policy == "'self' data:"
    assert 'class="picture"' not in text
    text, _ = shown(tmp_path / "other", '/data/"onerror="alert(1)')
    assert 'onerror="' not in text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("/data/upload/1/a.png", "https://h:8/data/upload/1/a.png"),
        ("/ls/data/upload/1/a.png", "https://h:8/ls/data/upload/1/a.png"),
        ("https://H:8/data/local-files/?d=a.png", "https://H:8/data/local-files/?d=a.png"),
        ("/logout", ""),
        ("/data/../logout", ""),
        ("/data/%2e%2e/logout", ""),
        ("https://h:8/data/../logout", ""),
        ("//evil/data/a.png", ""),
        ("/\\evil/data/a.png", ""),
        ("http://h:8/data/a.png", ""),
        ("https://h:8@evil/data/a.png", ""),
        ("https://h:80/data/a.png", ""),
        ("https://[/data/a.png", ""),
        ("data:image/png;base64,AA", ""),
        ("/data/a\nb", ""),
        ("/data/" + "a" * 2000, ""),
    ],
)
def test_only_files_of_label_studio_are_named(value: str, found: str) -> None:
    assert address("https://h:8/ls", value) == found


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("http://u:p@h/", ""),
        ("http://h *", ""),
        ("http://*/", ""),
        ("ftp://h/", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_an_origin_is_one_word(url: str, found: str) -> None:
    assert origin(url) == found


def test_the_field_of_the_picture_is_read_off_the_label_config() -> None:
    assert picture_field(XML) == "photo"
    assert picture_field('<View><Image name="a" value="$a/$b"/></View>') == ""
    assert picture_field("<View/>") == ""
    assert picture_field("no xml") == ""
