"""`labelcue export` and `labelcue snapshot`: files that are whole or not there, and errors in two lines."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labelcue.cli import main
from labelcue.errors import StoreError
from labelcue.exports.kinds import KINDS
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.layout import Home
from paging import plant
from servicing import connect, publish

TEXTS = {1: 'Zürich, "quoted"\nnext line', 2: "second mail", 3: "third mail"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    connect(home)
    fill(home, {1: "pos", 2: "neg"})
    monkeypatch.setenv("LABELCUE_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("labelcue.exporting.out._width", 300)
    monkeypatch.chdir(tmp_path)
    return home


def fill(home: Path, labels: dict[int, str]) -> None:
    settings = Settings(home=home)
    ledger = open_ledger(settings.store_url, settings.busy_ms)
    plant(ledger, TEXTS, labels)
    ledger.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words[:1], "-p", "10", *words[1:]])


def refused(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return result.stderr


@pytest.mark.usefixtures("home")
def test_the_files_ending_says_the_format(tmp_path: Path) -> None:
    told = run("export", "-o", "labels.json")
    assert told.exit_code == 0, told.output
    assert "Wrote 2 rows to labels.json: labelled, position " in told.stderr
    assert [row["label"] for row in json.loads((tmp_path / "labels.json").read_bytes())] == ["pos", "neg"]
    assert run("export", "-o", "labels.CSV").exit_code == 0
    with (tmp_path / "labels.CSV").open(newline="", encoding="utf-8") as file:
        assert [row["data.text"] for row in csv.DictReader(file)] == [TEXTS[1], TEXTS[2]]
    assert run("export", "--what", "selected", "--format", "csv", "-o", "chosen.txt").exit_code == 0
    assert (tmp_path / "chosen.txt").read_text().startswith("task,label,stream")
    assert "says no format" in refused("export", "-o", "labels.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chosen.txt", "home", "labels.CSV", "labels.json"]


@pytest.mark.usefixtures("home")
def test_parquet_is_read_by_others(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("export", "-o", "labels.parquet").exit_code == 0
    assert parquet.read_table(tmp_path / "labels.parquet")["label"].to_pylist() == ["pos", "neg"]


@pytest.mark.usefixtures("home")
def test_nothing_is_overwritten_unless_it_is_meant(tmp_path: Path) -> None:
    target = tmp_path / "labels.json"
    target.write_text("mine")
    assert "Overwrite it with --force" in refused("export", "-o", "labels.json")
    assert target.read_text() == "mine"
    assert run("export", "-o", "labels.json", "--force").exit_code == 0
    assert len(json.loads(target.read_bytes())) == 2


@pytest.mark.usefixtures("home")
def test_the_standard_output_holds_the_file_alone(tmp_path: Path) -> None:
    told = run("export", "-o", "-")
    assert len(json.loads(told.stdout_bytes)) == 2
    assert "Wrote 2 rows: labelled" in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_predictions_come_once_there_is_a_round(home: Path, tmp_path: Path) -> None:
    refused("export", "--what", "predictions", "-o", "p.json")
    publish(home, [1, 2, 3])
    assert "predictions, cue-3." in run("export", "--what", "predictions", "-o", "p.json").stderr
    assert [row["task"] for row in json.loads((tmp_path / "p.json").read_bytes())] == [1, 2, 3]


def test_a_snapshot_gives_the_same_bytes_whatever_came_after(home: Path, tmp_path: Path) -> None:
    assert "Nothing is named yet" in run("snapshot").output
    assert "'first release' holds 2 labelled tasks" in run("snapshot", "first release", "--by", "anna").output
    fill(home, {3: "pos"})
    told = run("export", "--snapshot", "first release", "-o", "first.json")
    assert "snapshot 'first release'" in told.stderr
    content = (tmp_path / "first.json").read_bytes()
    listed = run("snapshot").output
    assert hashlib.sha256(content).hexdigest() in listed
    assert "anna" in listed
    assert len(json.loads(run("export", "-o", "-").stdout_bytes)) == 3
    assert "never changes" in refused("snapshot", "first release", "--by", "carl")
    assert "no snapshot 'second'" in refused("export", "--snapshot", "second", "-o", "x.json")
    words = ("export", "--what", "predictions", "--snapshot", "first release", "-o", "x.json")
    assert "no predictions" in refused(*words)
    assert not (tmp_path / "x.json").exists()


def test_changes_between_snapshots_are_named(home: Path) -> None:
    run("snapshot", "one")
    assert "Nothing changed" in run("changes", "one").output
    fill(home, {3: "pos"})
    run("snapshot", "two")
    told = run("changes", "one").output
    assert ["3", "-", "pos", "new"] in [line.replace("│", " ").split() for line in told.splitlines()]
    assert run("changes", "one", "two").output == told
    assert "Nothing changed" in run("changes", "two").output
    assert "no snapshot 'three'" in refused("changes", "three")


@pytest.mark.usefixtures("home")
def test_what_fails_leaves_what_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "folder that is there" in refused("export", "-o", "nowhere/labels.json")
    (tmp_path / "labels.json").write_text("mine")

    def broken(*_given: object) -> object:
        yield b"[\n"
        raise StoreError("The disk is gone.", "Mount it.")

    monkeypatch.setattr("labelcue.exporting.written", broken)
    assert "Mount it." in refused("export", "-o", "labels.json", "--force")
    assert (tmp_path / "labels.json").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "labels.json"]


def test_a_project_that_nobody_knows_is_named_and_nothing_made(home: Path, tmp_path: Path) -> None:
    for words in (["export", "-p", "11", "-o", "x.json"], ["snapshot", "-p", "11", "first"]):
        told = CliRunner().invoke(main, words)
        assert told.exit_code == 1
        assert "knows no project 11" in told.stderr
    assert "knows no project 10" in refused("export", "--home", str(tmp_path / "typo"), "-o", "x.json")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    Home(home).connection(10).unlink()
    assert run("export", "-o", "after.json").exit_code == 0  # labels stay when a project is disconnected


def test_the_help_teaches_every_kind() -> None:
    told = CliRunner().invoke(main, ["export", "--help"]).output
    assert all(f"    {kind} " in told or f"  {kind} " in told for kind in KINDS)
    assert "labelcue export -p 1 -o labels.json" in told
