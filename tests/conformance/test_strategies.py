"""Every registered strategy, on its first day."""

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.strategies import create_strategy, strategies
from labelcue.strategies.params import params_of

ROWS, DIM, CLASSES = 240, 12, ("a", "b", "c")


@pytest.fixture(params=strategies.names())
def name(request) -> str:
    return request.param


def pool(seed: int = 0, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, len(CLASSES), rows)
    vectors = np.eye(len(CLASSES), DIM)[groups] + 0.4 * rng.standard_normal((rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), groups


def labelled(name: str, count: int = 20, order: np.ndarray | None = None) -> Cue:
    vectors, groups = pool()
    order = np.arange(ROWS) if order is None else order
    cue = Cue(vectors[order], order, strategy=name, classes=CLASSES)
    cue.label({item: CLASSES[groups[item]] for item in range(count)})
    return cue


def test_it_says_what_it_does_in_one_sentence(name):
    strategy = create_strategy(name)
    assert strategy.name == name
    assert strategy.summary.endswith(".")
    assert "\n" not in strategy.summary


def test_it_says_when_to_use_it_and_what_its_parameters_do(name):
    strategy = create_strategy(name)
    assert strategy.when.endswith(".")
    for param in params_of(strategy):
        assert param.says.endswith(".")
        assert param.allows(param.default)
        for bound in (param.least, param.most):
            assert bound is None or getattr(create_strategy(name, {param.name: bound}), param.name) == bound


@pytest.mark.parametrize("count", [0, 1, 2, 20])
@pytest.mark.parametrize("head", [0, 1, 30, 10_000])
def test_every_candidate_has_one_place(name, count, head):
    cue = labelled(name, count)
    cue.skip([200, 201])
    cue.lease([210])
    outcome = cue.round(3, head=head)
    out = {*range(count), 200, 201, 210}
    queued = np.setdiff1d(np.arange(ROWS), sorted(out))
    assert (outcome.rank[sorted(out)] == -1).all()
    assert sorted(outcome.rank[queued].tolist()) == list(range(len(queued)))
    along = outcome.priority[outcome.order]
    assert along.min() >= 0
    assert along[0] == 1
    assert (np.diff(along) <= 0).all()
    assert outcome.novelty.min() >= 0
    assert outcome.novelty.max() <= 1
    assert outcome.priority.dtype == outcome.novelty.dtype == np.float32


@pytest.mark.parametrize("count", [0, 20])
def test_the_order_of_rows_does_not_matter(name, count):
    shuffled = np.random.default_rng(5).permutation(ROWS)
    assert labelled(name, count).next(25) == labelled(name, count, shuffled).next(25)


def test_seeds_are_reproducible(name):
    one, two = labelled(name).round(7, head=20), labelled(name).round(7, head=20)
    np.testing.assert_array_equal(one.rank, two.rank)
    np.testing.assert_array_equal(one.priority, two.priority)


DIVERSE = [name for name in strategies.names() if create_strategy(name).diverse]


@pytest.mark.parametrize("name", DIVERSE)
@pytest.mark.parametrize("count", [0, 24])
def test_diverse_ones_never_serve_copies_together(name, count):
    vectors, groups = pool(rows=60)
    copies = np.repeat(vectors, 4, axis=0)
    cue = Cue(copies, strategy=name, classes=CLASSES)
    cue.label({4 * item: CLASSES[groups[item]] for item in range(count)})
    served = [item // 4 for item in cue.next(20)]
    assert len(set(served)) == 20
    assert not set(served) & set(range(count))


def test_no_labels_one_class_and_no_classes(name):
    vectors, _ = pool()
    cue = Cue(vectors, strategy=name)
    assert len(cue.next(5)) == 5
    assert cue.predict_proba([0]).shape == (1, 0)
    cue.label(dict.fromkeys(cue.next(5), "only"))
    assert len(set(cue.next(5))) == 5
    np.testing.assert_allclose(cue.predict_proba([0, 1]), 1)


def test_a_pool_that_is_used_up(name):
    vectors, _ = pool()
    cue = Cue(vectors[:3], strategy=name, classes=CLASSES)
    assert sorted(cue.next(3)) == [0, 1, 2]
    assert cue.rank(10) == []
    assert (cue.round(0).rank == -1).all()


def test_reasons_are_sentences(name):
    for cue in (labelled(name, 0), labelled(name, 20)):
        assert all(ranked.reason for ranked in cue.rank(240))
