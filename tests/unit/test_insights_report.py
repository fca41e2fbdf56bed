"""Everything for one project, in the form that pages read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labelcue.insights.agreement import Votes
from labelcue.insights.facts import Facts
from labelcue.insights.report import STEPS, Report, report
from labelcue.pool.matrix import Matrix

DOCS = Path(__file__).parents[2] / "backend" / "docs" / "insights.md"


def made(labelled: int, audits: int, n: int = 600, second: int = 40) -> Facts:
    digits = load_digits()
    rng = np.random.default_rng(0)
    vectors, truth = digits.data[:n].astype(np.float32), digits.target[:n].astype(np.int64)
    order = rng.permutation(n)
    rows = order[: labelled + audits]
    said = truth[rows].copy()
    said[45:60] = (said[45:60] + 1) % 10
    item = np.concatenate([rows, rows[:second]])
    label = np.concatenate([said, truth[rows[:second]]])
    audit = np.zeros(n, dtype=bool)
    audit[order[labelled : labelled + audits]] = True
    probabilities = np.full((n, 10), 0.02, dtype=np.float32)
    right = rng.random(n) < 0.9
    probabilities[np.arange(n), np.where(right, truth, (truth + 1) % 10)] = 0.82
    return Facts(
        classes=tuple("0123456789"),
        ids=np.arange(n, dtype=np.int64) + 1000,
        matrix=Matrix(vectors[::-1].copy()),
        row=np.arange(n)[::-1].copy(),
        probabilities=probabilities,
        trained=labelled > 1,
        l2=0.1,
        votes=Votes(
            item, np.repeat([7, 8], [len(rows), len(item) - len(rows)]), label, 1e9 + 20.0 * np.arange(len(item))
        ),
        audit=audit,
        propensity=np.where(audit, 0.01, np.nan).astype(np.float32),
        slices={"kind": ["odd" if one % 2 else "even" for one in truth]},
        arrived=np.where(np.arange(n) < n - 100, 0.0, 1e5),
        now=1e9 + 20.0 * len(item),
    )


@pytest.fixture(scope="module")
def whole() -> Report:
    return report(made(300, 80))


def test_a_whole_project(whole: Report) -> None:
    assert (whole.tasks, whole.labelled, whole.annotations) == (600, 380, 420)
    assert whole.audit.accuracy is not None
    assert 0.8 < whole.audit.accuracy.value < 0.98
    assert len(whole.curve.points) >= 8
    assert whole.curve.random is not None
    assert whole.curve.rate.an_hour == pytest.approx(180, rel=0.01)
    assert len(whole.errors.suspects) >= 3
    assert all(1000 <= one.task < 1600 for one in whole.errors.suspects)
    assert whole.agreement.shared == 40
    assert whole.spending.choice in ("new", "second")
    assert whole.coverage.reach is not None
    assert whole.coverage.slices_total == 2
    assert whole.coverage.slices[0].accuracy is not None
    assert (whole.drift.new, whole.drift.old) == (100, 500)
    assert whole.stopping.gain is not None
    assert whole.stopping.advice in ("stop", "go on", "wait")
    assert whole.map.tasks.tolist() == list(range(1000, 1600))


def test_the_report_is_json_and_every_key_is_documented(whole: Report) -> None:
    found = json.loads(json.dumps(whole.as_json(), allow_nan=False))
    page = DOCS.read_text()

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {one for part in value.values() for one in keys(part)}
        return {one for part in value for one in keys(part)} if isinstance(value, list) else set()

    missing = [key for key in keys(found) if not re.search(rf"\b{key}\b", page)]
    assert not missing
    assert found["audit"]["accuracy"].keys() == {"value", "low", "high", "n"}


def test_the_same_facts_give_the_same_report_and_an_earlier_map_is_kept() -> None:
    facts = made(60, 5, n=150)
    one = report(facts)
    two = report(replace(facts, map=one.map))
    assert one.as_json() == two.as_json()
    for name, array in one.arrays().items():
        assert np.array_equal(array, two.arrays()[name])


@pytest.mark.parametrize(("labelled", "audits"), [(0, 0), (1, 0), (0, 1), (12, 3)])
def test_a_project_with_few_labels_says_what_is_missing(labelled: int, audits: int) -> None:
    found = report(made(labelled, audits, n=80, second=0)).as_json()
    assert found["audit"]["missing"] == 50 - (audits if labelled > 1 else 0)
    assert found["audit"]["accuracy"] is None
    assert found["curve"]["points"] == []
    assert found["stopping"]["advice"] == "wait"
    for section in ("audit", "curve", "errors", "agreement", "spending", "coverage", "drift", "stopping"):
        assert found[section]["sentence"].endswith(".")


def test_a_project_of_one_class_and_an_empty_pool() -> None:
    facts = made(20, 0, n=60, second=0)
    zeros = replace(facts.votes, label=np.zeros(20, dtype=np.int64))
    one = replace(facts, classes=("all",), probabilities=np.ones((60, 1), dtype=np.float32), votes=zeros, trained=False)
    assert report(one).labelled == 20
    none = np.empty(0, dtype=np.int64)
    empty = replace(
        facts,
        ids=none,
        row=none,
        matrix=Matrix(np.empty((0, 64), dtype=np.float32)),
        probabilities=np.empty((0, 10), dtype=np.float32),
        votes=Votes(none, none, none, np.empty(0)),
        audit=np.empty(0, dtype=bool),
        propensity=np.empty(0, dtype=np.float32),
        slices={},
        arrived=np.empty(0),
        trained=False,
    )
    assert report(empty).tasks == 0


def test_progress_is_told_step_by_step_and_may_stop_the_work() -> None:
    told: list[tuple[str, int, int]] = []
    report(made(30, 2, n=80), lambda *step: told.append(step))
    assert [name for name, _, _ in told] == list(STEPS)
    assert told[-1][1:] == (len(STEPS) - 1, len(STEPS))

    def stop(_name: str, step: int, _of: int) -> None:
        if step == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        report(made(30, 2, n=80), stop)


def test_the_curve_ends_at_the_accuracy_that_the_audits_say(whole: Report) -> None:
    accuracy, last = whole.audit.accuracy, whole.curve.points[-1]
    assert accuracy is not None
    assert last.labels == 300
    assert last.accuracy.value == pytest.approx(accuracy.value, abs=1e-9)
    assert last.accuracy.n == accuracy.n == 80
    assert f"right on {accuracy.value:.1%}" in whole.curve.sentence
    assert f"right on {accuracy.value:.1%}" in whole.audit.sentence
