"""The logistic head: one optimum from any start, sensible with little, chosen on labels alone."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from labelcue.surrogates import Examples, Head, surrogates
from labelcue.surrogates.crossval import choose_temperature, folds, log_loss
from labelcue.surrogates.solver import solve


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    raw = load_digits()
    unit = (raw.data / np.linalg.norm(raw.data, axis=1, keepdims=True)).astype(np.float32)
    rows = np.random.default_rng(seed).permutation(len(unit))[:count]
    return unit, raw.target, np.sort(rows)


def examples(vectors: np.ndarray, labels: np.ndarray, classes: int = 10) -> Examples:
    return Examples(vectors, np.eye(classes, dtype=np.float32)[labels])


def fit(given: Examples, before: Head | None = None, full: bool = False, seed: int = 0) -> Head:
    before = before or Head.blank(given.targets.shape[1], given.vectors.shape[1])
    return surrogates.create("logistic").fit(given, before, full, np.random.default_rng(seed))


def scores(head: Head, vectors: np.ndarray) -> np.ndarray:
    return head.probabilities(vectors @ head.weights.T + head.bias)


@pytest.mark.parametrize("l2", [1.0, 0.1, 0.01])
def test_the_optimum_is_that_of_scikit_learn(l2):
    unit, target, rows = digits(300)
    start = torch.zeros((10, 65), dtype=torch.float64)
    theta = solve(
        torch.from_numpy(unit[rows]).double(), torch.eye(10, dtype=torch.float64)[target[rows]], l2, start, 1e-7
    ).numpy()
    peer = LogisticRegression(C=1 / l2, max_iter=5000, tol=1e-9).fit(unit[rows].astype(np.float64), target[rows])
    mine = unit @ theta[:, :-1].T + theta[:, -1]
    assert (mine.argmax(1) == peer.predict(unit)).mean() > 0.99  # but for the made-up item at the origin
    assert np.abs(theta[:, :-1] - theta[:, :-1].mean(0) - peer.coef_).max() < 0.15 / l2**0.5


def test_a_warm_fit_agrees_with_a_cold_one():
    unit, target, rows = digits(141)
    before = fit(examples(unit[rows[:140]], target[rows[:140]]))
    warm = fit(examples(unit[rows], target[rows]), before)
    cold = fit(
        examples(unit[rows], target[rows]),
        Head(
            np.zeros((10, 64), np.float32),
            np.zeros(10, np.float32),
            before.temperature,
            before.l2,
            True,
            before.labelled,
        ),
    )
    assert warm.l2 == before.l2
    assert (scores(warm, unit).argmax(1) == scores(cold, unit).argmax(1)).mean() > 0.999
    assert np.abs(scores(warm, unit) - scores(cold, unit)).max() < 5e-3


def test_one_label_more_keeps_warm_and_cold_together_whatever_the_label():
    unit, target, rows = digits(200)
    same = total = 0
    for count in (20, 60, 110, 140, 199):
        before = fit(examples(unit[rows[:count]], target[rows[:count]]), full=True)
        after = examples(unit[rows[: count + 1]], target[rows[: count + 1]])
        cold = Head(
            np.zeros((10, 64), np.float32), np.zeros(10, np.float32), before.temperature, before.l2, True, count
        )
        warm = scores(fit(after, before), unit).argmax(1)
        same += int((warm == scores(fit(after, cold), unit).argmax(1)).sum())
        total += len(unit)
    assert same / total > 0.999


def test_no_labels_are_uniform_and_untrained():
    head = fit(Examples(np.empty((0, 5), np.float32), np.empty((0, 4), np.float32)))
    assert not head.trained
    np.testing.assert_allclose(scores(head, np.eye(5, dtype=np.float32)), 0.25)


def test_unseen_classes_keep_some_probability():
    unit, _, rows = digits(12)
    head = fit(examples(unit[rows], np.zeros(12, dtype=int), classes=3))
    proba = scores(head, unit)
    assert not head.trained
    assert (proba.argmax(1) == 0).all()
    assert proba[:, 1:].min() > 0.01
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-5)


def test_a_new_class_keeps_the_old_weights():
    unit, target, rows = digits(60)
    kept = rows[target[rows] < 9]
    head = fit(examples(unit[kept], target[kept], classes=9))
    names = tuple("abcdefghi")
    longer = head.for_classes(names, (*names, "j"))
    np.testing.assert_array_equal(longer.weights[:9], head.weights)
    assert not longer.weights[9].any()
    again = fit(examples(unit[rows], target[rows]), longer)
    assert (scores(again, unit).argmax(1) == target).mean() > 0.6


def test_disagreeing_annotators_count_by_their_share():
    vectors = np.eye(3, dtype=np.float32)
    targets = np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype=np.float32)
    head = fit(Examples(vectors, targets))
    proba = scores(head, vectors)
    assert proba[0, 0] > 0.5 > proba[1, 0]
    assert abs(proba[2, 0] - 0.5) < 1e-3


def test_the_temperature_helps_where_labels_are_many_and_flattens_where_they_are_few():
    unit, target, rows = digits(400)
    rest = np.setdiff1d(np.arange(len(unit)), rows)
    head = fit(examples(unit[rows], target[rows]), full=True)
    logits = torch.from_numpy((unit[rest] @ head.weights.T + head.bias).astype(np.float64))
    truth = torch.eye(10, dtype=torch.float64)[target[rest]]
    assert log_loss(logits, truth, head.temperature) <= log_loss(logits, truth, 1.0) + 0.01
    sure = torch.tensor([[4.0, 0.0], [0.0, 4.0]] * 4, dtype=torch.float64)
    right = torch.tensor([[1.0, 0.0], [0.0, 1.0]] * 4, dtype=torch.float64)
    assert choose_temperature(sure, right) > choose_temperature(sure.repeat(50, 1), right.repeat(50, 1))


def test_folds_are_stratified():
    targets = torch.eye(3, dtype=torch.float64)[torch.tensor([0] * 50 + [1] * 10 + [2] * 5)]
    fold = folds(targets, np.random.default_rng(0))
    for rows, size in ((slice(0, 50), 10), (slice(50, 60), 2), (slice(60, 65), 1)):
        assert np.bincount(fold[rows], minlength=5).tolist() == [size] * 5


def test_choices_last_until_the_labels_have_grown():
    unit, target, rows = digits(200)
    first = fit(examples(unit[rows[:130]], target[rows[:130]]))
    second = fit(examples(unit[rows[:131]], target[rows[:131]]), first, seed=5)
    assert (second.l2, second.temperature) == (first.l2, first.temperature)
    assert second.labelled == 131


def test_the_model_beats_the_majority_class():
    unit, target, rows = digits(100)
    head = fit(examples(unit[rows], target[rows]))
    rest = np.setdiff1d(np.arange(len(unit)), rows)
    accuracy = (scores(head, unit[rest]).argmax(1) == target[rest]).mean()
    assert accuracy > np.bincount(target[rest]).max() / len(rest) + 0.5


@pytest.mark.parametrize("seed", range(5))
def test_few_labels_far_apart_are_still_told_apart(seed):
    rng = np.random.default_rng(seed)
    vectors = 0.5 + rng.standard_normal((20, 384))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    target = rng.permutation([0] * 12 + [1] * 8)
    head = fit(examples(vectors, target, classes=2), full=True)
    assert (scores(head, vectors).argmax(1) == target).mean() > 0.9
