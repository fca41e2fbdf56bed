"""Spans in the learner and the service: read beside the vectors, learned by rounds, predicted as regions."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from deskwork import HOLDER, PROJECT, TWO, Desk, same
from labelcue.delivery.content import predictions as frontier
from labelcue.embedders.words import NAME, WIDTH, WordReader
from labelcue.errors import TaskUnreadable
from labelcue.exports.predictions import predictions
from labelcue.labels.spans import spans_of
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.pool.token_file import TokenFile
from labelcue.queueing.settings import QueueSettings
from labelcue.reading import Reading
from labelcue.rounds import Rounds
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import write_snapshot
from labelcue.studying import study
from labelcue.types import Kind, TaskId
from servicing import BASIC, client_of, connect
from waiting import until

XML = (
    '<View><Text name="text" value="$text"/><Labels name="label" toName="text">'
    '<Label value="person"/><Label value="money"/></Labels></View>'
)
SPEC = parse_config(XML)
NAMES = ("Ann Lee", "Bob Ray", "Eva Kim", "Zoë Day", "Tom Fox", "Ida Low")
VERBS = ("paid", "owes", "lost", "sent", "wants")


def text_and_spans(task: int) -> tuple[str, set[tuple[int, int, str]]]:
    """One of some hundred sentences, its offsets moved by a sign that JavaScript counts as two."""
    name, verb = NAMES[task % len(NAMES)], VERBS[task % len(VERBS)]
    money = f"${task % 89 + 2}" if task % 3 else ""
    text = f"😀 Today {name} {verb} {money or 'nothing'} in town.\r\n"
    spans = {(text.index(name), text.index(name) + len(name), "person")}
    if money:
        spans.add((text.index(money), text.index(money) + len(money), "money"))
    return text, spans


class Marking(Desk):
    """A desk whose annotators mark spans."""

    def __init__(self, folder: Path, tasks: int = 41) -> None:
        self.reader, self.tasks = WordReader(threads=1), tasks
        self.tokens = TokenFile(folder / "words", NAME, WIDTH)
        super().__init__(folder, "herding")

    def config(self, xml: str) -> None:
        super().config(XML if xml == TWO else xml)

    def add(self, start: int, stop: int) -> None:
        stop = min(stop, start + self.tasks - 1)
        for task in range(start, stop):
            self.say(Kind.TASK, f"task:{task}:0", task=task, data={"text": text_and_spans(task)[0]}, updated_at="")
        digests = [f"{task:016}".encode() for task in range(start, stop)]
        self.vectors.append([TaskId(task) for task in range(start, stop)], self.made[start:stop], digests)

    def learner(self) -> Rounds:
        rounds = Rounds(
            self.ledger,
            PROJECT,
            self.vectors,
            self.folder / "round.safetensors",
            holder=HOLDER,
            embedder="test@1",
            base=QueueSettings(strategy=self.strategy, audit=0),
            head=50,
            clock=lambda: 0.0,
            tokens=self.tokens,
        )
        assert self.ledger.acquire(PROJECT, HOLDER, 1e6)
        self.reading = Reading(self.ledger, self.vectors, self.tokens, self.position, lambda: SPEC, lambda: self.reader)
        return rounds

    def position(self, task: TaskId) -> int | None:
        state = self.rounds.fold.tasks.get(task)
        return None if state is None else state.position

    def read(self) -> None:
        self.rounds.due()
        while self.reading.step():
            pass

    def label(self, task: int, label: str | None = None, user: int = 1, cancelled: bool = False) -> int:
        now, number = self.time(), 1000 * user + task
        regions = [
            {"from_name": "label", "to_name": "text", "type": "labels", "value": {"start": a, "end": b, "labels": [c]}}
            for a, b, c in text_and_spans(task)[1]
        ]
        body = {"annotation": number, "task": task, "user": user, "updated_at": now, "cancelled": cancelled}
        self.say(Kind.ANNOTATION, f"annotation:{number}:{now}", **body, result=regions)
        return number


@pytest.fixture
def desk(tmp_path: Path) -> Marking:
    return Marking(tmp_path)


def right(snapshot: Snapshot) -> float:
    """Share of the queue whose predicted spans are exact."""
    told = [(int(task), snapshot.of(TaskId(int(task)))) for task in snapshot.order]
    return float(np.mean([one is not None and one.answer == text_and_spans(task)[1] for task, one in told]))


def test_rounds_wait_for_the_words_and_learn_spans(desk: Marking) -> None:
    assert not desk.rounds.due()
    desk.read()
    assert desk.tokens.rows == 40
    assert desk.work(0).round.surrogate == "tagger@1"
    snapshot = desk.work(14)
    assert snapshot.trained
    assert right(snapshot) > 0.7
    assert any("characters" in reason or "expects" in reason for reason in snapshot.reasons)
    assert snapshot.kind == {"name": "spans"}


@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_a_restart_gives_the_same_bits(desk: Marking, snapshot: bool) -> None:
    desk.read()
    before = desk.work(5)
    desk.tokens = TokenFile(desk.folder / "words", NAME, WIDTH)
    desk.restart(snapshot=snapshot)
    same(before, desk.rounds.snapshot)
    assert desk.rounds.snapshot is not None
    np.testing.assert_array_equal(before.found, desk.rounds.snapshot.found)
    np.testing.assert_array_equal(before.extra, desk.rounds.snapshot.extra)
    assert not desk.rounds.due()


def test_words_that_were_lost_are_read_again(desk: Marking) -> None:
    desk.read()
    before = desk.work(4)
    desk.tokens = TokenFile(desk.folder / "elsewhere", NAME, WIDTH)
    desk.restart()
    assert not desk.rounds.due()
    desk.read()
    assert desk.rounds.due()
    after = desk.rounds.run()
    assert after.round.number == before.round.number + 1
    assert after.labelled == 4


def test_tasks_that_come_later_or_go_are_read_and_left_out(desk: Marking) -> None:
    desk.read()
    desk.work(4)
    desk.add(41, 61)
    desk.say(Kind.TASK_DELETED, "deleted:50", task=50)
    desk.read()
    snapshot = desk.work(1)
    assert len(snapshot.ids) == 59
    assert len(desk.tokens.tokens.of_rows(np.array([49])).states) == 0


def test_a_config_that_asks_for_spans_later_finds_the_tasks_there(desk: Marking) -> None:
    desk.rounds.due()
    choices = TWO.replace("ham", "a")
    desk.config(choices)
    assert desk.work(0).round.surrogate == "logistic@1"
    desk.config(XML)
    assert not desk.rounds.due()
    desk.read()
    assert desk.work(0).round.surrogate == "tagger@1"
    desk.config(choices)
    assert desk.work(0).round.surrogate == "logistic@1"


def test_a_thread_reads_what_comes(desk: Marking) -> None:
    stop = threading.Event()
    desk.rounds.due()
    thread = threading.Thread(target=desk.reading.run, args=(stop,))
    thread.start()
    try:
        until(lambda: desk.reading.idle)
        desk.add(41, 51)
        desk.rounds.due()
        until(lambda: desk.tokens.rows == 50)
    finally:
        stop.set()
        thread.join()
    assert desk.reading.error == ""


def served(tmp_path: Path, desk: Marking) -> tuple[Any, Snapshot]:
    desk.read()
    snapshot = desk.work(14)
    connect(tmp_path, PROJECT)
    write_snapshot(Home(tmp_path).snapshot(PROJECT), snapshot)
    return client_of(tmp_path, predict_embed_s=60), snapshot


def test_predict_answers_regions_for_tasks_known_and_new(tmp_path: Path, desk: Marking) -> None:
    client, snapshot = served(tmp_path, desk)
    tasks = [{"id": task, "data": {"text": text_and_spans(task)[0]}} for task in (int(snapshot.order[0]), 900, 901)]
    tasks += [{"id": 902, "data": {"text": ""}}, {"id": 903}, {"id": 904, "data": {"other": 1}}]
    body = {"tasks": tasks, "project": f"{PROJECT}.1", "label_config": XML, "params": None}
    results = client.post("/predict", json=body, headers=BASIC).get_json()["results"]
    assert len(results) == len(tasks)
    for one in results[3:]:
        assert (one["result"], bool(one["reason"])) == ([], True)
    for task, one in zip(tasks[:3], results, strict=False):
        assert LabelInterface(XML).validate_prediction(one, return_errors=True) == []
        assert all(0 < region["score"] <= 1 for region in one["result"])
        found = spans_of(label_of(SPEC, one["result"]) or frozenset())
        text = str(task["data"]["text"])  # type: ignore[index]
        assert found
        assert all(text[start:end].strip() == text[start:end] for start, end, _ in found)
    fewer = XML.replace('<Label value="money"/>', "")
    results = client.post("/predict", json={**body, "label_config": fewer}, headers=BASIC).get_json()["results"]
    assert {name for one in results for region in one["result"] for name in region["value"]["labels"]} == {"person"}


def test_the_frontier_and_the_export_have_the_spans(tmp_path: Path, desk: Marking) -> None:
    _, snapshot = served(tmp_path, desk)
    tasks = [TaskId(int(task)) for task in snapshot.order[:10]]
    made = frontier(snapshot, tasks, "v", SPEC, 0.0)
    assert sum(len(one["result"]) for one in made) >= 10
    ids = [region["id"] for one in made for region in one["result"]]
    assert len(ids) == len(set(ids))
    rows = {row["task"]: row for row in predictions(snapshot)}
    for one in made:
        assert len(rows[one["task"]]["label"]) == len(one["result"])
        assert set(rows[one["task"]]["probabilities"]) == {"person", "money"}
    standing = snapshot.of(tasks[0])
    assert standing is not None
    assert len(standing.each) == len(standing.answer or ())  # type: ignore[arg-type]


def test_insights_tell_of_spans(tmp_path: Path, desk: Marking) -> None:
    _, snapshot = served(tmp_path, desk)
    home = Home(tmp_path)
    vectors = home.vectors(PROJECT, snapshot.round.embedder)
    vectors.mkdir(parents=True)
    for path in (desk.folder / "vectors").iterdir():
        (vectors / path.name).symlink_to(path)
    (vectors / "words").symlink_to(desk.folder / "words")
    found = study(home, desk.ledger, PROJECT, lambda *_: None)
    assert (found.tasks, found.labelled, found.annotations) == (len(snapshot.ids), 14, 14)
    assert (found.kind, found.measure, found.audit.missing) == ("spans", "F1 of spans", 50)
    assert (found.errors.looked_at, found.agreement.shared) == (14, 0)
    assert found.as_json()["coverage"]


def test_annotations_are_read_as_label_studio_gives_them() -> None:
    def region(start: Any, end: Any, *labels: Any) -> dict[str, Any]:
        value = {"start": start, "end": end, "text": "any", "labels": list(labels)}
        return {"from_name": "label", "to_name": "text", "type": "labels", "value": value, "origin": "manual"}

    assert label_of(SPEC, []) == frozenset()
    assert label_of(SPEC, [region(0, 3, "person"), region(1, 9, "money", "person"), region(4, 5)]) == {
        (0, 3, "person"),
        (1, 9, "money"),
        (1, 9, "person"),
    }
    for bad in (region(3, 3, "person"), region("0", 3, "person"), region(None, 3, "person"), region(0, 3, "pet")):
        with pytest.raises(Exception, match="'label'"):
            label_of(SPEC, [bad])


def test_regions_of_a_page_are_read_as_the_editor_counted_them() -> None:
    spec = parse_config(XML.replace("<Text", "<HyperText"))
    paths = {"start": "/p[1]/text()[1]", "startOffset": 3, "end": "/p[2]/text()[1]", "endOffset": 1}

    def region(**value: Any) -> list[dict[str, Any]]:
        return [{"from_name": "label", "to_name": "text", "type": "labels", "value": {**value, "labels": ["person"]}}]

    counted = {"globalOffsets": {"start": 4, "end": 9}}
    assert label_of(spec, region(**paths, **counted)) == {(4, 9, "person")}
    assert label_of(spec, region(start=2, end=5)) == {(2, 5, "person")}
    for bad in (paths, {**paths, "globalOffsets": {"start": 4}}, {**paths, "globalOffsets": None}):
        with pytest.raises(TaskUnreadable, match="globalOffsets"):
            label_of(spec, region(**bad))
