"""The benchmark of selection runs, tells what it promises, and its brute force agrees with ours."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from labelcue.bench import selection
from labelcue.cli import main

PROMISED = {"dense_numpy_s", "exact_s", "exact_state_s", "herding_s", "same_picks", "peak_extra_mb"}


def test_one_object_with_a_run_for_each_setting() -> None:
    command = ["bench", "selection", "--pool", "600", "--dim", "12", "--batch", "9", "--repeats", "1", "--json"]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    figures = json.loads(result.stdout)
    assert set(figures) >= PROMISED
    assert {run["labelled"] for run in figures["runs"]} == {0, 150}
    for run in figures["runs"]:
        assert (run["same_picks"], run["same_order"], run["compared_rows"]) == (1, True, 600)
        assert run["dense_over_exact"] == pytest.approx(run["dense_numpy_s"] / run["exact_s"])
        assert run["peak_extra_mb"] > 0


def test_a_readable_table_without_herding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "PAIRS", 20_000)
    command = ["bench", "selection", "--pool", "800", "--dim", "8", "--batch", "5", "--repeats", "1", "--no-herding"]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert "5 of 800 rows" in result.stdout
    assert "100.0% the same" in result.stdout
    assert "herding" not in result.stdout


def test_a_pool_without_enough_rows_is_refused() -> None:
    result = CliRunner().invoke(main, ["bench", "selection", "--pool", "10", "--batch", "20"])
    assert result.exit_code == 1
    assert "larger pool" in result.stderr
