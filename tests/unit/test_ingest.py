"""Embedding from the ledger: everything once, the unreadable named, a restart goes on."""

from __future__ import annotations

import base64
import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue.embedders import Embedder, embedders, unit
from labelcue.errors import ConfigError, LabelStudioDown
from labelcue.ingest import BATCH, Ingest
from labelcue.pool.vectors import VectorFile
from labelcue.store import open_ledger
from labelcue.types import Event, Floats, Kind, TaskId, TaskSpec
from picturing import as_file, close_media, gradient, media_of_nobody
from waiting import until

__all__ = ["close_media"]  # the fixture
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


class Away:
    """Media of a Label Studio that is gone, and comes back."""

    def __init__(self) -> None:
        self.gone = True

    def each(self, wanted: Any, use: Any) -> Iterator[Any]:
        if self.gone:
            raise LabelStudioDown("Label Studio is gone.")
        yield from media_of_nobody().each(wanted, use)


def test_images_wait_while_label_studio_is_gone_and_then_go_on(tmp_path: Path) -> None:
    desk, away = Desk(tmp_path), Away()
    good = "data:;base64," + base64.b64encode(as_file(gradient())).decode()
    desk.tasks([good, "file:///etc/passwd", "data:,junk", good])
    spec = dataclasses.replace(SPEC, object="Image")
    vectors = VectorFile(tmp_path, 1280, embedder="efficientnet-lite0@1")
    ingest = Ingest(desk.ledger, vectors, lambda: embedders.create("efficientnet-lite0"), spec, tmp_path, away)
    ingest.offer(desk.positions)
    with pytest.raises(LabelStudioDown):
        ingest.step()
    assert (ingest.progress.done, ingest.progress.problems) == (0, {})
    away.gone = False
    _drain(ingest)
    assert VectorFile(tmp_path, 1280, embedder="efficientnet-lite0@1").ids.tolist() == [1, 4]
    assert sorted(ingest.progress.problems) == [2, 3]


def test_an_embedder_that_does_not_suit_the_label_config_is_named(desk: Desk) -> None:
    desk.tasks(["http://image"])
    vectors = VectorFile(desk.folder, 4, embedder="lengths@1")
    spec = dataclasses.replace(SPEC, object="Image")
    ingest = Ingest(desk.ledger, vectors, lambda: desk.embedder, spec, desk.folder)
    ingest.offer(desk.positions)
    with pytest.raises(ConfigError, match="reads text, and the label config shows Image"):
        ingest.step()


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
