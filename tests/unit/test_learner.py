"""The learner: one a project, taken over when it dies; no project's fault stops the others. Label Studio is down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from labelcue.embedders import embedders
from labelcue.embedders.marked import reader_of
from labelcue.errors import StoreError
from labelcue.labelstudio.config import parse_config
from labelcue.learner import Learner
from labelcue.publishing import sha
from labelcue.rounds import Rounds
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.connection import Connection
from labelcue.store.head import Head, HeadReader
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import SnapshotReader
from labelcue.store.status import read_status
from labelcue.types import Event, Kind
from waiting import until

CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="a"/><Choice value="b"/></Choices></View>'
)
NOWHERE = "http://127.0.0.1:9/"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.settings = load_settings(
            {
                "home": folder,
                "lease_s": 60,  # a stalled machine must not lose one: they are given back where that is tested
                "debounce_ms": 1,
                "insights_s": 0,
                "webhook_secret": "s",
                "basic_password": "p",
            }
        )
        self.ledger = open_ledger(self.settings.store_url)
        self.snapshots = SnapshotReader()

    def connect(self, project: int, embedder: str = "tfidf-svd", tasks: int = 30) -> None:
        self.say(project, Kind.LABEL_CONFIG, "config", label_config=CONFIG, updated_at="2026-01-01T00:00:00Z")
        for task in range(1, tasks + 1):
            text = f"{'apple pear' if task % 2 else 'iron zinc'} number {task}"
            self.say(project, Kind.TASK, f"task:{task}", task=task, data={"text": text}, updated_at="")
        connection = Connection(url=NOWHERE, project=project, token=SecretStr("x" * 40), embedder=embedder)
        connection.save(self.home.connection(project))

    def say(self, project: int, kind: Kind, key: str, **body: object) -> None:
        self.ledger.append([Event(project, kind, key, body)])

    def label(self, project: int, task: int) -> None:
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["ba"[task % 2]]}}
        self.say(
            project,
            Kind.ANNOTATION,
            f"annotation:{task}",
            annotation=task,
            task=task,
            user=1,
            updated_at="2026-01-02T00:00:00Z",
            cancelled=False,
            result=[region],
        )

    def snapshot(self, project: int, labels: int, tasks: int = 30) -> Snapshot:
        def look() -> Snapshot | None:
            found = self.snapshots.latest(self.home.snapshot(project))
            return found if found and found.labelled == labels and len(found.ids) == tasks else None

        return until(look, what=f"{labels} labels in project {project}")

    @contextmanager
    def learner(self, holder: str) -> Iterator[Learner]:
        stop = threading.Event()
        learner = Learner(self.settings, self.home, open_ledger(self.settings.store_url), holder)
        thread = threading.Thread(target=learner.run, args=(stop,))
        thread.start()
        try:
            yield learner
        finally:
            stop.set()
            thread.join(120)
            assert not thread.is_alive()
            learner.ledger.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.ledger.close()


def test_a_label_reaches_the_queue_while_label_studio_is_down(desk: Desk) -> None:
    desk.connect(1)
    with desk.learner("one"):
        desk.snapshot(1, labels=0)
        for task in range(1, 7):
            desk.label(1, task)
        snapshot = desk.snapshot(1, labels=6)
        assert snapshot.trained
        assert len(snapshot.order) == 24
        until(lambda: read_status(desk.home.status(1))["reconcile"]["error"])


def test_a_label_reaches_the_order_before_its_round(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No round begins until the head was seen."""
    held, due, heads = threading.Event(), Rounds.due, HeadReader()
    monkeypatch.setattr(Rounds, "due", lambda rounds: due(rounds) and not held.is_set())
    desk.connect(1)
    with desk.learner("one"):
        desk.snapshot(1, 0)
        held.set()
        before = desk.snapshot(1, 0)
        task = int(before.order[0])
        desk.label(1, task)

        def look() -> Head | None:
            head = heads.latest(desk.home.head(1))
            return head if head and task not in head.ids else None

        head = until(look, 60, "a head")
        assert head.belongs(desk.snapshot(1, 0).round)
        assert set(head.ids) <= set(before.order.tolist())
        held.clear()
        desk.snapshot(1, 1)


def test_projects_are_taken_up_and_let_go_while_it_runs(desk: Desk) -> None:
    with desk.learner("one") as learner:
        desk.connect(1)
        desk.connect(2)
        desk.snapshot(1, labels=0)
        desk.snapshot(2, labels=0)
        desk.home.connection(1).unlink()
        until(lambda: list(learner.projects) == [2])


def test_a_project_that_fails_says_why_and_stops_no_other(desk: Desk) -> None:
    desk.connect(1, embedder="precomputed:/nowhere.npz")
    desk.connect(2)
    with desk.learner("one"):
        desk.label(2, 1)
        desk.snapshot(2, labels=1)
        until(lambda: "nowhere.npz" in read_status(desk.home.status(1)).get("error", ""))


def test_a_round_that_fails_half_way_is_taken_up_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.connect(1)
    with desk.learner("one"):
        desk.snapshot(1, labels=0)
        failed = threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr("labelcue.rounds.write_snapshot", lambda *_: failed.set() or 1 / 0)
            desk.label(1, 1)
            assert failed.wait(120)
            until(lambda: "ZeroDivisionError" in read_status(desk.home.status(1))["error"])
        desk.label(1, 2)
        desk.snapshot(1, labels=2)


def test_a_disk_that_takes_no_words_stops_no_round(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        refused.set()
        raise StoreError("status.json cannot be written: No space left on device.", "Free disk space.")

    refused = threading.Event()
    desk.connect(1, embedder="precomputed:/nowhere.npz")
    desk.connect(2)
    with desk.learner("one"):
        desk.snapshot(2, labels=0)
        with monkeypatch.context() as patch:
            patch.setattr("labelcue.project.write_status", full)
            patch.setattr("labelcue.learner.write_status", full)
            assert refused.wait(120)
            desk.label(2, 1)
            desk.snapshot(2, labels=1)
        before = read_status(desk.home.status(2))["at"]
        until(lambda: read_status(desk.home.status(2))["at"] > before, what="words again")


def test_one_learner_a_project_and_the_next_takes_over_the_same_queue(desk: Desk) -> None:
    desk.connect(1)
    with desk.learner("one") as first:
        desk.label(1, 1)
        before = desk.snapshot(1, labels=1)
        with desk.learner("two") as second:
            assert not desk.ledger.acquire(1, "three", 60)
            assert list(first.projects) == [1]
            first.projects[1].stop.set()
            first._lost.add(1)  # as if its lease had been lost: it lets go, and either may take it up again
            desk.label(1, 2)
            after = desk.snapshot(1, labels=2)
            assert after.round.number > before.round.number
            until(lambda: len(first.projects) + len(second.projects) == 1)


def test_texts_are_read_anew_where_the_config_shows_them_another_way(desk: Desk) -> None:
    def shown(tag: str) -> str:
        return f'<View><{tag} name="t" value="$text"/><Labels name="l" toName="t"><Label value="x"/></Labels></View>'

    def read(tag: str) -> bool:
        meta = desk.home.vectors(1, embedders.resolve("tfidf-svd")) / "words" / "meta.json"
        told, found = read_status(desk.home.status(1)), desk.snapshots.latest(desk.home.snapshot(1))
        known = found is not None and found.config_sha == sha(shown(tag)) and len(found.ids) == 31
        kept = known and json.loads(meta.read_text())["reader"] == reader_of(parse_config(shown(tag)))
        return kept and (told.get("reading") or {}).get("rows") == 31

    desk.connect(1)
    desk.say(1, Kind.TASK, "task:31", task=31, data={"text": "apple <svg> iron"}, updated_at="")
    with desk.learner("one"):
        for day, tag in ((2, "Text"), (3, "HyperText")):
            config = {"label_config": shown(tag), "updated_at": f"2026-01-0{day}T00:00:00Z"}
            desk.say(1, Kind.LABEL_CONFIG, f"config:{day}", **config)
            until(lambda tag=tag: read(tag), what=f"the words of a {tag}")
        until(lambda: list(read_status(desk.home.status(1))["reading"]["problems"]) == ["31"], what="the reason")


def test_the_learner_keeps_what_admins_read_current(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.settings = desk.settings.model_copy(update={"insights_s": 0.1})
    desk.connect(1)
    for task in (1, 2, 3, 4):
        desk.label(1, task)
    with desk.learner("one"):
        desk.snapshot(1, 4)
        until(desk.home.insights(1).is_file, 180, "the insights of project 1")
    assert json.loads(desk.home.insights(1).read_text())["round"] >= 1
