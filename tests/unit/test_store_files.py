"""The small files beside the ledger."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from queue import SimpleQueue

import pytest
from pydantic import SecretStr, ValidationError

from labelcue.errors import Corrupt, NotFound, StoreError
from labelcue.store.atomic import replace_file, replace_soon
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.status import read_status, write_status

TOKEN = "canary-token-1234"


@pytest.fixture
def connection() -> Connection:
    return Connection(
        url="http://127.0.0.1:8080",
        project=3,
        token=SecretStr(TOKEN),
        title="Mails",
        backend_id=7,
        before={"sampling": "Sequential sampling", "webhooks": [{"id": 1}]},
    )


def test_home_names_every_path(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.ledger_path == tmp_path / "ledger.sqlite3"
    assert home.project(3) == tmp_path / "projects" / "3"
    assert home.connection(3) == tmp_path / "projects/3/connection.json"
    assert home.snapshot(3) == tmp_path / "projects/3/round.safetensors"
    assert home.status(3) == tmp_path / "projects/3/status.json"
    assert home.vectors(3, "minilm") == tmp_path / "projects/3/vectors-minilm"


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", "sentence-transformers:all/Mini", "A" * 300, "", "\u6f22"])
def test_vectors_of_any_embedder_lie_in_the_projects_folder_apart(name: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = home.vectors(3, name)
    assert path.parent == home.project(3)
    assert len(path.name) < 120
    assert path != home.vectors(3, name + "/")
    assert path != home.vectors(3, name.upper() + "x")


def test_projects_are_those_with_a_connection(tmp_path: Path, connection: Connection) -> None:
    home = Home(tmp_path)
    assert home.projects() == []
    for number in (12, 3):
        connection.save(home.connection(number))
    home.project(5).mkdir()
    (home.root / "projects" / "x").mkdir()
    (home.root / "projects" / "x" / "connection.json").write_text("{}")
    assert home.projects() == [3, 12]


def test_a_connection_comes_back_and_is_for_its_owner_alone(tmp_path: Path, connection: Connection) -> None:
    path = tmp_path / "projects" / "3" / "connection.json"
    connection.save(path)
    assert Connection.load(path) == connection
    assert Connection.load(path).token.get_secret_value() == TOKEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    os.chmod(path, 0o644)
    connection.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["connection.json"]


def test_the_token_shows_nowhere(connection: Connection) -> None:
    shown = f"{connection!r} {connection} {connection.model_dump()} {connection.model_dump_json()}"
    assert TOKEN not in shown
    with pytest.raises(ValidationError):
        setattr(connection, "title", "other")  # noqa: B010


@pytest.mark.parametrize(
    "content", [f'{{"url": "x", "project": "{TOKEN}", "token": "{TOKEN}"}}', f'{{"token": "{TOKEN}"', "[]", "", "\xff"]
)
def test_a_damaged_connection_names_the_remedy_and_not_the_token(tmp_path: Path, content: str) -> None:
    path = tmp_path / "connection.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(Corrupt, match="labelcue connect") as caught:
        Connection.load(path)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_and_unreadable_connections(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="labelcue connect"):
        Connection.load(tmp_path / "connection.json")
    with pytest.raises(StoreError):
        Connection.load(tmp_path)


def test_status_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "1" / "status.json"
    assert read_status(path) == {}
    write_status(path, {"state": "training", "done": [1, 2.5, None]})
    write_status(path, {"state": "idle \u00e4"})
    assert read_status(path) == {"state": "idle \u00e4"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe\xff"])
def test_a_damaged_status_is_corrupt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "status.json").write_bytes(content)
    with pytest.raises(Corrupt, match="Delete it"):
        read_status(tmp_path / "status.json")
    with pytest.raises(StoreError):
        read_status(tmp_path)


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match=r"No space left.*Free disk space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, bytes(data[:3])))
    replace_file(tmp_path / "file", b"01234", memoryview(b"56789"))
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_file_reaches_the_disk_off_the_writers_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr(os, "fsync", synced.put)
    for words in (b"x", b"y"):
        replace_soon(tmp_path / "file", words)
        assert (tmp_path / "file").read_bytes() == words
        synced.get(timeout=60)
        synced.get(timeout=60)
    with pytest.raises(StoreError):
        replace_soon(tmp_path / "file" / "no folder", b"z")


def test_what_killed_writers_left_is_swept_after_an_hour(tmp_path: Path) -> None:
    old, young, foreign = (tmp_path / name for name in (".file.a.tmp", ".file.b.tmp", ".other.a.tmp"))
    for leftover in (old, young, foreign):
        leftover.write_text("")
    for leftover in (old, foreign):
        os.utime(leftover, (1, 1))
    replace_file(tmp_path / "file", b"x")
    assert sorted(one.name for one in tmp_path.iterdir()) == [".file.b.tmp", ".other.a.tmp", "file"]
