"""`labelcue backup` and `labelcue restore`: whole or nothing, beside a busy service, and safe against foreign files."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deskwork import PROJECT, Desk, same
from labelcue.backups import make_backup, restore_backup
from labelcue.cli import main
from labelcue.errors import ConfigError, Conflict, LabelCueError
from labelcue.store.layout import Home
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Event, Kind
from servicing import TOKEN, connect, publish
from waiting import until

TOML = 'basic_password = "canary-a"\nwebhook_secret = "canary-b"\n'


def quiet(_doing: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def tasks(start: int, stop: int) -> list[Event]:
    bodies = ({"task": number, "data": {"text": "mail " * 80}, "updated_at": ""} for number in range(start, stop))
    return [Event(10, Kind.TASK, f"task:{body['task']}", body) for body in bodies]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for project in (10, 11):
        connect(home.root, project)
    publish(home.root, [100, 101])
    (home.root / "labelcue.toml").write_text(TOML)
    folder = home.vectors(10, "letters")
    folder.mkdir()
    for name in ("digests.b16", "meta.json", "lock", ".meta.json.part"):
        (folder / name).write_bytes(name.encode() * 1000)
    (home.project(10) / "wake").touch()
    with closing(SqliteLedger(home.ledger_path)) as ledger:
        ledger.append(tasks(0, 500))
    return home


@pytest.fixture
def ledger(home: Home) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(home.ledger_path, busy_ms=60_000)
    yield ledger
    ledger.close()


@pytest.fixture
def kept(home: Home, ledger: SqliteLedger, tmp_path: Path) -> Path:
    target = tmp_path / "kept.zip"
    make_backup(home, ledger, target, on_step=quiet)
    return target


def content(root: Path) -> dict[str, bytes]:
    """Everything below, the ledger aside, which is compared by its events."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith("ledger")}


def events(home: Home) -> list[Event]:
    with closing(SqliteLedger(home.ledger_path)) as ledger:
        return [event for project in ledger.projects() for event in ledger.read(project)]


def test_what_cannot_be_made_anew_comes_back(home: Home, kept: Path, tmp_path: Path) -> None:
    back = Home(tmp_path / "back")
    made = restore_backup(kept, back, quiet)
    assert made.projects == [10, 11]
    assert made.events == 500
    assert events(back) == events(home)
    left_out = {"wake", "lock", ".meta.json.part"}
    assert content(back.root) == {
        name: data for name, data in content(home.root).items() if Path(name).name not in left_out
    }
    for path in (kept, *(path for path in back.root.rglob("*") if path.is_file())):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not list(back.root.glob(".restore-*"))
    assert not list(kept.parent.glob(".kept*"))


def test_a_busy_ledger_is_kept_as_it_was_at_one_moment(home: Home, ledger: SqliteLedger, tmp_path: Path) -> None:
    stop, appended = threading.Event(), [500]

    def work() -> None:
        with closing(SqliteLedger(home.ledger_path, busy_ms=60_000)) as other:
            while not stop.is_set():
                other.append(tasks(appended[0], appended[0] + 5))
                appended[0] += 5

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(lambda: appended[0] > 600, what="the first events")
        before = appended[0]
        made = make_backup(home, ledger, tmp_path / "kept.zip", on_step=quiet)
        assert made.events >= before
        until(lambda: appended[0] > made.events, what="events after the copy")
    finally:
        stop.set()
        thread.join(120)
    back = Home(tmp_path / "back")
    restore_backup(tmp_path / "kept.zip", back, quiet)
    # Five at a time, all or none of them.
    assert [event.body["task"] for event in events(back)] == list(range(made.events))
    assert made.events % 5 == 0


@pytest.mark.parametrize("vectors", [True, False])
def test_a_restored_project_has_the_same_queue(tmp_path: Path, vectors: bool) -> None:
    """With vectors to the bit; without, once its tasks are embedded again, a queue of the same tasks."""
    desk = Desk(tmp_path / "desk")
    before = desk.work(6)
    home = Home(tmp_path / "home")
    shutil.copytree(desk.folder / "vectors", home.vectors(PROJECT, "test"))
    connect(home.root, PROJECT)
    shutil.copy(desk.folder / "round.safetensors", home.snapshot(PROJECT))
    make_backup(home, desk.ledger, tmp_path / "kept.zip", vectors=vectors, on_step=quiet)
    desk.ledger.close()
    shutil.rmtree(desk.folder)

    back = Home(tmp_path / "back")
    restore_backup(tmp_path / "kept.zip", back, quiet)
    desk.folder.mkdir()
    shutil.move(back.ledger_path, desk.folder)
    shutil.move(back.snapshot(PROJECT), desk.folder)
    if vectors:
        shutil.move(back.vectors(PROJECT, "test"), desk.folder / "vectors")
        same(before, desk.restart().snapshot)
        return
    desk.restart()
    everybody = range(1, 121)
    digests = [f"{task:016}".encode() for task in everybody]
    desk.vectors.append(list(everybody), desk.made[1:121], digests)
    after = desk.rounds.run()
    assert set(after.order.tolist()) == set(before.order.tolist())
    assert after.labelled == before.labelled


def rewritten(kept: Path, into: Path, change: Callable[[dict[str, bytes]], Any], *, fitting: bool = True) -> Path:
    """The archive with other content; `fitting`: its list says what it now holds."""
    with zipfile.ZipFile(kept) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    if fitting:
        listed = json.loads(files["manifest.json"])
        listed["files"] = {
            name: {"size": len(data), "sha256": sha256(data).hexdigest()}
            for name, data in files.items()
            if name != "manifest.json"
        }
        files["manifest.json"] = json.dumps(listed).encode()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return into


def with_list(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), **changes}).encode()

    return change


def with_sql(*statements: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        path = Path(os.environ["PYTEST_FOLDER"]) / "foreign.sqlite3"
        path.write_bytes(files["ledger.sqlite3"])
        with closing(sqlite3.connect(path, isolation_level=None)) as there:
            for statement in statements:
                there.execute(statement)
        files["ledger.sqlite3"] = path.read_bytes()

    return change


def beside(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: b"evil"})


OUTSIDE = (
    "../evil",
    "projects/../../evil",
    "/etc/evil",
    "C:\\evil",
    "projects/10/../../../evil",
    "projects/10/vectors-x/../../evil",
    "projects/10/vectors-x/.hidden",
    "projects/-1/connection.json",
    "projects/10/status.json",
    "projects/10/vectors-x/a/b",
    "projects/\u0661/connection.json",
    "labelcue.toml\n",
    "plugin.secret/x",
    "LABELCUE.TOML",
    "ledger.sqlite3-wal",
    "evil",
    "",
    "caf\u00e9",
    "a" * 5000,
)
FOREIGN: dict[str, Callable[[dict[str, bytes]], Any]] = {
    **{f"name {name[:40]!r}": beside(name) for name in OUTSIDE},
    "no list": lambda files: files.pop("manifest.json"),
    "no ledger": lambda files: files.pop("ledger.sqlite3"),
    "a list that is no object": lambda files: files.update({"manifest.json": b"[]"}),
    "a deep list": lambda files: files.update({"manifest.json": b"[" * 100_000}),
    "a later format": with_list(format=2),
    "an odd list": with_list(projects={"a": 1}),
    "no SQLite": lambda files: files.update({"ledger.sqlite3": b"x" * 5000}),
    "a view": with_sql("CREATE VIEW evil AS SELECT 1"),
    "a trigger": with_sql("CREATE TRIGGER evil AFTER INSERT ON event BEGIN DELETE FROM event; END"),
    "a virtual table": with_sql("DROP TABLE learner", "CREATE VIRTUAL TABLE learner USING fts5(a)"),
    "somebody else's file": with_sql("PRAGMA application_id = 5"),
    "a later ledger": with_sql("PRAGMA user_version = 99"),
    "a connection of another project": lambda files: files.update(
        {"projects/11/connection.json": files["projects/10/connection.json"]}
    ),
    "a broken connection": lambda files: files.update({"projects/11/connection.json": b"{}"}),
    "settings that are none": lambda files: files.update({"labelcue.toml": b"x = ["}),
    "unknown settings": lambda files: files.update({"labelcue.toml": b"evil = 5"}),
}


def refused(source: Path, tmp_path: Path) -> LabelCueError:
    back = Home(tmp_path / "back")
    with pytest.raises(LabelCueError) as caught:
        restore_backup(source, back, quiet)
    assert caught.value.remedy
    assert len(str(caught.value)) < 1000
    assert list(back.root.rglob("*")) == []
    assert not (tmp_path / "evil").exists()
    return caught.value


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_no_backup_leaves_an_empty_home(
    kept: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_FOLDER", str(tmp_path))
    fitting = not name.startswith(("no list", "a list", "a deep", "a later format", "an odd"))
    error = refused(rewritten(kept, tmp_path / "foreign.zip", FOREIGN[name], fitting=fitting), tmp_path)
    assert isinstance(error, ConfigError) == (name in ("a later format", "a later ledger") or "settings" in name) or (
        name == "somebody else's file"
    )


def test_a_bomb_is_refused_before_it_unfolds(kept: Path, tmp_path: Path) -> None:
    def swell(files: dict[str, bytes]) -> None:
        files["projects/10/vectors-x/vectors.f32"] = bytes(400_000_000)

    bomb = rewritten(kept, tmp_path / "bomb.zip", swell)
    assert bomb.stat().st_size < 1_000_000
    assert "unfold" in refused(bomb, tmp_path).message
    lying = rewritten(kept, tmp_path / "lying.zip", lambda files: files.update({"labelcue.toml": bytes(50_000_000)}))
    with zipfile.ZipFile(lying) as archive:
        listed = json.loads(archive.read("manifest.json"))
    listed["files"]["labelcue.toml"]["size"] = 5
    small = with_list(files=listed["files"])
    assert "labelcue.toml" in refused(rewritten(lying, tmp_path / "small.zip", small, fitting=False), tmp_path).message


def test_every_truncation_and_flipped_bit_is_refused_or_changes_nothing(home: Home, kept: Path, tmp_path: Path) -> None:
    whole, before = kept.read_bytes(), None
    damaged = tmp_path / "damaged.zip"
    step = max(1, len(whole) // 60)
    for place in range(0, len(whole), step):
        damaged.write_bytes(whole[:place])
        refused(damaged, tmp_path)
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        back = Home(tmp_path / f"back{place}")
        with suppress(LabelCueError):
            restore_backup(damaged, back, quiet)
        if list(back.root.rglob("*")):  # A date in the archive, or the like.
            before = before or events(home)
            assert events(back) == before


def test_an_interrupted_restore_leaves_an_empty_home(kept: Path, tmp_path: Path) -> None:
    back = Home(tmp_path / "back")

    def interrupt(doing: str, done: int, total: int) -> None:
        if "vectors" in doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_backup(kept, back, interrupt)
    assert list(back.root.rglob("*")) == []


def test_a_home_that_is_there_is_never_touched(home: Home, kept: Path) -> None:
    before = content(home.root)
    with pytest.raises(Conflict, match="already"):
        restore_backup(kept, home, quiet)
    assert content(home.root) == before


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_the_commands(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.keeping.out._width", 300)
    kept, back = tmp_path / "kept.zip", tmp_path / "back"
    told = run("backup", str(kept), "--home", str(home.root))
    assert told.exit_code == 0, told.output
    assert "Kept 500 events, 2 projects and" in told.stdout
    assert f"SHA-256 {sha256(kept.read_bytes()).hexdigest()}" in told.stdout
    again = run("backup", str(kept), "--home", str(home.root))
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert run("backup", str(kept), "--force", "--no-vectors", "--home", str(home.root)).exit_code == 0
    told = run("restore", str(kept), "--home", str(back))
    assert told.exit_code == 0, told.output
    assert "Restored 500 events of 2 projects" in told.stdout
    assert not Home(back).vectors(10, "letters").exists()
    told = run("restore", str(kept), "--home", str(back))
    assert told.exit_code == 1
    assert "already" in told.stderr
    assert TOKEN not in told.output
    assert run("restore", str(tmp_path / "none.zip"), "--home", str(tmp_path / "b")).exit_code == 1
    assert run("backup", str(tmp_path / "x" / "y.zip"), "--home", str(home.root)).exit_code == 1
    assert run("backup", str(tmp_path / "y.zip"), "--home", str(tmp_path / "nothing")).exit_code == 1
    assert not (tmp_path / "nothing").exists()


def test_a_ledger_elsewhere_is_named(home: Home, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.keeping.out._width", 300)
    monkeypatch.setenv("LABELCUE_STORE", f"sqlite:///{tmp_path}/elsewhere.sqlite3")
    told = run("restore", str(kept), "--home", str(tmp_path / "back"))
    assert told.exit_code == 0, told.output
    assert "elsewhere.sqlite3: move" in told.stdout
