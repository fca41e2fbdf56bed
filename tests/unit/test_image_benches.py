"""The benchmarks of images run and tell what they promise."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from labelcue.bench import scenes
from labelcue.cli import main


def test_one_object_with_a_recall_for_each_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = scenes.load_hands()[:140]
    monkeypatch.setattr(scenes, "load_hands", lambda: hands)
    monkeypatch.setattr(scenes, "TAUGHT", 80)
    command = ["bench", "boxes", "--scenes", "40", "--repeats", "1", "--json"]
    figures = json.loads(CliRunner().invoke(main, command, catch_exceptions=False).stdout)
    assert (figures["scenes"], figures["planted"]) == (40, 2)
    for strategy in ("herding", "entropy", "random"):
        assert 0 <= figures[f"recall_{strategy}"] <= 1
        assert figures[f"times_{strategy}"] == pytest.approx(10 * figures[f"recall_{strategy}"], abs=0.01)


def test_streaming_tells_rate_memory_and_what_a_restart_asked_again() -> None:
    figures = json.loads(
        CliRunner().invoke(main, ["bench", "images", "--images", "140", "--json"], catch_exceptions=False).stdout
    )
    assert figures["asked_twice"] == 0
    assert 0 < figures["first_queue_s"] <= figures["all_s"]
    assert 0 < figures["warm_mb"] <= figures["peak_mb"]
    assert figures["rate"] > 0
