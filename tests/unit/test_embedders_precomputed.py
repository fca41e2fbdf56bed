"""precomputed: vectors by task id, or from a field of the task."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from labelcue.embedders import Embedder, embedders
from labelcue.errors import ConfigError
from labelcue.types import TaskId

VECTORS = np.array([[3, 4], [0, 2], [1, 1], [0, 0]], dtype=np.float64)
IDS = np.array([10, 20, 10, 30])
"""The later row of task 10 counts, and task 30 has no direction."""


@pytest.fixture(params=["npz", "npy"])
def by_id(request: pytest.FixtureRequest, tmp_path: Path) -> Embedder:
    if request.param == "npz":
        np.savez(tmp_path / "made.npz", vectors=VECTORS.astype(np.float32), ids=IDS)
    else:
        np.save(tmp_path / "made.npy", VECTORS.astype(np.float16))
        np.save(tmp_path / "made.ids.npy", IDS.astype(np.int32))
    return embedders.create(f"precomputed:{tmp_path / 'made'}.{request.param}")


def tasks(*ids: int) -> list[tuple[TaskId, dict[str, Any]]]:
    return [(TaskId(number), {}) for number in ids]


def test_vectors_come_by_task_id_and_scaled(by_id: Embedder) -> None:
    assert by_id.dim == 2
    embedded = by_id.embed_tasks(tasks(20, 99, 10, 30), "text")
    np.testing.assert_allclose(embedded.vectors, [[0, 1], [0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert embedded.ok == (0, 2)
    assert embedded.vectors.dtype == np.float32
    assert "no vector for task 99" in embedded.problems[TaskId(99)]
    assert "no direction" in embedded.problems[TaskId(30)]


def test_texts_alone_are_refused(by_id: Embedder) -> None:
    with pytest.raises(ConfigError, match="embeds no texts"):
        by_id.embed(["a"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no list of numbers"),
        ("1,2", "no list of numbers"),
        ([1, "2"], "no list of numbers"),
        ([True, False], "no list of numbers"),
        ([1, 2, 3], "holds 3 numbers"),
        ([0, 0.0], "no direction"),
        ([float("nan"), 1], "no direction"),
        ([float("inf"), 1], "no direction"),
        ([10**400, 1], "beyond all bounds"),
    ],
)
def test_a_field_that_holds_no_vector_is_named(value: Any, reason: str) -> None:
    embedder = embedders.create("precomputed:field=v,dim=2")
    batch = [(TaskId(1), {"v": value}), (TaskId(2), {"v": [1e308, 0]}), (TaskId(3), {"v": [1e-300, 0]})]
    embedded = embedder.embed_tasks(batch, "text")
    assert embedded.ok == (1, 2)
    assert embedded.vectors.tolist() == [[1, 0], [1, 0]]
    assert reason in embedded.problems[TaskId(1)]


@pytest.mark.parametrize(
    "source", ["", "field=v", "field=,dim=2", "field=v,dim=0", "field=v,dim=x", "field=v,dim=99999"]
)
def test_sources_that_say_too_little_are_refused(source: str) -> None:
    with pytest.raises(ConfigError, match=r"precomputed.*field=embedding,dim=384"):
        embedders.create(f"precomputed:{source}" if source else "precomputed")


@pytest.mark.parametrize(
    "arrays",
    [
        {"vectors": VECTORS},
        {"vectors": VECTORS, "ids": IDS[:2]},
        {"vectors": VECTORS[:, 0], "ids": IDS},
        {"vectors": VECTORS.astype(int), "ids": IDS},
        {"vectors": VECTORS, "ids": IDS.astype(float)},
        {"vectors": np.array([object()] * 4), "ids": IDS},
    ],
)
def test_files_of_another_kind_are_named(arrays: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "made.npz", **arrays)
    with pytest.raises(ConfigError, match=r"made\.npz"):
        _ = embedders.create(f"precomputed:{tmp_path / 'made.npz'}").dim


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("none.npz", "none.npy", "text.npz"):
        with pytest.raises(ConfigError, match=name):
            embedders.create(f"precomputed:{tmp_path / name}").embed_tasks(tasks(1), "text")


def parquet_of(folder: Path, ids: Any, vectors: Any, key: str = "id", column: str = "vector") -> Path:
    path = folder / "made.parquet"
    parquet.write_table(pyarrow.table({key: ids, column: vectors, "other": ["x"] * len(ids)}), path, row_group_size=3)
    return path


@pytest.mark.parametrize("kind", [pyarrow.float16(), pyarrow.float32(), pyarrow.float64()], ids=str)
@pytest.mark.parametrize("size", [-1, 2], ids=["lists", "lists of one length"])
def test_parquet_gives_vectors_by_task_id(tmp_path: Path, kind: Any, size: int) -> None:
    path = parquet_of(tmp_path, IDS, pyarrow.array(VECTORS.tolist(), pyarrow.list_(kind, size)))
    embedder = embedders.create(f"precomputed:{path}")
    assert embedder.dim == 2
    embedded = embedder.embed_tasks(tasks(20, 99, 10, 30), "text")
    np.testing.assert_allclose(embedded.vectors, [[0, 1], [0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert embedded.ok == (0, 2)
    assert "no vector for task 99" in embedded.problems[TaskId(99)]
    assert "no direction" in embedded.problems[TaskId(30)]


@pytest.mark.parametrize("names", [["a", "b,c", "7", "ü"], [5, 6, 7, -1]], ids=["texts", "numbers"])
def test_a_field_of_the_task_names_its_row(tmp_path: Path, names: list[Any]) -> None:
    column = pyarrow.array(names).dictionary_encode() if isinstance(names[0], str) else pyarrow.array(names)
    path = parquet_of(tmp_path, column, VECTORS.tolist(), "doc", "emb")
    embedder = embedders.create(f"precomputed:{path},id=doc,vector=emb,field=ref")
    said = [names[0], names[1], "7", 7, 7.5, None, True, "none"]
    batch = [(TaskId(number), {"ref": one}) for number, one in enumerate(said, 1)]
    embedded = embedder.embed_tasks([*batch, (TaskId(20), {})], "text")
    assert embedded.ok == (0, 1, 2, 3)
    np.testing.assert_allclose(embedded.vectors[1], [0, 1])
    assert "ref 'none'" in embedded.problems[TaskId(8)]
    assert all("names the task's vector" in embedded.problems[TaskId(number)] for number in (5, 6, 7, 20))


def test_large_parquet_files_are_read_in_parts(tmp_path: Path) -> None:
    made = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    lists = pyarrow.FixedSizeListArray.from_arrays(made.ravel(), 3)
    path = tmp_path / "large.parquet"
    parquet.write_table(pyarrow.table({"id": np.arange(20_000), "vector": lists}), path)
    embedded = embedders.create(f"precomputed:{path}").embed_tasks(tasks(0, 8_191, 8_192, 19_999), "text")
    want = made[[0, 8_191, 8_192, 19_999]]
    np.testing.assert_allclose(embedded.vectors, want / np.linalg.norm(want, axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(
    ("ids", "vectors", "why"),
    [
        (IDS, [[1.0, 2.0], [1.0], [1.0, 2.0], [1.0, 2.0]], "1, 2 dimensions"),
        (IDS, [[1.0, 2.0]] * 3 + [[1.0]], "dimensions"),
        (IDS, [[]] * 4, "null"),
        (IDS, pyarrow.array([[]] * 4, pyarrow.list_(pyarrow.float32())), "0 dimensions"),
        (IDS, [[1.0, 2.0], None, [1.0, 2.0], [1.0, 2.0]], "Row 1 of .* has no 'vector'"),
        ([1, 2, 3, None], VECTORS.tolist(), "Row 3 of .* has no 'id'"),
        (IDS, [1.0] * 4, "lists of floats"),
        (IDS, [[1, 2]] * 4, "lists of floats"),
        (IDS, [["a"]] * 4, "lists of floats"),
        ([1.5] * 4, VECTORS.tolist(), "whole numbers or texts"),
        (["a"] * 4, VECTORS.tolist(), "no task ids.*field="),
        (IDS[:0], pyarrow.array([], pyarrow.list_(pyarrow.float32())), "no rows"),
    ],
)
def test_parquet_of_another_kind_is_named(tmp_path: Path, ids: Any, vectors: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        _ = embedders.create(f"precomputed:{parquet_of(tmp_path, ids, vectors)}").dim


def test_columns_that_are_not_there_and_files_that_are_none_are_named(tmp_path: Path) -> None:
    path = parquet_of(tmp_path, IDS, VECTORS.tolist())
    for asked, why in (
        (f"{path},id=doc", "no column 'doc'; it has 'id', 'vector', 'other'"),
        (f"{path},vector=emb", r"no column 'emb'.*vector=<column>"),
        (f"{tmp_path / 'none.parquet'}", "none.parquet"),
        (f"{Path(__file__)}.parquet", "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=why):
            _ = embedders.create(f"precomputed:{asked}").dim
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ConfigError, match=r"text\.parquet cannot be read"):
        _ = embedders.create(f"precomputed:{tmp_path / 'text.parquet'}").dim
    for asked in (f"{path},id=", "v.npz,id=doc", "v.npy,field=doc"):
        with pytest.raises(ConfigError, match="Parquet files alone"):
            embedders.create(f"precomputed:{asked}")


def test_without_pyarrow_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet_of(tmp_path, IDS, VECTORS.tolist())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"labelcue\[parquet\]"):
        _ = embedders.create(f"precomputed:{path}").dim
