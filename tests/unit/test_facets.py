"""By what fields a pool can be sliced."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelcue.errors import Corrupt, WrongSetting
from labelcue.queueing.checks import check_slices
from labelcue.queueing.settings import QueueSettings
from labelcue.store.facets import LONGEST, MOST, Facets, read_facets, write_facets
from labelcue.store.fold import Fold
from labelcue.types import Event, Kind, TaskId


def observed(*data: object) -> Facets:
    facets = Facets()
    for task, one in enumerate(data):
        facets.observe(TaskId(task), one)
    return facets


def test_short_values_are_counted_the_most_frequent_first() -> None:
    facets = observed({"lang": "de", "year": 1999, "new": True}, {"lang": "fr"}, {"lang": "fr", "year": None}, [], None)
    assert facets.counts() == {"lang": {"fr": 2, "de": 1}, "new": {"true": 1}, "year": {"1999": 1}}
    assert list(facets.counts()["lang"]) == ["fr", "de"]
    assert facets.of("lang") == {0: "de", 1: "fr", 2: "fr"}


def test_texts_names_and_structures_are_no_slices() -> None:
    facets = observed({"text": "x" * (LONGEST + 1), "tags": ["a"]}, *({"name": str(one)} for one in range(MOST + 1)))
    assert facets.unfit == {"text", "tags", "name"}
    assert facets.counts() == {}
    facets.observe(TaskId(9999), {"text": "short"})
    assert facets.of("text") == {}


def test_tasks_change_and_go() -> None:
    fold = Fold()
    for position, (updated, data) in enumerate([("2026-01-01", {"lang": "de"}), ("2026-01-02", {"lang": "fr"})], 1):
        body = {"task": 1, "data": data, "updated_at": updated}
        fold.apply(Event(7, Kind.TASK, f"t{position}", body, position))
    assert fold.facets.counts() == {"lang": {"fr": 1}}
    fold.apply(Event(7, Kind.TASK_DELETED, "d", {"task": 1}, 3))
    assert fold.facets.counts() == {}


def test_they_survive_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "facets.json"
    assert read_facets(path) == ({}, [])
    write_facets(path, observed({"lang": "de", "text": "x" * 200}))
    assert read_facets(path) == ({"lang": {"de": 1}}, ["text"])
    path.write_text('{"fields": 3}')
    with pytest.raises(Corrupt, match="no facets"):
        read_facets(path)


@pytest.mark.parametrize(
    ("field", "slices", "wrong", "words"),
    [
        ("text", {}, "slice_field", "too many values"),
        ("colour", {}, "slice_field", "Choose among: lang"),
        ("lang", {"en": 0.1}, "slices", "Choose among: de, fr"),
    ],
)
def test_slices_that_cannot_be_are_named(field: str, slices: dict[str, float], wrong: str, words: str) -> None:
    fields = {"lang": {"de": 2, "fr": 1}}
    with pytest.raises(WrongSetting) as refused:
        check_slices(QueueSettings(slice_field=field, slices=slices), fields, ["text"])
    assert refused.value.field == wrong
    assert words in str(refused.value)
    check_slices(QueueSettings(slice_field="lang", slices={"fr": 0.5}), fields, ["text"])
