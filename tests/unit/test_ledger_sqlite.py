"""What is particular to the SQLite ledger: durability, limits, errors, forks."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelcue.errors import ConfigError, Corrupt, StoreBusy, StoreError
from labelcue.store import open_ledger
from labelcue.store import sqlite_statements as sql
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Event, Kind, Round

TRIES = 5
"""Of what is timed, the fastest counts: the machine may do other things meanwhile."""


def events(start: int, stop: int, project: int = 1, text: str = "hello") -> list[Event]:
    bodies = ({"task": number, "data": {"text": text}, "updated_at": ""} for number in range(start, stop))
    return [Event(project, Kind.TASK, f"task:{body['task']}", body) for body in bodies]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "home" / "ledger.sqlite3", busy_ms=60)
    yield ledger
    ledger.close()


@pytest.fixture
def other(ledger: SqliteLedger) -> Iterator[sqlite3.Connection]:
    """Another program that has the same file open."""
    ledger.append(events(0, 1))
    connection = sqlite3.connect(ledger.path, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("url", ["sqlite://{}", "sqlite:///{}", "sqlite://///{}"])
def test_urls_with_any_number_of_slashes_name_the_absolute_path(url: str, tmp_path: Path) -> None:
    ledger = open_ledger(url.format(tmp_path / "a %20?b#c.sqlite3"))
    ledger.append(events(0, 1))
    ledger.close()
    assert (tmp_path / "a %20?b#c.sqlite3").is_file()


@pytest.mark.parametrize("url", ["sqlite:", "sqlite://", "sqlite:///", "sqlite:ledger.sqlite3", "sqlite:./x"])
def test_urls_without_an_absolute_path_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///absolute/path"):
        open_ledger(url)


def test_nothing_is_created_before_the_first_use(tmp_path: Path) -> None:
    open_ledger(f"sqlite://{tmp_path}/new/ledger.sqlite3").close()
    assert list(tmp_path.iterdir()) == []


def test_every_commit_is_synced(ledger: SqliteLedger) -> None:
    connection = ledger._handles.get()
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_positions_are_never_given_twice(ledger: SqliteLedger, other: sqlite3.Connection) -> None:
    last = ledger.append(events(1, 3))
    other.execute("DELETE FROM event WHERE position > 1")
    assert ledger.position(1) == 1
    assert ledger.append(events(5, 6)) > last


def test_position_and_read_look_into_an_index(ledger: SqliteLedger, other: sqlite3.Connection) -> None:
    for query, values in ((sql.POSITION, (1,)), (sql.read(), (1, 0, 9)), (sql.read(1), (1, 0, 9, "lease"))):
        plan = " ".join(str(row[3]) for row in other.execute(f"EXPLAIN QUERY PLAN {query}", values))
        assert "SEARCH event USING" in plan
        assert "event_of_project" in plan
        assert "TEMP B-TREE" not in plan


def test_reading_holds_the_log_back_for_a_batch_only(ledger: SqliteLedger, other: sqlite3.Connection) -> None:
    ledger.append(events(1, 3_000))
    reading = ledger.read(1)
    next(reading)
    ledger.append(events(3_000, 3_010))
    busy, pages, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, pages, moved) == (0, 0, 0)
    assert len(list(reading)) == 2_999


def test_long_bodies_make_short_batches(ledger: SqliteLedger) -> None:
    ledger.append(events(0, 12, text="x" * 1_000_000))
    assert len(ledger._batch(1, 0, 100)) == 4
    assert len(list(ledger.read(1))) == 12


def test_locked_by_another_process_it_is_busy_in_time_and_then_works_again(
    ledger: SqliteLedger, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")

    def refused() -> float:
        started = time.monotonic()
        with pytest.raises(StoreBusy, match="nothing was stored"):
            ledger.append(events(1, 2))
        with pytest.raises(StoreBusy):
            ledger.acquire(1, "a", 10)
        return time.monotonic() - started

    assert min(refused() for _ in range(TRIES)) < 1.0
    assert ledger.position(1) == 1
    other.execute("ROLLBACK")
    assert ledger.append(events(1, 2)) == 2


def test_threads_that_wait_for_a_locked_ledger_wait_at_the_same_time(
    ledger: SqliteLedger, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    ledger._handles.busy_ms = 200

    def work() -> None:
        with pytest.raises(StoreBusy):
            ledger.append(events(1, 2))
        refused.append(1)

    def longest() -> float:
        started = time.monotonic()
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - started

    refused: list[int] = []
    tried = [longest() for _ in range(TRIES)]
    other.execute("ROLLBACK")
    assert len(refused) == 8 * TRIES
    assert min(tried) < 1.0  # one after the other would be 8 x 200 ms


def test_a_failed_append_leaves_nothing_and_no_transaction(ledger: SqliteLedger, other: sqlite3.Connection) -> None:
    other.execute(
        "CREATE TRIGGER no BEFORE INSERT ON event WHEN new.key = 'task:7' BEGIN SELECT raise(ABORT, 'no'); END"
    )
    with pytest.raises(StoreError, match="no"):
        ledger.append(events(5, 9))
    assert [event.body["task"] for event in ledger.read(1)] == [0]
    other.execute("DROP TRIGGER no")
    ledger.append(events(5, 9))
    assert len(list(ledger.read(1))) == 5


def test_a_newer_format_is_refused_untouched(ledger: SqliteLedger, other: sqlite3.Connection) -> None:
    other.execute("PRAGMA user_version = 99")
    newer = SqliteLedger(ledger.path)
    with pytest.raises(ConfigError, match=r"format 99.*Upgrade LabelCue"):
        newer.append(events(1, 2))
    newer.close()
    assert other.execute("SELECT count(*) FROM event").fetchone()[0] == 1


def test_an_sqlite_file_of_something_else_is_refused_untouched(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db.sqlite3")
    connection.execute("CREATE TABLE task (id INTEGER)")
    connection.commit()
    connection.close()
    before = (tmp_path / "db.sqlite3").read_bytes()
    ledger = SqliteLedger(tmp_path / "db.sqlite3")
    with pytest.raises(ConfigError, match="something else"):
        ledger.append(events(0, 1))
    ledger.close()
    assert (tmp_path / "db.sqlite3").read_bytes() == before


def test_what_is_no_database_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"not a database at all" * 500)
    with pytest.raises(Corrupt, match="backup"):
        SqliteLedger(tmp_path / "ledger").position(1)


def test_a_damaged_page_is_found(ledger: SqliteLedger) -> None:
    ledger.append(events(0, 2_000))
    ledger.close()
    size = ledger.path.stat().st_size
    with ledger.path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(Corrupt, match="damaged"):
        ledger.check()


def test_a_body_that_somebody_edited_by_hand_is_corrupt(ledger: SqliteLedger, other: sqlite3.Connection) -> None:
    other.execute("UPDATE event SET body = '{'")
    with pytest.raises(Corrupt, match="Event 1"):
        list(ledger.read(1))


def test_a_path_that_cannot_be_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteLedger(tmp_path / "file" / "ledger").position(1)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteLedger(tmp_path / "folder").position(1)


def test_connections_of_threads_that_ended_are_closed(ledger: SqliteLedger) -> None:
    for number in range(5):
        thread = threading.Thread(target=ledger.append, args=(events(number, number + 1),))
        thread.start()
        thread.join()
    assert ledger.position(1) == 5
    assert len(ledger._handles._here().open) == 1


def run(script: str, *args: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FULL = """
import resource, signal, sys
from pathlib import Path
from labelcue.errors import StoreError
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Event, Kind, Round
ledger = SqliteLedger(Path(sys.argv[1]))
ledger.position(1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
acked, refused = [], 0
for number in range(400):
    body = {"task": number, "data": {"text": "x" * 2000}, "updated_at": ""}
    try:
        ledger.append([Event(1, Kind.TASK, str(number), body)])
        acked.append(number)
    except StoreError as error:
        assert error.remedy
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
stored = [event.body["task"] for event in ledger.read(1)]
assert stored == acked, (stored, acked)
ledger.append([Event(1, Kind.TRAIN, "space again", {})])
ledger.check()
ledger.close()
print(len(acked), refused)
"""


def test_a_full_disk_never_acknowledges_falsely_and_is_got_over(tmp_path: Path) -> None:
    acked, refused = map(int, run(FULL, tmp_path / "ledger").split())
    assert acked > 5
    assert refused > 10


FORK = """
import os, sys, threading
from pathlib import Path
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Event, Kind, Round
ledger = SqliteLedger(Path(sys.argv[1]), busy_ms=60_000)
train = lambda key: ledger.append([Event(1, Kind.TRAIN, key, {})])
train("before")
ledger._handles.writer.acquire()  # as if another thread were just writing
child = os.fork()
if child == 0:
    for number in range(50):
        train(f"child {number}")
    ledger.close()
    os._exit(0)
ledger._handles.writer.release()
for number in range(50):
    train(f"parent {number}")
assert os.waitpid(child, 0)[1] == 0
assert len(list(ledger.read(1))) == 101
ledger.check()
ledger.close()
"""


def test_a_forked_child_uses_connections_of_its_own(tmp_path: Path) -> None:
    run(FORK, tmp_path / "ledger")


def test_a_ledger_of_the_first_format_is_lifted_and_keeps_its_rounds(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    old = sqlite3.connect(path)
    for statement in sql.TABLES[:-1]:
        without = statement.replace("        surrogate TEXT NOT NULL DEFAULT 'logistic@1',\n", "")
        without = without.replace("        levers TEXT NOT NULL DEFAULT '{{}}',\n", "")
        old.execute(without.format(strict=""))
    old.execute("PRAGMA user_version = 1")
    old.execute("INSERT INTO round VALUES (7, 1, 5, 3, 'minilm@1', 'margin@1', '{}', 2, 1, 9.0)")
    old.commit()
    old.close()
    for _ in range(2):
        ledger = SqliteLedger(path)
        assert ledger.rounds(7) == [Round(7, 1, 5, 3, "minilm@1", "margin@1", {}, 2, True, 9.0, "logistic@1")]
        ledger.close()
