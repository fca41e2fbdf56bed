"""The replays of what admins are told: small ones run whole, and the figures have their form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from labelcue.bench.insights import advice, audits, changes, forecasts
from labelcue.bench.insights.rates import Rate, mean_of
from labelcue.cli import main


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(700) % 2
    path = tmp_path_factory.mktemp("sets") / "twins.npz"
    split = (np.arange(700) >= 350).astype(int)
    vectors = 1.6 * np.eye(12)[y] + rng.standard_normal((700, 12))
    np.savez(path, X=vectors.astype(np.float32), y=y, class_names=np.array(["a", "b"]), split=split)
    return path


def _figures(*words: str) -> Any:
    told = CliRunner().invoke(main, ["bench", *words, "--json"])
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def test_every_part_is_replayed(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "REPLAYS", 20)
    monkeypatch.setattr(audits, "LABELS", (50,))
    monkeypatch.setattr(changes, "REPLAYS", 4)
    monkeypatch.setattr(forecasts, "DRAWS", 1)
    monkeypatch.setattr(forecasts, "CHANCE", 100)
    monkeypatch.setattr(forecasts, "BUDGET", 180)
    monkeypatch.setattr(forecasts, "NOW", (60,))
    monkeypatch.setattr(advice, "DRAWS", 1)
    monkeypatch.setattr(advice, "NOW", (60,))
    found = _figures("insights", "--data", str(made), "--seeds", "1")["sets"]["twins"]
    assert found["audits"]["50"]["overall"]["of"] == 20
    assert found["wrong"]["recall"]["of"] == 1
    assert found["forecasts"]["gain"]["of"] == 1
    assert found["drift"]["alarms"]["of"] == 4
    assert sum(one["of"] * one["share"] for one in found["advice"]["given"].values()) == 1
    told = CliRunner().invoke(main, ["bench", "insights", "--data", str(made), "--parts", "audits"])
    assert "50/overall" in told.output


def test_unknown_parts_are_named(made: Path) -> None:
    told = CliRunner().invoke(main, ["bench", "insights", "--data", str(made), "--parts", "luck"])
    assert told.exit_code == 1
    assert "luck" in told.output + told.stderr


def test_a_subset_is_measured_for_every_alpha(made: Path) -> None:
    found = _figures("select", "--data", str(made), "--seeds", "2")
    alphas = found["sets"]["twins"]["plain"]
    assert alphas.keys() == {"-0.5", "0", "0.5", "1"}
    assert len(alphas["0"]["accuracy"]) == len(found["kept"]) == 10
    # All is kept, whatever alpha says.
    assert len({one["accuracy"][-1] for one in alphas.values()}) == 1


def test_rates_carry_their_standard_error() -> None:
    rate = Rate()
    assert rate.as_json() == {"share": None, "sem": None, "of": 0}
    for held in (True, True, False, True):
        rate.add(held)
    assert rate.as_json() == {"share": 0.75, "sem": pytest.approx(0.2165, abs=1e-4), "of": 4}
    assert mean_of([1.0, 2.0, 3.0])["sem"] == pytest.approx(3**-0.5)
    assert mean_of([1.0])["sem"] is None
