"""A subset by a surrogate that was trained elsewhere: chances, weights, and files in and out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from labelcue.cli import main
from labelcue.errors import BadRequest
from labelcue.insights.selecting import chances, select


def _likely(n: int = 2000) -> np.ndarray:
    second = np.random.default_rng(0).random(n).astype(np.float32)
    return np.column_stack([1 - second, second])


def test_chances_are_those_of_the_paper() -> None:
    likely = _likely().astype(np.float64)
    score = np.power(likely[:, 0] * likely[:, 1], 0.5)
    chance = chances(score, 600)
    assert chance.sum() == pytest.approx(600)
    free = chance < 1
    assert np.ptp(chance[free] / score[free]) < 1e-9
    assert chances(score, len(score)) == pytest.approx(np.ones(len(score)))
    assert chances(np.ones(10), 3) == pytest.approx(np.full(10, 0.3))


@pytest.mark.parametrize("alpha", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_as_many_are_kept_as_may_be_labelled_and_alpha_says_which(alpha: float) -> None:
    likely = _likely()
    found = select(likely, 0.3, alpha, "plain", np.random.default_rng(1))
    assert len(found.rows) == pytest.approx(600, abs=70)
    assert (found.weight == 1).all()
    hard = likely[:, 0] * likely[:, 1]
    gain = hard[found.rows].mean() - hard.mean()
    assert gain == pytest.approx(0, abs=0.006) if alpha == 0 else np.sign(gain) == np.sign(alpha)


def test_unbiased_weights_bring_back_the_whole() -> None:
    likely = _likely()
    sums = [select(likely, 500, 0.5, "unbiased", np.random.default_rng(seed)) for seed in range(40)]
    assert np.mean([one.weight.sum() for one in sums]) == pytest.approx(2000, rel=0.03)
    assert all((one.weight == 1 / one.chance[one.rows]).all() for one in sums)


@pytest.mark.parametrize(
    ("budget", "alpha", "scheme"), [(0, 0.5, "plain"), (3000, 0.5, "plain"), (0.3, np.nan, "plain"), (0.3, 0.5, "fair")]
)
def test_what_cannot_be_is_refused(budget: float, alpha: float, scheme: str) -> None:
    with pytest.raises(BadRequest) as told:
        select(_likely(), budget, alpha, scheme, np.random.default_rng(0))
    assert told.value.remedy


def test_rows_that_are_no_probabilities_are_named() -> None:
    likely = _likely(10)
    likely[[3, 5]] = [0.9, 0.9]
    likely[7, 0] = np.nan
    with pytest.raises(BadRequest, match="3, 5, 7"):
        select(likely, 0.5, 0.5, "plain", np.random.default_rng(0))


def _run(*words: str) -> str:
    told = CliRunner().invoke(main, ["select", *words])
    assert told.exit_code == 0, told.output
    return str(told.output)


def test_npz_in_and_out(tmp_path: Path) -> None:
    likely, ids = _likely(200), np.arange(200) + 1000
    np.savez(tmp_path / "in.npz", probabilities=likely, ids=ids)
    told = _run(str(tmp_path / "in.npz"), str(tmp_path / "out.npz"), "--budget", "0.3", "--scheme", "unbiased")
    with np.load(tmp_path / "out.npz") as found:
        assert (found["ids"] == ids[found["rows"]]).all()
        assert found["weight"] == pytest.approx(1 / found["selection_probability"])
        assert found["all_probabilities"].sum() == pytest.approx(60)
        assert f"Kept {len(found['rows'])} of 200" in told
    score = np.log(likely[:, 1] / likely[:, 0])[:, None]
    np.savez(tmp_path / "head.npz", X=score, weights=np.array([[0.0], [1.0]]), bias=np.zeros(2), ids=ids)
    _run(str(tmp_path / "head.npz"), str(tmp_path / "same.npz"), "--budget", "0.3", "--scheme", "unbiased")
    with np.load(tmp_path / "out.npz") as one, np.load(tmp_path / "same.npz") as two:
        assert one["rows"].tolist() == two["rows"].tolist()


def test_csv_keeps_its_columns_and_gains_two(tmp_path: Path) -> None:
    likely = _likely(50)
    with (tmp_path / "in.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["name", "p_ham", "p_spam", "text"])
        out.writerows([f"n{row}", *one, "a, b\nc"] for row, one in enumerate(likely.tolist()))
    _run(str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--budget", "20", "--alpha", "0")
    with (tmp_path / "out.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["name", "p_ham", "p_spam", "text", "selection_probability", "weight"]
    assert {line["text"] for line in lines} == {"a, b\nc"}
    assert {line["selection_probability"] for line in lines} == {repr(float(lines[0]["selection_probability"]))}
    assert float(lines[0]["selection_probability"]) == pytest.approx(0.4)


def test_parquet_in_and_out(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    likely = _likely(50)
    table = pyarrow.table({"name": [str(row) for row in range(50)], "p_a": likely[:, 0], "p_b": likely[:, 1]})
    parquet.write_table(table, tmp_path / "in.parquet")
    _run(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), "--budget", "0.5")
    found = parquet.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["name", "p_a", "p_b", "selection_probability", "weight"]
    assert 10 < found.num_rows < 40


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("in.txt", b"", "of no kind"),
        ("in.npz", b"nonsense", "cannot be read"),
        ("in.csv", b"a,b\n1,2\n", "none is called p_"),
        ("in.csv", b"p_a,p_b\n1,x\n", "no number"),
        ("in.csv", b"p_a,p_b\n1\n", "no number"),
        ("in.csv", b"", "no columns"),
        ("in.csv", b"p_a,p_b\n", "shape"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_a_remedy(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    told = CliRunner().invoke(main, ["select", str(source), str(tmp_path / f"out{source.suffix}"), "--budget", "0.5"])
    assert told.exit_code == 1
    shown = " ".join(told.output.split()) + " ".join(told.stderr.split())
    assert words in shown
    assert "Remedy:" in shown
    assert not (tmp_path / f"out{source.suffix}").exists()
