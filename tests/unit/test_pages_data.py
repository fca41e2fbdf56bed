"""The page of files and snapshots, and the same over REST."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from paging import Visitor, fill, visitor_of
from servicing import BASIC, connect, publish

PAGE = "/projects/10/data"


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    connect(tmp_path)
    visitor = visitor_of(tmp_path)
    fill(visitor, {1: "first <b>mail", 2: "second mail"}, {1: "pos"})
    visitor.log_in()
    visitor.get(PAGE)
    return visitor


def test_files_are_downloads(tmp_path: Path, visitor: Visitor) -> None:
    answer = visitor.get(f"{PAGE}/file?what=labelled&format=json")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=labelcue-10-labelled-")
    assert [row["task"] for row in json.loads(answer.data)] == [1]
    assert visitor.get(f"{PAGE}/file?what=labelled&format=csv").mimetype == "text/csv"
    assert visitor.get(f"{PAGE}/file?what=predictions&format=json").status_code == 404
    publish(tmp_path, [1, 2])
    assert len(json.loads(visitor.get(f"{PAGE}/file?what=predictions&format=json").data)) == 2


@pytest.mark.parametrize("query", ["", "what=labelled", "what=secrets&format=json", "what=labelled&format=exe"])
def test_what_there_is_not_is_refused(visitor: Visitor, query: str) -> None:
    assert visitor.get(f"{PAGE}/file?{query}").status_code == 400


def test_nobody_takes_a_file_without_a_login(visitor: Visitor) -> None:
    fresh = visitor.client.application.test_client()
    assert fresh.get(f"{PAGE}/file?what=labelled&format=json").status_code == 303


def test_a_snapshot_is_named_exported_and_compared(visitor: Visitor) -> None:
    text = visitor.post(f"{PAGE}/snapshot", name="first <release>").text
    assert "holds 1 labelled tasks" in text
    assert "first &lt;release&gt;" in text
    answer = visitor.get(f"{PAGE}/file?what=labelled&format=json&snapshot=first+<release>")
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()}"'
    fill(visitor, {3: "third mail"}, {2: "neg"})
    text = visitor.get(f"{PAGE}/changes?before=first+<release>").text
    assert "second mail" in text
    assert "new" in text
    assert visitor.post(f"{PAGE}/snapshot", name="first <release>").status_code == 409
    assert visitor.get(f"{PAGE}/changes?before=nothing").status_code == 404
    assert visitor.get(f"{PAGE}/file?what=predictions&format=json&snapshot=first+<release>").status_code == 400


def test_without_snapshots_the_page_teaches(visitor: Visitor) -> None:
    assert "No snapshot yet" in visitor.get(PAGE).text


def test_the_same_over_rest(visitor: Visitor) -> None:
    client = visitor.client
    made = client.post("/api/projects/10/snapshots", json={"name": "first", "by": "Ada"}, headers=BASIC).get_json()
    assert client.get("/api/projects/10/snapshots", headers=BASIC).get_json() == {"snapshots": [made]}
    answer = client.get("/api/projects/10/export?snapshot=first", headers=BASIC)
    assert hashlib.sha256(answer.data).hexdigest() == made["sha256"]
    changed = client.get("/api/projects/10/snapshots/changes?before=first", headers=BASIC).get_json()
    assert changed["tasks"] == []
    assert client.get("/api/projects/10/export").status_code == 401
    assert client.post("/api/projects/10/snapshots", json={"name": "x"}, headers=BASIC).status_code == 400
