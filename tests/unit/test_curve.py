"""The learning curve: what is compared, and that it is compared fairly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelcue.demo import curve
from labelcue.demo.curve import Bench, Curves, measure, replay, standard_error
from labelcue.demo.picture import draw


@pytest.fixture(scope="module")
def bench() -> Bench:
    """Two classes, one of them rare, on the sphere."""
    rng = np.random.default_rng(0)
    targets = (rng.random(240) < 0.3).astype(np.int64)
    vectors = rng.normal(size=(240, 8)) + 1.5 * np.eye(8)[targets]
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Bench(unit[:160], targets[:160], unit[160:], targets[160:], ("ham", "spam"))


def test_accuracy_grows_from_the_majority_class_on(bench: Bench) -> None:
    ham = np.flatnonzero(bench.targets == 0)
    assert bench.majority == (bench.held_out_targets == 0).mean()
    assert bench.accuracy(ham[:3]) == pytest.approx(bench.majority, abs=0.03)
    assert bench.accuracy(np.arange(160)) > bench.majority + 0.05


def test_accuracy_depends_on_the_set_alone(bench: Bench) -> None:
    rows = np.random.default_rng(1).permutation(160)[:40]
    assert bench.accuracy(rows) == bench.accuracy(rows[::-1])


def test_a_replay_is_repeatable_and_asks_for_nothing_twice(bench: Bench) -> None:
    share = np.arange(20, 140)
    order = replay(bench, share, 30, seed=3)
    assert len(set(order.tolist())) == 30
    assert set(order.tolist()) <= set(share.tolist())
    assert order.tolist() == replay(bench, share, 30, seed=3).tolist()


def test_a_share_that_is_smaller_than_the_labels_is_used_up(bench: Bench) -> None:
    assert sorted(replay(bench, np.arange(12), 30, seed=0).tolist()) == list(range(12))


def test_all_curves_have_the_same_marks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "SEEDS", 3)
    heard: list[tuple[int, int, str]] = []
    served = np.random.default_rng(2).permutation(160)[:25]
    curves = measure(bench, served, lambda done, total, what="": heard.append((done, total, what)))
    assert curves.marks == (10, 20, 25)
    assert curves.served.tolist() == bench.accuracies(served, (10, 20, 25)).tolist()
    assert curves.replayed.shape == curves.random.shape == curves.difference.shape == (3, 3)
    assert heard[0][0] == 0
    assert heard[-1][0] == heard[-1][1]


def test_when_random_order_catches_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = lambda _self, rows: min(1.0, len(rows) / 100)  # noqa: E731
    monkeypatch.setattr(Bench, "accuracy", sizes)
    orders = [np.arange(128) for _ in range(5)]
    random = np.tile([0.1, 0.2], (5, 1))
    assert curve._catch_up(bench, orders, random, (10, 20), 0.15) == (20, 20)
    assert curve._catch_up(bench, orders, random, (10, 20), 0.65) == (70, 70)
    assert curve._catch_up(bench, orders, random, (10, 20), 2.0) == (None, 120)


def test_the_standard_error_is_that_of_the_mean() -> None:
    values = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]])
    assert standard_error(values).tolist() == pytest.approx([2 / np.sqrt(3), 0.0])


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    flat = np.full((2, 2), 0.8)
    draw(Curves((10, 20), flat[0], flat + 0.05, flat, 0.7, 40, 40), tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
