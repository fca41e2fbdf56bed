"""Homes of every earlier LabelCue work with this one. Each folder of tests/earlier was written by the code of its time.

A change of the ledger's tables, or of the snapshot's format, needs such a folder: tests/earlier/make.py writes it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deskwork import DIM, HOLDER, PROJECT, Desk
from labelcue.errors import Corrupt
from labelcue.exports.labelled import labelled
from labelcue.pool.vectors import VectorFile
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.store import sqlite_statements as sql
from labelcue.store.connection import Connection
from labelcue.store.fold import fold
from labelcue.store.snapshot_file import _FORMAT, read_snapshot
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Kind, TaskId

PRAGMAS = ("application_id", "user_version")
EARLIER = sorted(path for path in (Path(__file__).parents[1] / "earlier").glob("ledger-*"))


def version_of(home: Path) -> int:
    return int(home.name.split("-")[1])


@pytest.fixture(params=EARLIER, ids=lambda home: home.name)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an earlier home, its ledger made of the SQL that stands for it."""
    home: Path = tmp_path / request.param.name
    shutil.copytree(request.param, home)
    with closing(sqlite3.connect(home / "ledger.sqlite3")) as db:
        db.executescript((home / "ledger.sql").read_text())
    return home


def expected(home: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((home / "expected.json").read_text())
    return read


def test_every_version_has_a_home() -> None:
    assert {version_of(home) for home in EARLIER} == set(range(1, sql.VERSION + 1))
    assert {home.name.split("-")[3] for home in EARLIER} == {str(n + 1) for n in range(int(_FORMAT[-1]))}
    assert set(sql.LIFTS) == set(range(1, sql.VERSION))


def shape(path: Path) -> dict[str, Any]:
    """Every table's columns: name, type, whether it may be null, default, place in the key."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: db.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}
        marks = [db.execute(f"PRAGMA {name}").fetchone() for name in PRAGMAS]
    return {"columns": columns, "marks": marks}


def test_a_lifted_ledger_has_the_tables_of_a_new_one(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite3"
    for path in (home / "ledger.sqlite3", new):
        with closing(SqliteLedger(path)) as ledger:
            ledger.projects()
            ledger.check()
    assert shape(home / "ledger.sqlite3") == shape(new)


def test_everything_said_is_still_there(home: Path) -> None:
    said = expected(home)
    with closing(SqliteLedger(home / "ledger.sqlite3")) as ledger:
        assert ledger.position(PROJECT) == said["position"]
        records = ledger.rounds(PROJECT)
        assert [record.number for record in records] == list(range(1, said["rounds"] + 1))
        state = fold(ledger.read(PROJECT))
        labels = {
            str(one.task): one.result[0]["value"]["choices"][0]
            for one in state.annotations.values()
            if not one.cancelled
        }
        assert labels == said["labels"]
        exported = {str(row["task"]): row["label"] for row in labelled(ledger, PROJECT)}
        assert exported == said["labels"]
    assert Connection.load(home / "connection.json").before == {"sampling": "Sequential sampling"}


def test_a_learner_takes_over_and_goes_on(home: Path) -> None:
    """From the snapshot, where its format is today's, else by replaying rounds; and the next label makes a round."""
    said = expected(home)
    with closing(SqliteLedger(home / "ledger.sqlite3")) as ledger:
        rounds = Rounds(
            ledger,
            PROJECT,
            VectorFile(home / "vectors", DIM, embedder="test@1"),
            home / "round.safetensors",
            holder=HOLDER,
            embedder="test@1",
            base=QueueSettings(strategy="coreset-margin", audit=0),
            head=50,
        )
        assert ledger.acquire(PROJECT, HOLDER, 1e6)
        rounds.resume()
        assert rounds.snapshot is not None
        assert rounds.snapshot.round.number == said["rounds"]
        assert sorted(rounds.snapshot.order.tolist()) == said["queue"]
        task = int(rounds.snapshot.order[0])
        desk = Desk.__new__(Desk)
        desk.ledger, desk.clock = ledger, 1000
        desk.label(task, "ham")
        assert rounds.due()
        after = rounds.run()
        assert after.of(TaskId(task)) is not None
        assert task not in after.order.tolist()
        assert after.labels == len(said["labels"]) + 1


def test_a_snapshot_of_another_format_is_refused_with_a_remedy(home: Path) -> None:
    path = home / "round.safetensors"
    if _FORMAT.encode() in path.read_bytes():
        assert sorted(read_snapshot(path).order.tolist()) == expected(home)["queue"]
        return
    with pytest.raises(Corrupt, match="builds it again"):
        read_snapshot(path)


def test_a_lift_that_fails_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, path = version_of(home), home / "ledger.sqlite3"
    if version == sql.VERSION:
        return
    before = shape(path)
    broken = {**sql.LIFTS, version: (*sql.LIFTS[version][:-1], "SELECT * FROM no_such_table")}
    with monkeypatch.context() as patch, closing(SqliteLedger(path)) as ledger:
        patch.setattr(sql, "LIFTS", broken)
        with pytest.raises(Exception, match="no_such_table"):
            ledger.projects()
        assert shape(path) == before
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.position(PROJECT) == expected(home)["position"]


def test_threads_that_open_it_first_lift_it_once(home: Path) -> None:
    path, problems = home / "ledger.sqlite3", []

    def work(number: int) -> None:
        try:
            with closing(SqliteLedger(path, busy_ms=60_000)) as ledger:
                desk = Desk.__new__(Desk)
                desk.ledger, desk.clock = ledger, 2000 + number
                desk.say(Kind.TRAIN, f"train:{number}")
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.position(PROJECT) == expected(home)["position"] + 6
        ledger.check()
