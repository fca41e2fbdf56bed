"""Files of labels and predictions, and named snapshots that give the same bytes for ever."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from labelcue.errors import BadRequest, ConfigError, Conflict, NotFound
from labelcue.exports import marks
from labelcue.exports.formats import written
from labelcue.exports.labelled import disagreements, labelled, selected
from labelcue.exports.predictions import predictions
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind
from servicing import XML, snapshot_of

ODD = 'Zürich, "quoted"\nnext line \ud800'
LATER = "2026-11-22T01:00:00Z"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = open_ledger("memory:")
    ledger.append([Event(1, Kind.LABEL_CONFIG, "c", {"label_config": XML, "updated_at": ""})])
    for task, text in ((3, "third"), (1, ODD), (2, "second")):
        data = {"text": text, "meta": {"source": "web", "year": 2026}}
        ledger.append([Event(1, Kind.TASK, f"t{task}", {"task": task, "data": data, "updated_at": ""})])
    annotate(ledger, 1, 7, "pos")
    annotate(ledger, 2, 7, "pos")
    annotate(ledger, 2, 8, "neg")
    yield ledger
    ledger.close()


def annotate(ledger: Ledger, task: int, user: int | None, label: str, at: str = "2026-11-21T01:00:00Z") -> None:
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    number = 10 * task + (user or 9)
    body = {"annotation": number, "task": task, "user": user, "updated_at": at, "cancelled": False, "result": [region]}
    ledger.append([Event(1, Kind.ANNOTATION, f"a{number}{label}", body)])


def text_of(rows: Any, kind: str) -> bytes:
    return b"".join(written(rows, kind))


def test_every_labelled_task_is_a_row_with_everybodys_label(ledger: Ledger) -> None:
    first, second = labelled(ledger, 1)
    assert (first["task"], first["label"], first["agreed"]) == (1, "pos", True)
    assert (second["task"], second["label"], second["agreed"]) == (2, None, False)
    assert [(one["annotator"], one["label"]) for one in second["labels"]] == [(7, "pos"), (8, "neg")]
    assert first["data"]["text"] == ODD
    annotate(ledger, 2, None, "neg")
    assert [row["label"] for row in labelled(ledger, 1)] == ["pos", "neg"]
    assert [row["task"] for row in disagreements(ledger, 1)] == [2]


def test_how_each_was_selected_comes_with_its_chance_and_its_weight(ledger: Ledger) -> None:
    annotate(ledger, 3, 7, "neg")
    for task, chance in ((1, 0.1), (3, 0.05)):
        body = {"task": task, "stream": "audit", "propensity": chance, "round": 1}
        ledger.append([Event(1, Kind.DRAW, f"draw:{task}", body)])
    rows = {row["task"]: row for row in selected(ledger, 1)}
    assert (rows[2]["stream"], rows[2]["propensity"], rows[2]["weight"]) == ("strategy", None, None)
    assert rows[1]["propensity"] == 0.1
    assert rows[3]["weight"] == pytest.approx(2 * rows[1]["weight"])
    assert rows[1]["weight"] + rows[3]["weight"] == pytest.approx(2)


def test_of_one_annotator_the_latest_label_counts(ledger: Ledger) -> None:
    annotate(ledger, 1, 7, "neg", at=LATER)
    assert next(labelled(ledger, 1))["label"] == "neg"


def test_a_project_without_labels_or_label_config_has_no_rows() -> None:
    ledger = open_ledger("memory:")
    assert list(labelled(ledger, 1)) == []
    assert text_of([], "json") == b"[]\n"
    assert text_of([], "csv") == b"\r\n"
    ledger.close()


def test_json_and_csv_come_back_as_they_went(ledger: Ledger) -> None:
    rows = list(labelled(ledger, 1))
    said = text_of(rows, "json")
    assert json.loads(said.decode("utf-8", "surrogatepass")) == rows
    assert len(said.splitlines()) == len(rows) + 2
    table = list(csv.DictReader(io.StringIO(text_of(rows, "csv").decode("utf-8", "surrogatepass"), newline="")))
    assert [row["data.text"] for row in table] == [ODD, "second"]
    assert table[0]["agreed"] == "true"
    assert table[1]["label"] == ""
    assert json.loads(table[1]["labels"]) == rows[1]["labels"]
    assert json.loads(table[0]["data.meta"]) == {"source": "web", "year": 2026}


def test_parquet_keeps_types(ledger: Ledger) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [row for row in labelled(ledger, 1) if row["task"] == 2]
    table = parquet.read_table(io.BytesIO(text_of(rows, "parquet")))
    assert table.to_pylist()[0]["task"] == 2
    assert table.to_pylist()[0]["agreed"] is False
    assert table.column_names[:3] == ["task", "label", "agreed"]


def test_parquet_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigError, match="pyarrow"):
        text_of([], "parquet")
    with pytest.raises(BadRequest, match="xml"):
        text_of([], "xml")


def test_the_bytes_of_a_labelled_set_are_these_for_ever() -> None:
    row = {
        "task": 1,
        "label": "é",
        "agreed": True,
        "labels": [{"label": "é", "annotator": None}],
        "data": {"b": 1.5, "a": None},
    }
    line = '{"agreed":true,"data":{"a":null,"b":1.5},"label":"é","labels":[{"annotator":null,"label":"é"}],"task":1}'
    assert text_of([row], "json").decode() == f"[\n{line}\n]\n"
    assert text_of([row], "csv").decode() == (
        'task,label,agreed,labels,data.a,data.b\r\n1,é,true,"[{""annotator"":null,""label"":""é""}]",,1.5\r\n'
    )


def test_a_snapshot_gives_the_same_bytes_whatever_comes_later(ledger: Ledger) -> None:
    mark = marks.make(ledger, 1, "  first   release ", "Ada")
    assert (mark.name, mark.rows, mark.by) == ("first release", 2, "Ada")
    before = text_of(labelled(ledger, 1, mark.upto), "json")
    assert hashlib.sha256(before).hexdigest() == mark.sha256
    annotate(ledger, 3, 7, "pos")
    annotate(ledger, 1, 7, "neg", at=LATER)
    ledger.append([Event(1, Kind.TASK_DELETED, "d", {"task": 2})])
    assert text_of(labelled(ledger, 1, mark.upto), "json") == before
    assert marks.verify(ledger, 1, mark)
    assert text_of(labelled(ledger, 1), "json") != before
    assert marks.marks(ledger, 1) == [mark]


def test_a_name_is_given_once(ledger: Ledger) -> None:
    first = marks.make(ledger, 1, "first", "Ada")
    with pytest.raises(Conflict, match="first"):
        marks.make(ledger, 1, "first", "Ben")
    assert marks.find(ledger, 1, "first") == first
    for name in ("", " ", "x" * 81):
        with pytest.raises(BadRequest):
            marks.make(ledger, 1, name, "Ada")
    with pytest.raises(NotFound):
        marks.find(ledger, 1, "second")


def test_the_changelog_names_every_label_that_came_went_or_changed(ledger: Ledger) -> None:
    before = marks.make(ledger, 1, "before", "Ada")
    annotate(ledger, 3, 7, "pos")
    annotate(ledger, 1, 7, "neg", at=LATER)
    ledger.append([Event(1, Kind.TASK_DELETED, "d", {"task": 2})])
    counts, found = marks.changes(ledger, 1, before.upto, ledger.position(1))
    assert counts == {"changed": 1, "gone": 1, "new": 1}
    assert [(one.task, one.was, one.now, one.change) for one in found] == [
        (1, "pos", "neg", "changed"),
        (2, None, None, "gone"),
        (3, None, "pos", "new"),
    ]
    assert marks.changes(ledger, 1, before.upto, before.upto)[0] == {}


def test_predictions_are_those_of_the_round() -> None:
    snapshot = snapshot_of([4, 9])
    rows = list(predictions(snapshot))
    assert [row["task"] for row in rows] == [4, 9]
    for row in rows:
        assert row["confidence"] == max(row["probabilities"].values())
        assert row["probabilities"][row["label"]] == row["confidence"]
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert row["version"] == "cue-3"
    untrained = next(predictions(snapshot_of([4], trained=False)))
    assert untrained["label"] is None
    assert untrained["probabilities"] == {}
    assert next(predictions(snapshot_of([4], classes=("only",))))["uncertainty"] == pytest.approx(0)
