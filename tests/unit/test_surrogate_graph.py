"""Labels over the neighbour graph: the closed form, held-out choices, and the head alone where it does not help."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labelcue.engine import Cue
from labelcue.surrogates.spread import ALPHA, operator, share_out, vote

CLASSES = [str(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    raw = load_digits()
    return raw.data[:900].astype(np.float32), raw.target[:900]


def labelled(vectors: np.ndarray, said: np.ndarray, rows: np.ndarray, surrogate: str) -> Cue:
    cue = Cue(vectors, strategy="random", classes=CLASSES, surrogate=surrogate)
    cue.label({int(row): str(said[row]) for row in rows})
    return cue


def test_the_steps_reach_the_closed_form(digits):
    vectors, target = digits
    step = operator(Cue(vectors[:300])._grown().edges())
    assert abs(step - step.T).max() < 1e-6
    assert not step.diagonal().any()
    given = np.zeros((300, 10), dtype=np.float32)
    given[np.arange(30), target[:30]] = 1
    dense = np.linalg.solve(np.eye(300) - ALPHA * step.toarray().astype(np.float64), given)
    np.testing.assert_allclose(share_out(step, given), dense, atol=2e-3 * dense.max())


def test_a_row_that_no_label_reaches_votes_for_all_alike():
    mass = np.array([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    votes = vote(mass, mass.sum(axis=0), np.array([1.0, 0.0], dtype=np.float32), 2)
    assert votes[0, 0] > votes[0, 1]
    np.testing.assert_allclose(np.exp(votes[1]), 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_it_helps_where_neighbours_agree(digits, seed):
    vectors, target = digits
    order = np.random.default_rng(seed).permutation(900)
    right = {}
    for name in ("logistic", "graph"):
        outcome = labelled(vectors, target, order[:50], name).round(seed, full=True)
        right[name] = (outcome.probabilities[order[50:]].argmax(1) == target[order[50:]]).mean()
        assert (outcome.share > 0) == (name == "graph")
        np.testing.assert_allclose(outcome.probabilities.sum(axis=1), 1, atol=1e-5)
    assert right["graph"] > right["logistic"] + 0.02


def test_labels_by_chance_leave_it_to_the_head(digits):
    vectors, _ = digits
    shares = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        shares.append(labelled(vectors, rng.integers(0, 10, 900), rng.permutation(900)[:60], "graph").round(seed).share)
    assert shares.count(0.0) >= 5


def test_without_a_share_it_is_the_head_to_the_last_bit(digits, monkeypatch):
    vectors, target = digits
    monkeypatch.setattr("labelcue.surrogates.graph.LARGEST", 100)
    one, two = (labelled(vectors, target, np.arange(60), name).round(1) for name in ("logistic", "graph"))
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_the_share_lasts_until_the_labels_have_grown_and_survives_a_restore(digits, tmp_path):
    vectors, target = digits
    steady = labelled(vectors, target, np.arange(60), "graph")
    first = steady.round(1)
    steady.save(tmp_path / "cue.npz")
    again = Cue.load(tmp_path / "cue.npz")
    outcomes = []
    for cue in (steady, again):
        cue.label({61: str(target[61])})
        outcomes.append(cue.round(2))
    assert outcomes[0].share == first.share > 0
    for name, value in vars(outcomes[0]).items():
        np.testing.assert_array_equal(value, getattr(outcomes[1], name), err_msg=name)
