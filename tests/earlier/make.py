"""Write a home of today's LabelCue, for the tests of those to come: PYTHONPATH=tests python tests/earlier/make.py NAME.

Whoever changes the ledger's tables or the snapshot's format does so before the change.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from pydantic import SecretStr

from deskwork import PROJECT, Desk
from labelcue.store.connection import Connection
from labelcue.types import Kind


def work(desk: Desk) -> None:
    """A bit of everything that a ledger holds."""
    order = [int(task) for task in desk.work(12).order]
    desk.label(order[0], cancelled=True)
    gone = desk.label(order[1])
    desk.say(Kind.ANNOTATION_DELETED, f"annotation_deleted:{gone}", annotation=gone)
    desk.say(Kind.TASK_DELETED, f"task_deleted:{order[2]}", task=order[2])
    desk.label(order[3], user=2)
    desk.say(Kind.PIN, "pin:1", task=order[5])
    desk.say(Kind.STRATEGY, "strategy:1", name="margin", params={}, by="admin")
    desk.rounds.run()


def write(desk: Desk, into: Path) -> None:
    """Ledger as SQL, the other files as they are, and what a test expects of them."""
    shutil.copytree(desk.folder / "vectors", into / "vectors", ignore=shutil.ignore_patterns("lock"))
    shutil.copy(desk.folder / "round.safetensors", into)
    with closing(sqlite3.connect(desk.folder / "ledger.sqlite3")) as db:
        marks = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")}
        lines = [*db.iterdump(), *(f"PRAGMA {name} = {value};" for name, value in marks.items())]
    (into / "ledger.sql").write_text("\n".join([*lines, ""]))
    before = {"sampling": "Sequential sampling"}
    Connection(url="http://127.0.0.1:9", project=PROJECT, token=SecretStr("none"), before=before).save(
        into / "connection.json"
    )
    snapshot, live = desk.rounds.snapshot, desk.rounds.fold.annotations.values()
    assert snapshot is not None
    expected = {
        "position": desk.ledger.position(PROJECT),
        "rounds": snapshot.round.number,
        "labels": {str(one.task): one.result[0]["value"]["choices"][0] for one in live if not one.cancelled},
        "queue": sorted(snapshot.order.tolist()),
    }
    (into / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    target = Path(__file__).parent / sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        working = Desk(Path(folder))
        work(working)
        working.ledger.relinquish(PROJECT, "me")
        write(working, target)
        working.ledger.close()
