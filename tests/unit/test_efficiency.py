"""Label efficiency: the figures against values worked out by hand, the pools, and whole runs on a tiny set."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from labelcue.bench.efficiency import measure, others
from labelcue.bench.efficiency.curves import (
    area,
    crossing,
    crossings,
    geometric_mean,
    log_area,
    marks_upto,
    standard_error,
    worst,
)
from labelcue.bench.efficiency.dataset import read_set
from labelcue.bench.efficiency.measure import run
from labelcue.bench.efficiency.orders import Task, copies_in_flight, served
from labelcue.bench.efficiency.pools import draw
from labelcue.bench.efficiency.ruler import Ruler, choose_penalty
from labelcue.bench.efficiency.trials import Plan
from labelcue.cli import main
from labelcue.errors import BadRequest, ConfigError, UnknownName

MARKS = [10, 20, 30]
CLASSES, DIM = 4, 12


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    targets = rng.integers(0, CLASSES, 260)
    vectors = 0.6 * rng.standard_normal((260, DIM)) + 1.5 * np.eye(CLASSES, DIM)[targets]
    path = tmp_path / "tiny.npz"
    np.savez(path, X=vectors, y=targets, class_names=np.array(list("abcd")), split=(np.arange(260) >= 200).astype(int))
    return path


def test_marks_are_every_step_and_the_budget() -> None:
    assert marks_upto(30, 10) == [10, 20, 30]
    assert marks_upto(35, 10) == [10, 20, 30, 35]
    assert marks_upto(5, 10) == [5]


def test_areas() -> None:
    curves = np.array([[0.2, 0.4, 0.9], [0.5, 0.5, 0.5]])
    assert area(curves) == pytest.approx([0.5, 0.5])
    by_hand = (0.3 * np.log(2) + 0.65 * np.log(1.5)) / np.log(3)
    assert log_area(MARKS, curves) == pytest.approx([by_hand, 0.5])


def test_a_curve_reaches_its_own_end_whatever_the_order_of_the_sum() -> None:
    for seed in range(100):
        curves = np.sort(np.random.default_rng(seed).random((10, 3)), axis=1)
        found, _, censored = crossing(MARKS, curves, curves[:, -1])
        assert (found, censored) == (pytest.approx(30), 0)


def test_crossings_are_interpolated_and_censored() -> None:
    curves = np.array([[0.2, 0.4, 0.9], [0.5, 0.6, 0.5], [0.1, 0.2, 0.3], [0.1, 0.3, 0.3]])
    found = crossings(MARKS, curves, np.array([0.5, 0.5, 0.4, 0.3]))
    assert found[0] == pytest.approx(20 + 10 * 0.1 / 0.5)
    assert found[1] == 10
    assert np.isnan(found[2])
    assert found[3] == 20


def test_a_crossing_is_that_of_the_means_and_counts_seeds_that_never_cross() -> None:
    curves = np.array([[0.2, 0.4, 0.9], [0.2, 0.4, 0.5]])
    found, error, censored = crossing(MARKS, curves, np.array([0.6, 0.6]))
    assert found == pytest.approx(20 + 10 * 0.2 / 0.3)
    assert censored == 1
    assert error is not None
    assert error > 0
    assert crossing(MARKS, curves, np.array([0.8, 0.8])) == (None, None, 1)
    assert crossing(MARKS, curves[:1], np.array([0.4])) == (20, None, 0)


def test_seeds_are_paired_with_their_targets() -> None:
    curves = np.array([[0.2, 0.4, 0.6], [0.3, 0.5, 0.7], [0.1, 0.3, 0.5]])
    found, error, _ = crossing(MARKS, curves, curves[:, 1])
    assert (found, error) == (pytest.approx(20), pytest.approx(0, abs=1e-9))


def test_standard_errors() -> None:
    assert standard_error(np.array([1.0, 2.0, 3.0])) == pytest.approx(1 / np.sqrt(3))
    assert standard_error(np.array([1.0])) is None
    mean, error = geometric_mean([0.5, 0.125], [0.1, 0.025])
    assert mean == pytest.approx(0.25)
    assert error == pytest.approx(0.25 * 0.2 * np.sqrt(2) / 2)
    assert geometric_mean([0.5], [None]) == (pytest.approx(0.5), None)


def test_the_worst_difference_names_its_mark() -> None:
    gains = np.array([[-0.3, 0.1, 0.0], [-0.1, 0.1, -0.2]])
    assert worst(MARKS, gains) == (pytest.approx(-0.2), pytest.approx(0.1), 10)
    assert worst(MARKS, gains, 20) == (pytest.approx(-0.1), pytest.approx(0.1), 30)
    assert worst(MARKS, gains, 40) is None


def test_pools_are_cut_copied_and_disturbed_alike_for_a_seed(tiny: Path) -> None:
    data = read_set(tiny)
    asis = draw(data, "asis", 3)
    assert len(asis.said) == 160
    assert not asis.balanced
    assert draw(data, "dup_longtail", 3).vectors.tolist() == draw(data, "dup_longtail", 3).vectors.tolist()
    cut = draw(data, "longtail", 3)
    before, after = np.bincount(asis.said, minlength=CLASSES), np.bincount(cut.said, minlength=CLASSES)
    assert (after < before).sum() == 2
    assert after[after < before].tolist() == [round(0.15 * count) for count in before[after < before]]
    assert cut.balanced


def test_copies_are_near_their_originals_and_of_the_frequent_classes(tiny: Path) -> None:
    data = read_set(tiny)
    cut, both = draw(data, "longtail", 1), draw(data, "dup_longtail", 1)
    frequent = np.bincount(cut.said) > 20
    added = both.vectors[len(cut.said) :]
    assert len(added) == 10 * int(0.1 * frequent[cut.said].sum())
    assert frequent[both.said[len(cut.said) :]].all()
    nearest = np.sqrt(np.maximum(0, 2 - 2 * (added @ cut.vectors.T).max(axis=1)))
    assert nearest.max() == pytest.approx(0.01, abs=5e-4)


def test_a_noisy_pool_keeps_its_size_and_most_of_its_labels(tiny: Path) -> None:
    data = read_set(tiny)
    asis, noisy = draw(data, "asis", 2), draw(data, "noisy", 2)
    assert 0 < (asis.said != noisy.said).sum() <= 8
    assert (asis.vectors != noisy.vectors).any(axis=1).sum() == 8
    assert np.linalg.norm(noisy.vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_ruler_in_the_span_of_the_labels_is_the_ruler_in_all_dimensions(tiny: Path) -> None:
    data = read_set(tiny)
    pool, ruler = draw(data, "asis", 0), Ruler(*_tests(tiny), CLASSES, 0.1)
    order = np.random.default_rng(0).permutation(len(pool.said))
    found = ruler.accuracies(pool, order, [5, 40, len(order)])
    assert found[-1] == pytest.approx(ruler.full_accuracy(pool), abs=0.02)
    assert found[0] < found[1]


def _tests(path: Path) -> tuple[np.ndarray, np.ndarray]:
    data = read_set(path)
    return data.test_vectors, data.test_targets


@pytest.mark.parametrize("annotators", [1, 8])
@pytest.mark.parametrize("batch", [1, 10])
def test_orders_are_repeatable_and_ask_for_nothing_twice(tiny: Path, batch: int, annotators: int) -> None:
    data = read_set(tiny)
    task = Task(draw(data, "asis", 1), data.classes, budget=30, batch=batch, seed=1)
    order = served(task, "herding", annotators)
    assert len(set(order.tolist())) == 30
    assert order.tolist() == served(task, "herding", annotators).tolist()


def test_copies_in_flight_are_those_held_at_once(tiny: Path) -> None:
    pool = draw(read_set(tiny), "duplicated", 0)
    first = len(pool.said) - 1
    order = np.array([first, 0, 1, first - 1, 2])
    assert copies_in_flight(pool, order, 1) == 0
    assert copies_in_flight(pool, order, 3) == 0
    assert copies_in_flight(pool, order, 4) == 1


def test_a_run_has_the_promised_form_and_resumes(tiny: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    plan = Plan(("herding",), ("asis", "dup_longtail"), seeds=2, budget=40)
    found = run([tiny], plan, kept)
    assert list(found["sets"]) == ["tiny", "tiny:dup_longtail"]
    figures = found["sets"]["tiny"]["strategies"]
    assert list(figures) == ["random", "herding"]
    promised = {"aubc", "aubc_sem", "aubc_log", "labels_to_match_random", "labels_to_90", "labels_to_95"}
    assert promised | {"worst_vs_random"} <= set(figures["herding"])
    assert figures["random"]["worst_vs_random"] == 0
    assert found["summary"]["asis"]["herding"]["aubc_vs_margin"] is None
    before = kept.read_text()
    assert run([tiny], plan, kept) == found
    assert kept.read_text() == before
    more = run([tiny], Plan(("herding", "margin"), ("asis",), seeds=2, budget=40), kept)
    assert more["sets"]["tiny"]["strategies"]["herding"] == figures["herding"]


def test_heads_of_other_penalties_are_runs_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 600)
    vectors = rng.standard_normal((600, 5)) + 0.6 * np.where(targets, 1, -1)[:, None]
    path = tmp_path / "noisy.npz"
    np.savez(path, X=vectors, y=targets, class_names=np.array(["a", "b"]), split=(np.arange(600) >= 500).astype(int))
    kept = tmp_path / "kept.json"
    plans = [Plan(("random",), seeds=1, budget=60, penalty=penalty) for penalty in ("pool", "hundred")]
    pool, hundred = (run([path], plan, kept) for plan in plans)
    assert (pool["protocol"]["penalty"], hundred["protocol"]["penalty"]) == ("pool", "hundred")
    assert choose_penalty(read_set(path), "pool") != choose_penalty(read_set(path), "hundred")
    curves = [one["sets"]["noisy"]["strategies"]["random"]["curve"] for one in (pool, hundred)]
    assert curves[0] != curves[1]
    assert run([path], plans[0], kept) == pool


def test_several_annotators_are_measured_against_one(tiny: Path) -> None:
    found = run([tiny], Plan(("herding",), ("duplicated",), seeds=2, budget=40, batch=1, annotators=8))
    figures = found["sets"]["tiny:duplicated"]["strategies"]
    crowd = figures["herding"]["annotators"]["8"]
    assert crowd["area_lost"] == pytest.approx(1 - crowd["aubc"] / figures["herding"]["aubc"])
    assert crowd["area_lost"] != 0
    assert crowd["near_duplicates_in_flight"] == 0
    assert figures["random"]["annotators"]["8"]["area_lost"] == 0
    assert figures["random"]["annotators"]["8"]["near_duplicates_in_flight"] > 0


@pytest.mark.slow
def test_processes_find_what_one_finds(tiny: Path) -> None:
    plan = Plan(("margin",), ("asis", "noisy"), seeds=2, budget=20)
    alone, spread = run([tiny], plan), run([tiny], plan, jobs=2)
    for name, found in alone["sets"].items():
        assert found["strategies"]["margin"]["curve"] == spread["sets"][name]["strategies"]["margin"]["curve"]


def test_a_picture_is_drawn(tiny: Path, tmp_path: Path) -> None:
    plan, picture = Plan(("margin",), ("asis", "longtail"), seeds=2, budget=20), tmp_path / "curves.png"
    run([tiny], plan, picture=picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BadRequest, match="no folder"):
        run([tiny], plan, picture=tmp_path / "none" / "curves.png")
    with pytest.raises(BadRequest, match="cannot be written"):
        run([tiny], plan, picture=tmp_path)


def test_peers_are_named_or_their_extra_is(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="no-such"):
        run([tiny], Plan(("skactiveml:no-such",)))
    monkeypatch.setitem(sys.modules, "skactiveml", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        run([tiny], Plan(("skactiveml:badge",)))
    assert "bench-peers" in caught.value.remedy


def test_a_peer_that_needs_too_much_memory_is_left_out_and_said_so(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "check_other", lambda name: None)
    monkeypatch.setattr(others, "MOST_BYTES", 1e3)
    found = run([tiny], Plan(("skactiveml:maxherding",), seeds=1, budget=20))
    assert "skactiveml:maxherding needs about" in found["sets"]["tiny"]["skipped"]["skactiveml:maxherding"]
    assert list(found["sets"]["tiny"]["strategies"]) == ["random"]


@pytest.mark.parametrize("peer", list(others.KINDS))
@pytest.mark.filterwarnings("ignore")
def test_peers_order_like_ours(tiny: Path, peer: str) -> None:
    pytest.importorskip("skactiveml")
    data = read_set(tiny)
    task = Task(draw(data, "asis", 1), data.classes, budget=30, batch=10, seed=1)
    order = served(task, f"skactiveml:{peer}", annotators=4)
    assert len(set(order.tolist())) == 30
    assert order.tolist() == served(task, f"skactiveml:{peer}", annotators=4).tolist()


def test_the_command_prints_one_object_or_tables(tiny: Path) -> None:
    arguments = ["bench", "efficiency", "--data", str(tiny), "--strategies", "margin", "--seeds", "1", "--budget", "20"]
    told = CliRunner().invoke(main, [*arguments, "--json"])
    assert told.exit_code == 0, told.output
    assert set(json.loads(told.stdout)["sets"]["tiny"]["strategies"]) == {"random", "margin"}
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    assert {"margin", "area", "tiny", "asis"} <= set(shown.stdout.replace(",", " ").split())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"X": np.full((260, 3), np.nan)}, "NaN"),
        ({"X": np.zeros((260, 3))}, "zero"),
        ({"X": np.zeros(3)}, "X is"),
        ({"y": np.zeros(3, dtype=int)}, "y is"),
        ({"y": np.full(260, 9)}, "y runs"),
        ({"split": np.zeros(260, dtype=int)}, "split holds"),
        ({"class_names": np.array(["a", "a", "b", "c"])}, "class_names"),
        ({"class_names": np.array(["a", {}], dtype=object)}, "cannot be read"),
        ({"y": np.zeros(260, dtype=int)}, "single class"),
    ],
)
def test_a_bad_set_is_named_with_reason_and_remedy(
    tiny: Path, tmp_path: Path, change: dict[str, np.ndarray], reason: str
) -> None:
    with np.load(tiny) as archive:
        arrays = {key: archive[key] for key in archive.files}
    path = tmp_path / "bad.npz"
    np.savez(path, **(arrays | change))
    with pytest.raises(BadRequest, match=reason) as caught:
        read_set(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_other_bad_input(tiny: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    part = tmp_path / "part.npz"
    np.savez(part, X=np.ones((2, 2)))
    for path, reason in ((tmp_path / "none.npz", "no file"), (text, "cannot be read"), (part, "has no y")):
        with pytest.raises(BadRequest, match=reason):
            run([path], Plan(("random",)))
    with pytest.raises(BadRequest, match="Several files"):
        run([tiny, tiny], Plan(("random",)))
    with pytest.raises(BadRequest, match="--budget 160"):
        run([tiny], Plan(("random",), seeds=1, budget=170))
    with pytest.raises(BadRequest, match="no pool called"):
        run([tiny], Plan(("random",), ("odd",)))
    with pytest.raises(UnknownName):
        run([tiny], Plan(("no-such",)))
    with pytest.raises(BadRequest, match="kept runs"):
        run([tiny], Plan(("random",)), part)
