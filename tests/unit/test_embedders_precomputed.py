"""precomputed: vectors by task id, or from a field of the task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
