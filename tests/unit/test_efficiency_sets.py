"""Label efficiency where an item may have several labels, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue.bench.efficiency.dataset import read_set, read_sets
from labelcue.bench.efficiency.made import MADE, made, sets_of
from labelcue.bench.efficiency.measure import run
from labelcue.bench.efficiency.orders import Task, served
from labelcue.bench.efficiency.pools import draw
from labelcue.bench.efficiency.ruler import Ruler, mean_f1
from labelcue.bench.efficiency.trials import Plan
from labelcue.errors import BadRequest

ROWS, LABELS, DIM = 240, 3, 10


def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((ROWS, DIM))
    told = (vectors[:, :LABELS] > [0.0, 0.3, 0.8]).astype(int)
    split = (np.arange(ROWS) % 4 == 0).astype(int)
    return {"X": vectors, "Y": told, "class_names": np.array(["a", "b", "c"]), "split": split}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    np.savez(tmp_path / "tiny.npz", **arrays())
    return tmp_path / "tiny.npz"


def test_the_mean_f1_is_that_of_the_labels() -> None:
    true = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
    said = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=bool)
    assert mean_f1(said, true) == pytest.approx((0.5 + 1.0) / 2)  # the third label is nowhere, and left out
    assert mean_f1(said[:, 2:], true[:, 2:]) == 1.0


def test_a_run_measures_sets_from_a_file(tiny: Path) -> None:
    found = run([tiny], Plan(("herding", "entropy"), ("asis", "duplicated"), seeds=1, budget=60, batch=20))
    for pool in ("tiny", "tiny:duplicated"):
        figures = found["sets"][pool]
        assert 0.5 < figures["full_accuracy"] <= 1
        assert set(figures["strategies"]) == {"random", "herding", "entropy"}
        assert figures["strategies"]["herding"]["curve"][-1] > 0.5


def test_orders_are_repeatable_and_ask_for_nothing_twice(tiny: Path) -> None:
    data = read_set(tiny)
    orders = [served(Task(draw(data, "asis", 0), data.classes, 40, 10, 0), "herding").tolist() for _ in range(2)]
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == 40


def test_the_ruler_in_the_span_of_the_labels_is_the_ruler_in_all_dimensions(tiny: Path) -> None:
    data = read_set(tiny)
    pool = draw(data, "asis", 0)
    ruler = Ruler(data.test_vectors, data.test_targets, LABELS, 0.1)
    every = np.arange(len(pool.said))
    assert ruler.accuracies(pool, every, [len(every)])[0] == pytest.approx(ruler.full_accuracy(pool), abs=0.02)


@pytest.mark.parametrize("name", ["digits", "topics"])
def test_made_sets_are_the_same_each_time(name: str) -> None:
    one, other = made(f"made:{name}"), made(f"made:{name}")
    assert one.sha == other.sha
    assert one.several
    assert one.targets.shape == (len(one.vectors), len(one.classes))
    assert (np.ptp(one.targets, axis=0) == 1).all()
    assert (np.ptp(one.test_targets, axis=0) == 1).all()
    np.testing.assert_allclose(np.linalg.norm(one.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Y": np.zeros((ROWS, 2), dtype=int)}, "Y is"),
        ({"Y": np.zeros(ROWS, dtype=int)}, "Y is"),
        ({"Y": np.full((ROWS, LABELS), 2)}, "Y runs"),
        ({"Y": np.zeros((ROWS, LABELS), dtype=int)}, "always or never"),
    ],
)
def test_a_bad_set_is_named_with_reason_and_remedy(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    np.savez(tmp_path / "bad.npz", **(arrays() | change))
    with pytest.raises(BadRequest, match=reason) as caught:
        read_set(tmp_path / "bad.npz")
    assert caught.value.remedy


def test_what_is_for_single_classes_is_refused(tiny: Path) -> None:
    with pytest.raises(BadRequest, match="longtail is for single classes"):
        run([tiny], Plan(("random",), ("longtail",)))
    with pytest.raises(BadRequest, match="has sets of labels"):
        read_sets([tiny])
    with pytest.raises(BadRequest, match="made:digits"):
        sets_of([Path("made:no-such")])
    assert set(MADE) == {"topics", "more-topics", "digits"}
