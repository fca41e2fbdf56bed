"""Orders drawn by lot: the chances that are told are those by which it is drawn."""

from itertools import permutations

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.errors import BadRequest
from labelcue.labels.measures import EASIEST, hardness
from labelcue.strategies import create_strategy
from labelcue.strategies.drawing import chances
from views import some_pool, view_of

DRAWN = [
    ("random", {}),
    ("power-margin", {}),
    ("power-margin", {"beta": 4.0}),
    ("hardness", {}),
    ("hardness", {"alpha": -1.0}),
]


def weights(name: str, params: dict[str, float], probabilities: np.ndarray) -> np.ndarray:
    """What each strategy says that it draws by, written anew."""
    if name == "random":
        return np.ones(len(probabilities))
    if name == "hardness":
        gini = 1 - (probabilities.astype(np.float64) ** 2).sum(axis=1)
        return np.maximum(gini / 2, 4.5e-5) ** params.get("alpha", 0.5)
    two = np.sort(probabilities.astype(np.float64), axis=1)[:, -2:]
    return np.maximum(1 - (two[:, 1] - two[:, 0]), 1 / 4096) ** params.get("beta", 1.0)


@pytest.mark.parametrize(("name", "params"), DRAWN)
@pytest.mark.parametrize("classes", [2, 4])
def test_the_chances_are_the_shares_of_what_is_left(name, params, classes):
    vectors, probabilities = some_pool(60, classes, 3)
    ranking = create_strategy(name, params).rank(view_of(vectors, probabilities, seed=1))
    left = weights(name, params, probabilities)[ranking.order]
    want = [left[place] / left[place:].sum() for place in range(60)]
    assert ranking.propensity is not None
    assert ranking.propensity.dtype == np.float32
    assert ranking.propensity.min() > 0
    np.testing.assert_allclose(ranking.propensity, want, rtol=0.01 if name == "power-margin" else 1e-4)
    assert ranking.propensity[-1] == 1


@pytest.mark.parametrize(("name", "params"), DRAWN)
def test_orders_come_as_often_as_their_chances_say(name, params):
    vectors, probabilities = some_pool(4, 3, 7)
    draws, seen, told = 6000, dict.fromkeys(permutations(range(4)), 0), {}
    for seed in range(draws):
        ranking = create_strategy(name, params).rank(view_of(vectors, probabilities, seed=seed))
        order = tuple(ranking.order.tolist())
        seen[order] += 1
        told[order] = float(np.prod(ranking.propensity))
    for order, chance in told.items():
        assert seen[order] / draws == pytest.approx(chance, abs=4.5 * np.sqrt(chance / draws))
    assert sum(told.values()) <= 1 + 1e-5


@pytest.mark.parametrize("labels", [1, 6, 30])
@pytest.mark.parametrize(("name", "params"), DRAWN)
def test_estimates_weighted_by_the_chances_are_unbiased(name, params, labels):
    vectors, probabilities = some_pool(30, 3, 2)
    value, m = probabilities.max(axis=1), np.arange(1, labels + 1)
    estimates = []
    for seed in range(1500):
        ranking = create_strategy(name, params).rank(view_of(vectors, probabilities, seed=seed))
        chance = ranking.propensity[:labels]
        weight = 1 + (30 - labels) / np.maximum(30 - m, 1) * (1 / ((30 - m + 1) * chance) - 1)
        estimates.append(np.mean(weight * value[ranking.order[:labels]]))
    assert np.mean(estimates) == pytest.approx(value.mean(), abs=4 * np.std(estimates) / np.sqrt(1500) + 1e-6)


def test_extreme_weights_keep_a_chance():
    log = np.log(np.array([1.0, 1e-4, 1e-30, 0.5]))
    order = np.argsort(-log)
    told = chances(log[order])
    np.testing.assert_allclose(told, [1 / 1.5001, 0.5 / 0.5001, 1, 1], rtol=1e-6)
    last = chances(np.log(np.array([1e-30, 1.0])))
    assert 0 < last[0] < 1e-29
    sure = np.tile(np.array([1.0, 0.0]), (2000, 1))
    vectors, _ = some_pool(2000, 2)
    sure[0] = 0.5
    for name, params in (("power-margin", {"beta": 8.0}), ("hardness", {"alpha": 8.0}), ("hardness", {"alpha": -8.0})):
        ranking = create_strategy(name, params).rank(view_of(vectors, sure))
        assert ranking.propensity.min() > 0
        assert np.isfinite(ranking.priority).all()
        assert (ranking.order[0] == 0) == (params.get("alpha", 1) > 0)


def test_hardness_is_p_times_one_minus_p_for_two_classes():
    p = np.linspace(0.001, 0.999, 50, dtype=np.float32)
    np.testing.assert_allclose(hardness(np.column_stack([p, 1 - p])), p * (1 - p), rtol=1e-3)
    assert hardness(np.array([[1, 0, 0]], dtype=np.float32))[0] == EASIEST


def test_all_are_equal_until_something_is_trained():
    vectors, probabilities = some_pool(20, 3)
    for name in ("power-margin", "hardness"):
        ranking = create_strategy(name).rank(view_of(vectors, probabilities, trained=False))
        np.testing.assert_allclose(ranking.propensity, 1 / np.arange(20, 0, -1), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("power-margin", {"beta": -0.1}),
        ("power-margin", {"beta": np.nan}),
        ("hardness", {"alpha": 9}),
        ("hardness", {"alpha": np.inf}),
        ("hardness", {"alpha": "much"}),
        ("cluster-margin", {"times": 0}),
        ("cluster-margin", {"batch": -3}),
    ],
)
def test_parameters_out_of_range_are_named(name, params):
    with pytest.raises(BadRequest, match=next(iter(params))):
        create_strategy(name, params)


def test_the_chance_reaches_the_queue_and_survives_saving(tmp_path):
    vectors, _ = some_pool(50, 3)
    cue = Cue(vectors, strategy="power-margin", classes=("a", "b"))
    cue.label({0: "a", 1: "b", 2: "a"})
    ranked = cue.rank(47)
    left = [one.propensity for one in ranked]
    assert min(left) > 0
    assert left[-1] == 1
    assert "with a chance of 1 in" in ranked[0].reason
    cue.save(tmp_path / "cue.npz")
    assert Cue.load(tmp_path / "cue.npz").rank(47) == ranked
    served = cue.next(5)
    assert served == [one.id for one in ranked[:5]]
    cue.round(5)
    cue.set_strategy("margin")
    assert {one.propensity for one in cue.rank(5)} == {None}
