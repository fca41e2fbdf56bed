"""Labels that are sets and numbers: the figures behind them, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from labelcue.engine import Cue
from labelcue.errors import BadRequest
from labelcue.labels.number import Number, NumberBelief
from labelcue.labels.several import SetBelief, Several
from labelcue.surrogates import Examples, Head, surrogates
from labelcue.surrogates.sigmoids import choose_temperatures, solve

CLASSES = ("eggs", "ham", "spam")


def unit(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("rows", [12, 80])
def test_all_labels_at_once_are_fitted_as_each_one_alone(rows: int) -> None:
    """The prior, an item at the origin with half of each label, is given to scikit-learn as two weighted rows."""
    vectors, l2 = unit(rows, 10), 0.3
    targets = (vectors[:, :3] + 0.2 * np.random.default_rng(1).standard_normal((rows, 3)) > 0).astype(float)
    start = torch.zeros((3, 11), dtype=torch.float64)
    theta = solve(torch.from_numpy(vectors).double(), torch.from_numpy(targets), l2, start, 1e-7).numpy()
    for label in range(3):
        given = np.concatenate([vectors, np.zeros((2, 10))]), np.concatenate([targets[:, label], [0, 1]])
        alone = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=5000)
        alone.fit(*given, sample_weight=np.concatenate([np.ones(rows), [0.5, 0.5]]))
        np.testing.assert_allclose(theta[label, :-1], alone.coef_[0], atol=1e-4)
        assert theta[label, -1] == pytest.approx(alone.intercept_[0], abs=1e-4)


def test_the_temperature_of_each_label_mends_how_sure_its_scores_are() -> None:
    rng = np.random.default_rng(0)
    honest = 2 * rng.standard_normal((4000, 2))
    targets = (rng.random(honest.shape) < 1 / (1 + np.exp(-honest))).astype(float)
    common, own = choose_temperatures(torch.from_numpy(honest * [4.0, 1.0]), torch.from_numpy(targets))
    assert common * float(own[0]) == pytest.approx(4, rel=0.15)
    assert common * float(own[1]) == pytest.approx(1, rel=0.15)


def test_rare_labels_keep_to_the_common_temperature() -> None:
    scores, targets = torch.full((40, 2), -6.0, dtype=torch.float64), torch.zeros((40, 2), dtype=torch.float64)
    scores[:, 0] = torch.linspace(-3, 3, 40)
    targets[20:, 0] = 1
    targets[0, 1] = 1  # A single one, which the model was very sure not to be there.
    _, own = choose_temperatures(scores, targets)
    assert 0.3 < float(own[1]) < 3


@pytest.mark.parametrize("rows", [5, 60])
def test_numbers_have_the_posterior_of_bayesian_linear_regression(rows: int) -> None:
    vectors, new = unit(rows, 8), unit(7, 8, 1)
    numbers = (3 + 2 * vectors[:, :1] + 0.1 * np.random.default_rng(2).standard_normal((rows, 1))).astype(np.float32)
    head = surrogates.create("regression").fit(
        Examples(vectors, numbers), Head.blank(1, 8), True, np.random.default_rng(0)
    )
    design, asked = (np.column_stack([one, np.ones(len(one))]).astype(float) for one in (vectors, new))
    spread = np.linalg.inv(design.T @ design + head.l2 * np.eye(9))
    mean = numbers.mean() + asked @ spread @ design.T @ (numbers[:, 0] - numbers.mean())
    deviation = head.noise * np.sqrt(1 + np.einsum("ij,jk,ik->i", asked, spread, asked))
    said = Number().say(new, head)
    np.testing.assert_allclose(said[:, 0], mean, atol=2e-3)
    np.testing.assert_allclose(said[:, 1], deviation, rtol=5e-3)
    np.testing.assert_allclose(said[:, 2], np.sqrt(deviation**2 / head.noise**2 / (1 + 2 / head.l2)), rtol=5e-3)


def test_deviations_are_as_large_as_the_errors() -> None:
    vectors, rng = unit(1500, 16), np.random.default_rng(3)
    numbers = 10 + 8 * vectors[:, 0] + rng.standard_normal(1500)
    cue = Cue(vectors, strategy="random", surrogate="regression")
    cue.label({item: float(numbers[item]) for item in range(200)})
    found = cue.predict(range(200, 1500))
    within = np.abs(numbers[200:] - found.mean) < found.deviation
    assert 0.6 < within.mean() < 0.76  # 0.68 of a normal distribution
    assert np.abs(numbers[200:] - found.mean).mean() < np.abs(numbers[200:] - numbers.mean()).mean()


def test_annotators_of_a_number_are_averaged_and_of_a_set_counted_label_by_label() -> None:
    cue = Cue(unit(4, 3), surrogate="regression", bounds=(1, 5))
    cue.label({0: {1: 2, 2: 5}, 1: 3})
    np.testing.assert_allclose(cue._labelled()[1], [[3.5], [3]])
    cue = Cue(unit(4, 3), surrogate="multi-label", classes=CLASSES)
    cue.label({0: {1: {"ham"}, 2: ["ham", "spam"]}, 1: set()})
    np.testing.assert_allclose(cue._labelled()[1], [[0, 1, 0.5], [0, 0, 0]])


def test_labels_of_a_set_that_are_no_longer_allowed_do_not_count() -> None:
    cue = Cue(unit(6, 3), surrogate="multi-label", classes=CLASSES)
    cue.label({0: {"ham", "spam"}, 1: {"spam"}, 2: set(), 3: {"ham"}})
    cue.set_classes(["eggs", "ham"])
    assert sorted(set(range(6)) - {one.id for one in cue.rank(6)}) == [0, 2, 3]
    assert cue.predict_proba([5]).shape == (1, 2)
    cue.set_classes(CLASSES)
    assert {one.id for one in cue.rank(6)} == {4, 5}


def test_measures_of_sets() -> None:
    said = np.array([[0.5, 0.5], [1, 0], [0.9, 0.5], [0.75, 0.75]], np.float32)
    belief = SetBelief(said, np.array([[5, 1]], np.float32))
    np.testing.assert_allclose(belief.margin(), [1, 0, 1, 0.5], atol=1e-3)
    np.testing.assert_allclose(belief.entropy(), [1, 0, 0.734, 0.811], atol=1e-3)
    np.testing.assert_allclose(belief.least_confidence(), [0.75, 0, 0.55, 0.4375], atol=1e-3)
    assert belief.grouped()[1].tolist() == [1, 0, 1, 1]  # the rarest label that is predicted
    assert SetBelief(np.array([[0.3, 0.2]], np.float32), belief.given).grouped()[1].tolist() == [0]


def test_numbers_are_counted_by_parts_of_the_range() -> None:
    said = np.array([[1, 0.1, 1], [4.9, 0.1, 0.5], [9, 1, 0]], np.float32)
    belief = NumberBelief(said, np.array([[1], [1.2], [5]], np.float32), (1, 5))
    assert belief.counts.tolist() == [2, 0, 0, 0, 1]
    assert belief.grouped()[1].tolist() == [0, 4, 4]
    assert NumberBelief(said, np.empty((0, 1), np.float32), None).counts.tolist() == [0] * 5


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([0.52, 0.95, 0.01], "the model is unsure of eggs (0.52) and expects ham (0.95)"),
        ([0.02, 0.95, 0.9], "the model expects ham (0.95), spam (0.90)"),
        ([0.02, 0.05, 0.1], "the model expects no label"),
        ([0.4, 0.1, 0.1], "the model is unsure of eggs (0.40)"),
    ],
)
def test_what_the_model_thinks_of_a_set_in_words(said: list[float], words: str) -> None:
    assert Several().opinion(CLASSES, np.array(said, np.float32)) == words


def test_what_the_model_thinks_of_a_number_in_words() -> None:
    opinion = Number().opinion((), np.array([3.456, 0.82, 0.5], np.float32))
    assert opinion == "the model expects about 3.46, give or take 0.82"


SETS: dict[str, tuple[Callable[[Cue], Any], str]] = {
    "a string": (lambda cue: cue.label({1: "ham"}), "item 1 is 'ham'; the surrogate 'multi-label' takes sets of str"),
    "a number": (lambda cue: cue.label({1: 3}), "takes sets of strings"),
    "of numbers": (lambda cue: cue.label({1: {3}}), "takes sets of strings"),
    "of empty strings": (lambda cue: cue.label({1: {""}}), "takes sets of strings"),
    "mixed": (lambda cue: cue.label({1: {"ham"}, 2: {7: {"ham"}, 9: "spam"}}), "item 2 is 'spam'"),
    "unknown labels": (lambda cue: cue.label({2: {"ham"}, 1: {"ham", "bread"}}), "'bread' of item 1 is not among"),
    "a share of a class": (lambda cue: cue.class_quota({"ham": 0.5}), "no single class"),
    "a number's prediction": (lambda cue: cue.predict([1]), "Call predict_proba"),
}
NUMBERS: dict[str, tuple[Callable[[Cue], Any], str]] = {
    "a string": (lambda cue: cue.label({1: "3"}), "item 1 is '3'; the surrogate 'regression' takes numbers from 1 to"),
    "a set": (lambda cue: cue.label({1: {3}}), "takes numbers from 1 to 5"),
    "NaN": (lambda cue: cue.label({2: 3, 1: float("nan")}), "item 1 is nan"),
    "infinity": (lambda cue: cue.label({1: float("inf")}), "item 1 is inf"),
    "truth": (lambda cue: cue.label({1: True}), "item 1 is True"),
    "out of bounds": (lambda cue: cue.label({2: 3, 1: 5.5}), "item 1 is 5.5; .* takes numbers from 1 to 5"),
    "of one annotator": (lambda cue: cue.label({1: {7: 3, 9: 0}}), "item 1 is 0"),
    "a share of a class": (lambda cue: cue.class_quota({"3": 0.5}), "no single class"),
    "classes": (lambda cue: cue.set_classes(["3"]), "have no classes"),
    "probabilities": (lambda cue: cue.predict_proba([1]), "Call predict, which"),
}
REFUSED = [("multi-label", name) for name in SETS] + [("regression", name) for name in NUMBERS]


def told(surrogate: str) -> Cue:
    vectors = unit(20, 5)
    if surrogate == "regression":
        cue = Cue(vectors, surrogate=surrogate, bounds=(1, 5))
        cue.label({0: 4, 3: {7: 1.5, 9: 2}})
    else:
        cue = Cue(vectors, surrogate=surrogate, classes=CLASSES)
        cue.label({0: {"ham"}, 3: {7: set(), 9: {"ham", "spam"}}})
    cue.next(2)
    return cue


def contents(cue: Cue, path: Path) -> dict[str, bytes]:
    cue.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(("surrogate", "name"), REFUSED)
def test_what_is_refused_changes_nothing(surrogate: str, name: str, tmp_path: Path) -> None:
    call, words = (NUMBERS if surrogate == "regression" else SETS)[name]
    cue = told(surrogate)
    before = contents(cue, tmp_path / "cue.npz")
    with pytest.raises(BadRequest, match=words) as refused:
        call(cue)
    assert refused.value.remedy
    assert contents(cue, tmp_path / "cue.npz") == before


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"bounds": (1, 5)}, "have none"),
        ({"surrogate": "multi-label", "bounds": (1, 5)}, "have none"),
        ({"surrogate": "regression", "bounds": (5, 1)}, "the lower one first"),
        ({"surrogate": "regression", "bounds": (1, float("nan"))}, "the lower one first"),
        ({"surrogate": "regression", "bounds": 5}, "the lower one first"),
        ({"surrogate": "regression", "classes": ["a"]}, "have no classes"),
        ({"surrogate": "regression", "strategy": "margin"}, "makes no sense for labels that are numbers"),
    ],
)
def test_no_cue_is_made_of_what_does_not_fit_together(made: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        Cue(unit(5, 3), **made)
    assert refused.value.remedy
