"""Embedding from the ledger: everything once, the unreadable named, a restart goes on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from labelcue.embedders import Embedder, unit
from labelcue.errors import ConfigError
from labelcue.ingest import BATCH, Ingest
from labelcue.pool.vectors import VectorFile
from labelcue.store import open_ledger
from labelcue.types import Event, Floats, Kind, TaskId, TaskSpec
from waiting import until

SPEC = TaskSpec("label", "text", "Choices", "Text", "text", ("a", "b"), "<View/>")


class Lengths(Embedder):
    """A double: vectors from the length of the text; counts what it is asked."""

    name = "lengths"
    dim = 4  # type: ignore[assignment]

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.broken = False

    def embed(self, texts: Sequence[str]) -> Floats:
        if self.broken:
            raise ConfigError("The weights are gone.", "Install them.")
        self.seen += texts
        return unit([[len(text), 1, 2, 3] for text in texts])


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = open_ledger("memory:")
        self.embedder = Lengths()
        self.positions: dict[TaskId, int] = {}

    def tasks(self, texts: Sequence[object], start: int = 1) -> None:
        for task, text in enumerate(texts, start):
            body = {"task": task, "data": {} if text is None else {"text": text}, "updated_at": ""}
            self.positions[TaskId(task)] = self.ledger.append([Event(1, Kind.TASK, f"task:{task}:{text}", body)])

    def ingest(self) -> Ingest:
        vectors = VectorFile(self.folder, 4, embedder="lengths@1")
        ingest = Ingest(self.ledger, vectors, lambda: self.embedder, SPEC, self.folder)
        ingest.offer(self.positions)
        return ingest


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _drain(ingest: Ingest) -> None:
    while ingest.step():
        pass


def test_every_task_gets_a_row_in_the_ledgers_order(desk: Desk) -> None:
    desk.tasks([f"text {number}" for number in range(BATCH + 10)])
    ingest = desk.ingest()
    _drain(ingest)
    assert VectorFile(desk.folder, 4, embedder="lengths@1").ids.tolist() == list(range(1, BATCH + 11))
    assert ingest.progress.done == ingest.progress.total == BATCH + 10


def test_a_bad_task_is_named_and_spoils_no_batch(desk: Desk) -> None:
    desk.tasks(["one", None, "  ", ["list"], "five"])
    ingest = desk.ingest()
    _drain(ingest)
    assert VectorFile(desk.folder, 4, embedder="lengths@1").ids.tolist() == [1, 5]
    assert sorted(ingest.progress.problems) == [2, 3, 4]
    assert "text" in ingest.progress.problems[TaskId(2)]


def test_identical_text_is_embedded_once(desk: Desk) -> None:
    desk.tasks(["same"] * 5 + ["other"])
    _drain(desk.ingest())
    desk.tasks(["same"], start=7)
    _drain(desk.ingest())
    assert sorted(desk.embedder.seen) == ["other", "same"]


def test_a_restart_goes_on_where_it_stopped(desk: Desk) -> None:
    desk.tasks([f"text {number}" for number in range(2 * BATCH)])
    desk.ingest().step()
    assert len(desk.embedder.seen) == BATCH
    again = desk.ingest()
    _drain(again)
    assert len(desk.embedder.seen) == 2 * BATCH
    assert again.progress.done == 2 * BATCH
    _drain(desk.ingest())
    assert len(desk.embedder.seen) == 2 * BATCH


def test_changed_data_gets_a_new_row(desk: Desk) -> None:
    desk.tasks(["old"])
    ingest = desk.ingest()
    _drain(ingest)
    desk.tasks(["much newer"])
    ingest.offer(desk.positions)
    _drain(ingest)
    ids = VectorFile(desk.folder, 4, embedder="lengths@1").ids
    assert ids.tolist() == [1, 1]


def test_a_withdrawn_task_is_not_embedded(desk: Desk) -> None:
    desk.tasks(["one", "two"])
    ingest = desk.ingest()
    ingest.withdraw(TaskId(1))
    _drain(ingest)
    assert desk.embedder.seen == ["two"]


def test_the_thread_says_why_it_waits_and_goes_on_afterwards(desk: Desk) -> None:
    desk.tasks(["one"])
    desk.embedder.broken = True
    ingest, stop = desk.ingest(), threading.Event()
    thread = threading.Thread(target=ingest.run, args=(stop,))
    thread.start()
    until(lambda: "weights are gone" in ingest.progress.error)
    desk.embedder.broken = False
    ingest.offer({})
    until(lambda: VectorFile(desk.folder, 4, embedder="lengths@1").rows)
    stop.set()
    ingest.offer({})
    thread.join(60)
    assert not thread.is_alive()
    assert np.isfinite(VectorFile(desk.folder, 4, embedder="lengths@1").vectors).all()
