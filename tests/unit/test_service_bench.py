"""The benchmark of the service runs, and tells what it promises."""

from __future__ import annotations

import pytest

from labelcue.bench.service import run


@pytest.mark.slow
def test_it_measures_while_training() -> None:
    figures = run(seconds=1, rate=20, tasks=300, dim=16)
    assert {"ack_p50_ms", "ack_p99_ms", "ack_max_ms", "events_per_s", "predict_100_ms"} <= set(figures)
    assert 0 < figures["ack_p50_ms"] <= figures["ack_p99_ms"] <= figures["ack_max_ms"]
    assert figures["events"] == 20
    assert figures["rounds"] > 0
