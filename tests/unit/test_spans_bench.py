"""What measures spans: rules that find them in mails, planted errors, and figures of a small run."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from labelcue.bench.spans import measure
from labelcue.bench.spans.mails import pieces
from labelcue.bench.spans.measure import f1, plant, run
from labelcue.engine import Found


def test_rules_find_what_stands_in_mails() -> None:
    texts, spans = pieces(300)
    assert len(texts) == len(spans) == 300
    assert pieces(300) == (texts, spans)
    labels = {label for said in spans for _, _, label in said}
    assert labels == {"link", "address", "date", "amount", "name"}
    for text, said in zip(texts, spans, strict=True):
        for start, end, label in said:
            assert text[start:end].strip() == text[start:end] != ""
            assert label != "address" or "@" in text[start:end]
        ordered = sorted(said)
        assert all(one[1] <= two[0] for one, two in pairwise(ordered))


def test_planted_errors_are_wrong_and_a_tenth() -> None:
    answers = [{(0, 4, "a"), (9, 12, "b")}, {(3, 5, "b")}, set(), {(1, 2, "a")}] * 10
    out, bad = plant(answers, np.random.default_rng(0))
    assert len(bad) == 4
    assert {place for place in range(40) if out[place] != answers[place]} == bad
    assert answers[0] == {(0, 4, "a"), (9, 12, "b")}


def test_f1_counts_exact_spans() -> None:
    found = [Found(0, 4, "a", 0.9), Found(9, 12, "b", 0.6)]
    assert f1([found], [{(0, 4, "a")}]) == pytest.approx(2 / 3)


def test_a_small_run_has_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "STRATEGIES", ("random", "herding"))
    figures = run(pool=40, held_out=10, budget=20, batch=10, seeds=1)
    assert set(figures["f1"]) == {"random", "herding"}
    assert list(figures["f1"]["herding"]) == [10, 20]
    assert all(0 <= figures[name]["recall"] <= 1 for name in ("wrong", "planted"))
