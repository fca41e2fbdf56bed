"""Agreement, annotators, and where the next label is better spent."""

from __future__ import annotations

import numpy as np
import pytest

from labelcue.insights.agreement import Votes, agreement, coincidences, consensus, hardest, krippendorff
from labelcue.insights.second import spending, wide, with_quality

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: four observers, twelve units, five values.
TABLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def _votes(table: list[list[int | None]], base: int = 1) -> Votes:
    said = [
        (item, who, label - base)
        for who, row in enumerate(table)
        for item, label in enumerate(row)
        if label is not None
    ]
    item, who, label = (np.array(column, dtype=np.int64) for column in zip(*said, strict=True))
    return Votes(item, who + 100, label, np.zeros(len(item)))


def _made(rng: np.random.Generator, items: int, skill: dict[int, float], classes: int = 3) -> tuple[Votes, np.ndarray]:
    truth = rng.integers(0, classes, items)
    table: list[list[int | None]] = []
    for right in skill.values():
        said = np.where(rng.random(items) < right, truth, (truth + rng.integers(1, classes, items)) % classes)
        table.append([int(one) if rng.random() < 0.6 else None for one in said])
    for item in range(items):
        if all(row[item] is None for row in table):
            table[0][item] = int(truth[item])
    return _votes(table, 0), truth


def _flat(items: int, classes: int) -> np.ndarray:
    return np.full((items, classes), 1 / classes, dtype=np.float32)


def test_alpha_is_that_of_krippendorffs_example() -> None:
    counts = _votes(TABLE).counts(12, 5)
    shared = counts[counts.sum(axis=1) > 1]
    found = krippendorff(shared, np.random.default_rng(0))
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.low < 0.743 < found.high
    assert found.n == 11
    assert coincidences(shared)[0] == pytest.approx([7, 4 / 3, 1 / 3, 1 / 3, 0])


def test_alphas_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    whole, _ = _made(rng, 20_000, {1: 0.9, 2: 0.8, 3: 0.7})
    counts = whole.counts(20_000, 3)
    counts = counts[counts.sum(axis=1) > 1]
    truth = krippendorff(counts, rng).value
    held = 0
    for _ in range(200):
        found = krippendorff(counts[rng.integers(0, len(counts), 150)], rng)
        held += found.low <= truth <= found.high
    assert held / 200 >= 0.9


def test_one_class_alone_is_full_agreement() -> None:
    assert krippendorff(np.array([[2, 0], [3, 0]]), np.random.default_rng(0)).value == 1


def test_the_worst_annotator_stands_first_and_ties_count_their_share() -> None:
    votes, _ = _made(np.random.default_rng(2), 400, {1: 0.95, 2: 0.95, 3: 0.95, 4: 0.6})
    found = agreement(votes, _flat(400, 3), np.random.default_rng(0))
    assert found.annotators[0].annotator == 103
    assert found.annotators[0].agreement is not None
    assert found.annotators[0].agreement.high < 0.8
    tied = _votes([[0], [1], [0]], 0)
    shares = {
        one.annotator: one.agreement.value
        for one in agreement(tied, _flat(1, 2), np.random.default_rng(0)).annotators
        if one.agreement
    }
    assert shares == {100: 0.5, 101: 0.0, 102: 0.5}


def test_without_second_labels_the_sentence_says_what_to_do() -> None:
    found = agreement(_votes([[0, 1, None], [None, None, 1]], 0), _flat(3, 2), np.random.default_rng(0))
    assert (found.shared, found.alpha, found.hardest) == (0, None, ())
    assert "second opinions" in found.sentence
    assert [one.agreement for one in found.annotators] == [None, None]


def test_the_hardest_tasks_are_those_with_the_most_disagreement_then_those_the_model_doubts() -> None:
    counts = np.array([[2, 0], [1, 1], [2, 1], [1, 1]])
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], dtype=np.float32)
    assert [row for row, _ in hardest(counts, probabilities)] == [3, 1, 2]


def test_the_model_decides_ties_of_the_consensus() -> None:
    label, given = consensus(np.array([[1, 1], [0, 2], [0, 0]]), np.array([[0.3, 0.7]] * 3, dtype=np.float32))
    assert label.tolist() == [1, 1, -1]
    assert given.tolist() == [True, True, False]


def test_the_wide_table_holds_each_vote_at_its_place() -> None:
    table, people = wide(_votes([[0, 1, None], [None, 1, 0]], 0), np.array([1, 2]))
    assert people.tolist() == [100, 101]
    assert np.nan_to_num(table, nan=-1).tolist() == [[1, 1], [-1, 0]]


def test_crowdlab_finds_the_weak_annotator() -> None:
    votes, truth = _made(np.random.default_rng(3), 300, {1: 0.95, 2: 0.95, 3: 0.6})
    believed = _flat(300, 3) * 0.3 + np.eye(3, dtype=np.float32)[truth] * 0.7
    people = agreement(votes, believed, np.random.default_rng(0)).annotators
    rated = {one.annotator: one.quality for one in with_quality(people, votes, np.arange(300), believed, 0)}
    assert rated[102] is not None
    assert rated[102] < min(rated[100] or 0, rated[101] or 0)


def test_the_next_label_goes_where_less_is_known() -> None:
    rng = np.random.default_rng(4)
    votes, truth = _made(rng, 200, {1: 0.6, 2: 0.6})
    sure = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 100)] * 0.97 + 0.01
    unsure = _flat(100, 3)
    believed = _flat(200, 3)
    rows, pool = np.arange(200), np.arange(200, 300)
    assert spending(votes, rows, believed, pool, sure.astype(np.float32), 0).choice == "second"
    sharp = np.eye(3, dtype=np.float32)[truth] * 0.97 + np.float32(0.01)
    assert spending(votes, rows, sharp, pool, unsure, 0).choice == "new"


def test_spending_without_labels_or_without_new_tasks() -> None:
    none = Votes(*(np.empty(0, dtype=np.int64) for _ in range(3)), at=np.empty(0))
    rows = np.empty(0, dtype=np.int64)
    assert spending(none, rows, _flat(0, 2), np.arange(3), _flat(3, 2), 0).choice == ""
    votes = _votes([[0, 1]], 0)
    assert spending(votes, np.arange(2), _flat(2, 2), rows, _flat(0, 2), 0).choice == "second"
