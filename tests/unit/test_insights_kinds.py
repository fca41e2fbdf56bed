"""What admins read where labels are sets and numbers: audits, errors, agreement, curves."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from labelcue.insights.agreement import Votes
from labelcue.insights.audit import sample
from labelcue.insights.distances import (
    agreement_by,
    krippendorff_by,
    metric_of_numbers,
    metric_of_sets,
)
from labelcue.insights.facts import Facts
from labelcue.insights.mapping import PoolMap
from labelcue.insights.report import Report, report
from labelcue.insights.scores import by_label, mean_error
from labelcue.insights.sections import NONE
from labelcue.insights.yardsticks import concordance
from labelcue.insights.yardsticks.numbers import ByNumber
from labelcue.insights.yardsticks.sets import BySet
from labelcue.pool.matrix import Matrix
from labelcue.surrogates import Examples, Head, surrogates

TASKS, DIM, LABELLED, AUDITS = 500, 12, 200, 80
NAMES = ("rain", "wind", "hail")
BOUNDS = (1.0, 5.0)
FLIPPED = np.arange(60, 72)
"""Labelled tasks, in the order of the labels, that got a wrong answer, and that nobody else labelled."""


def world(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, (n, r) truth, and (n, k) what a model says that is right most of the time."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((TASKS, DIM)).astype(np.float32)
    scores = vectors[:, :3] + 0.05 * rng.standard_normal((TASKS, 3)).astype(np.float32)
    if kind == "set":
        return vectors, (scores > 0.4).astype(np.float32), 1 / (1 + np.exp(-6 * (vectors[:, :3] - 0.4)))
    stars = np.clip(np.round(3 + scores[:, :1]), *BOUNDS).astype(np.float32)
    said = np.column_stack([np.clip(3 + vectors[:, 0], *BOUNDS), np.full(TASKS, 0.3), np.full(TASKS, 0.2)])
    return vectors, stars, said


def facts_of(kind: str, labelled: int = LABELLED, audits: int = AUDITS) -> Facts:
    vectors, truth, said = world(kind)
    rng = np.random.default_rng(4)
    rows = rng.permutation(TASKS)[: labelled + audits]
    given = truth[rows].copy()
    wrong = FLIPPED[len(rows) > FLIPPED]
    given[wrong] = 1 - given[wrong] if kind == "set" else 6 - given[wrong]
    second = rows[:40]
    audit = np.zeros(TASKS, dtype=bool)
    audit[rows[labelled:]] = True
    item = np.concatenate([rows, second])
    return Facts(
        classes=NAMES if kind == "set" else (),
        ids=np.arange(TASKS, dtype=np.int64) + 100,
        matrix=Matrix(vectors),
        row=np.arange(TASKS),
        probabilities=said.astype(np.float32),
        trained=labelled > 0,
        l2=0.1,
        votes=Votes(
            item, np.repeat([7, 8], [len(rows), len(second)]), np.zeros_like(item), 1e9 + 30.0 * np.arange(len(item))
        ),
        audit=audit,
        propensity=np.where(audit, 0.01, np.nan).astype(np.float32),
        slices={"half": ["one" if one % 2 else "two" for one in range(TASKS)]},
        arrived=np.zeros(TASKS),
        map=PoolMap(np.arange(TASKS, dtype=np.int64) + 100, np.zeros((TASKS, 2), dtype=np.float32), TASKS),
        now=1e9 + 1e4,
        kind=kind,
        bounds=None if kind == "set" else BOUNDS,
        answers=np.concatenate([given, truth[second]]),
    )


@pytest.fixture(scope="module", params=["set", "number"])
def whole(request: pytest.FixtureRequest) -> Report:
    return report(facts_of(request.param))


def test_a_project_of_sets_or_numbers_gets_every_section(whole: Report) -> None:
    assert whole.audit.accuracy is not None
    assert 0.5 < whole.audit.accuracy.low < whole.audit.accuracy.value < 0.98
    assert whole.measure in ("Every label right", "Off by 0.5 at most")
    assert [point.labels for point in whole.curve.points][-1] == LABELLED
    assert whole.curve.points[-1].accuracy.value == pytest.approx(whole.audit.accuracy.value, abs=0.02)
    assert whole.curve.random is not None
    assert whole.stopping.gain is not None
    assert all(0 < step.kappa <= 1 for step in whole.stopping.stability)
    assert whole.agreement.alpha is not None
    assert whole.agreement.shared == 40
    assert {one.annotator for one in whole.agreement.annotators} == {7, 8}
    assert whole.coverage.slices[0].accuracy is not None
    assert sum(whole.coverage.balance.labels) > 0
    assert set(whole.map.label) - {-1} <= set(range(len(whole.groups)))
    assert whole.spending.choice == ""
    assert whole.errors.suspects[0].task in whole.spending.second
    assert len(whole.spending.second) == 100
    json.dumps(whole.as_json(), allow_nan=False)


def test_what_is_only_of_sets_or_of_numbers_is_there(whole: Report) -> None:
    if whole.kind == "set":
        assert [one.name for one in whole.audit.labels_f1] == list(NAMES)
        assert all(one.accuracy is not None and 0.6 < one.accuracy.value < 1 for one in whole.audit.labels_f1)
        assert whole.groups == (*NAMES, NONE)
    else:
        assert whole.audit.error is not None
        assert 0 < whole.audit.error.low < whole.audit.error.value < whole.audit.error.high < 1
        assert "is off by 0.5 at most on" in whole.audit.sentence
        assert whole.groups[0] == "1 to 1.8"


def test_wrong_labels_are_suspected_with_what_would_be_right(whole: Report) -> None:
    wrong = set((np.random.default_rng(4).permutation(TASKS)[FLIPPED] + 100).tolist())
    if whole.kind == "number":  # three stars are the same from either end
        wrong -= {one for one in wrong if world("number")[1][one - 100, 0] == 3}
    found = {one.task for one in whole.errors.suspects}
    assert len(found & wrong) >= 0.6 * len(wrong)
    assert len(found & wrong) >= 0.4 * len(found)
    assert all(one.said and one.better and one.said != one.better for one in whole.errors.suspects)
    assert all(one.belief <= two.belief for one, two in pairwise(whole.errors.suspects))


@pytest.mark.parametrize("kind", ["set", "number"])
@pytest.mark.parametrize(("labelled", "audits"), [(0, 0), (1, 0), (20, 5)])
def test_few_labels_are_no_error(kind: str, labelled: int, audits: int) -> None:
    found = report(facts_of(kind, labelled, audits))
    assert found.audit.accuracy is None
    assert found.audit.sentence
    assert found.errors.suspects == ()


def test_alpha_of_numbers_is_krippendorffs_interval_alpha() -> None:
    """His own example (Computing Krippendorff's Alpha-Reliability, 2011, section D): 0.849 for interval data."""
    gap = np.nan
    table = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
            [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
        ]
    ).T
    item, who = np.nonzero(np.isfinite(table))
    answers = table[item, who][:, None].astype(np.float32)
    votes = Votes(item, who, np.zeros_like(item), np.zeros(len(item)))
    found = agreement_by(votes, metric_of_numbers(answers), len(table), 0.0, np.random.default_rng(0))
    assert found.shared == 11
    assert found.alpha is not None
    assert found.alpha.value == pytest.approx(0.849, abs=0.001)
    assert found.hardest[0][0] == 5


def test_masi_is_passonneaus() -> None:
    sets = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0], [0, 0, 0]], dtype=np.float32)
    metric = metric_of_sets(sets)
    away = metric.away[metric.index][:, metric.index]
    assert away[0, 1] == 0
    assert away[0, 2] == pytest.approx(1 - 1 / 2 * 2 / 3)  # one holds the other
    assert away[0, 3] == pytest.approx(1 - 1 / 3 * 1 / 3)  # they overlap
    assert away[0, 4] == 1
    assert away[5, 6] == 0
    assert away[0, 5] == 1


def test_alpha_is_one_where_all_agree_and_about_zero_by_chance() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(20):
        metric = metric_of_sets((rng.random((200, 3)) < 0.5).astype(np.float32))
        chance = krippendorff_by([metric.index[[one, one + 1]] for one in range(0, 200, 2)], metric, rng)
        assert abs(chance.value) < 0.2
        held += chance.low < 0 < chance.high
    assert held >= 16
    same = krippendorff_by([metric.index[[one, one]] for one in range(50)], metric, rng)
    assert (same.value, same.low, same.high) == (1.0, 1.0, 1.0)


def test_intervals_of_f1_and_of_the_mean_error_hold_the_truth() -> None:
    rng = np.random.default_rng(1)
    pool = 4000
    truth = rng.random((pool, 2)) < [0.3, 0.1]
    said = np.where(rng.random((pool, 2)) < 0.85, truth, rng.random((pool, 2)) < 0.2)
    off = rng.gamma(0.8, 0.5, pool)
    both, some = (truth & said).sum(axis=0), (truth.astype(int) + said).sum(axis=0)
    f1, nothing = 2 * both / some, np.zeros(0, dtype=np.int64)
    held, errors = np.zeros(2), 0
    for _ in range(200):
        rows = rng.permutation(pool)[:100]
        seen = sample(np.ones(100, dtype=bool), (1 / (pool - np.arange(100))).astype(np.float32), nothing > 0, nothing)
        none = np.zeros((0, 2), dtype=bool)
        for place, one in enumerate(by_label(("a", "b"), (truth[rows], said[rows]), (none, none), seen)):
            held[place] += one.accuracy is not None and one.accuracy.low <= f1[place] <= one.accuracy.high
        error = mean_error(off[rows], np.zeros(0), seen)
        errors += error is not None and error.low <= off.mean() <= error.high
    assert (held / 200 >= 0.93).all()
    assert errors / 200 >= 0.92


def test_the_models_of_then_are_those_of_the_surrogates() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = (vectors[:, :1] * 2 + 3 + 0.1 * rng.standard_normal((60, 1))).astype(np.float32)
    head = surrogates.create("regression").fit(Examples(vectors, numbers), Head.blank(1, 8), True, rng)
    yard = ByNumber(1, 5)
    theta = yard.learn(
        torch.from_numpy(vectors).double(), torch.from_numpy(numbers).double(), head.l2, torch.zeros(1, 9)
    )
    assert np.allclose(theta[0, :-1].numpy(), head.weights[0], atol=1e-3)
    assert float(theta[0, -1]) == pytest.approx(float(head.bias[0]), abs=1e-3)


def test_models_that_say_the_same_are_stable() -> None:
    numbers = np.random.default_rng(0).random(100) * 4
    assert concordance(numbers, numbers) == pytest.approx(1.0)
    assert concordance(numbers, numbers + 4) < 0.3
    assert concordance(np.ones(5), np.ones(5)) == 1.0
    sets = np.random.default_rng(0).random((50, 3)) < 0.4
    assert BySet(3).alike(sets, sets) == (1.0, 1.0)
    assert BySet(3).alike(sets, ~sets)[1] < 0


def test_of_two_opinions_on_a_label_what_the_model_finds_likelier_counts() -> None:
    facts = facts_of("set", 2, 0)
    votes = Votes(np.array([0, 0]), np.array([1, 2]), np.zeros(2, dtype=np.int64), np.array([1.0, 2.0]))
    answers = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    likely = np.array([[0.9, 0.2, 0.1]] + [[0.5] * 3] * (TASKS - 1), dtype=np.float32)
    assert replace(facts, votes=votes, answers=answers, probabilities=likely).given.tolist() == [[True, False, False]]
