"""Frames, datasets and classifiers of other libraries, none of which is imported here but pandas and scikit-learn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labelcue import Cue
from labelcue.errors import BadRequest

pandas = pytest.importorskip("pandas")
PAGE = (Path(__file__).parents[2] / "backend" / "docs" / "tutorial.md").read_text()
ROWS, DIM = 120, 6


def pool() -> tuple[np.ndarray, list[str]]:
    vectors = np.random.default_rng(0).standard_normal((ROWS, DIM)).astype(np.float32)
    return vectors, ["ham" if row[0] > 0 else "spam" for row in vectors]


class Column:
    """As a Polars Series."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = list(values)

    def to_list(self) -> list[Any]:
        return list(self._values)

    def to_numpy(self) -> np.ndarray:
        return np.array(self._values, dtype=object)


class Frame:
    """As a Polars DataFrame."""

    def __init__(self, columns: dict[str, Sequence[Any]]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> Column:
        if name not in self._columns:
            raise RuntimeError(f'unable to find column "{name}"')
        return Column(self._columns[name])


class Dataset:
    """As a Hugging Face dataset, whose labels are numbers with names."""

    def __init__(self, columns: dict[str, Sequence[Any]], names: list[str]) -> None:
        self._columns, self.column_names = columns, list(columns)
        self.features = {"label": SimpleNamespace(names=names), "vector": SimpleNamespace()}

    def __getitem__(self, name: str) -> list[Any]:
        return list(self._columns[name])


def tables() -> dict[str, Any]:
    vectors, truth = pool()
    ids = [f"item {place}" for place in range(ROWS)]
    some = [label if place < 20 else None for place, label in enumerate(truth)]
    rows = [row.tolist() for row in vectors]
    numbered = [-1 if label is None else int(label == "spam") for label in some]
    return {
        "dict": {"id": ids, "vector": rows, "label": some},
        "pandas": pandas.DataFrame({"id": ids, "vector": rows, "label": some}),
        "pandas, NaN": pandas.DataFrame(
            {"id": ids, "vector": list(vectors), "label": [np.nan if one is None else one for one in some]}
        ),
        "polars": Frame({"id": ids, "vector": rows, "label": some}),
        "datasets": Dataset({"id": ids, "vector": rows, "label": numbered}, ["ham", "spam"]),
    }


@pytest.mark.parametrize("name", tables())
def test_every_table_gives_the_same_queue(name: str) -> None:
    vectors, truth = pool()
    plain = Cue(vectors, [f"item {place}" for place in range(ROWS)])
    plain.label({f"item {place}": truth[place] for place in range(20)})
    cue = Cue.from_table(tables()[name], vectors="vector", ids="id", labels="label")
    assert cue.next(10) == plain.next(10)


@pytest.mark.parametrize("what", ["array", "frame", "object array", "tensor", "list"])
def test_vectors_may_stand_beside_the_table(what: str) -> None:
    vectors = pool()[0]
    if what == "tensor":
        import torch

        given: Any = torch.from_numpy(vectors).requires_grad_()
    else:
        column = np.empty(ROWS, dtype=object)
        column[:] = list(vectors)
        given = {"array": vectors, "frame": pandas.DataFrame(vectors), "object array": column, "list": vectors.tolist()}
        given = given[what]
    cue = Cue.from_table({"id": list(range(ROWS))}, vectors=given, ids="id")
    assert cue.next(5) == Cue(vectors).next(5)


def test_texts_are_embedded_and_the_queue_is_a_frame_again() -> None:
    table = {"text": [f"{word} number {place}" for place in range(12) for word in ("cats", "dogs", "prices")]}
    cue = Cue.from_table(table, text="text", embedder="tfidf-svd")
    shown = pandas.DataFrame(cue.rank(5))
    assert list(shown["priority"]) == sorted(shown["priority"], reverse=True)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({}, "vectors or a text"),
        ({"vectors": "vector", "text": "label"}, "vectors or a text"),
        ({"vectors": "no"}, "'no'"),
        ({"vectors": "label"}, "cannot be read as numbers"),
        ({"vectors": [[1.0], [1.0, 2.0]]}, "cannot be read as numbers"),
        ({"text": "label"}, "The text of row 20 is "),
        ({"vectors": "vector", "ids": "label"}, "Ids must be"),
    ],
)
@pytest.mark.parametrize("name", ["dict", "pandas", "polars"])
def test_what_is_wrong_with_a_table_is_named(name: str, made: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(why)):
        Cue.from_table(tables()[name], **made)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(20, random_state=0, n_jobs=1),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=["logistic", "forest", "pipeline"],
)
@pytest.mark.parametrize("strategy", ["herding", "margin"])
def test_a_classifier_of_ones_own_learns_and_orders(estimator: Any, strategy: str) -> None:
    vectors, truth = pool()
    cue = Cue(vectors, surrogate=estimator, strategy=strategy)
    for _ in range(20):
        cue.label({item: truth[item] for item in cue.next(2)})
    said = cue.predict_proba(range(ROWS))
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    right = [cue.classes[place] == label for place, label in zip(said.argmax(axis=1), truth, strict=True)]
    assert np.mean(right) > 0.8
    assert not hasattr(estimator, "classes_")  # each round fits a copy
    with pytest.raises(BadRequest, match="is not saved"):
        cue.save("cue.npz")
    again = Cue(vectors, surrogate=estimator, strategy=strategy, facts=cue.facts)
    np.testing.assert_allclose(again.predict_proba(range(ROWS)), said, atol=1e-6)


def test_a_classifier_has_nothing_to_say_before_there_are_two_classes() -> None:
    vectors, truth = pool()
    cue = Cue(vectors, surrogate=LogisticRegression(), classes=["ham", "spam", "other"])
    assert {one.uncertainty for one in cue.rank(5)} == {1.0}
    ham = [item for item in range(ROWS) if truth[item] == "ham"]
    cue.label(dict.fromkeys(ham[:3], "ham"))
    assert {one.uncertainty for one in cue.rank(5)} == {1.0}
    cue.label({next(item for item in range(ROWS) if truth[item] == "spam"): "spam"})
    assert cue.predict_proba([0])[0, 2] == 0


@pytest.mark.parametrize("surrogate", [LinearRegression(), object(), 3, None])
def test_what_is_no_classifier_is_refused(surrogate: Any) -> None:
    with pytest.raises(BadRequest, match="fit and predict_proba"):
        Cue(pool()[0], surrogate=surrogate)


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
        exec(compile(block, f"tutorial.md, block {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert "hesitates" in printed or "expects" in printed
    assert names["right"] > 0.8
    assert (tmp_path / "queue.npz").is_file()
