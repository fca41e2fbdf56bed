"""What stands in a queue by lot: audits that measure the model honestly, exploration, and shares of classes."""

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.errors import BadRequest
from labelcue.pool.draws import draw
from labelcue.pool.turns import lots

CLASSES = ("ham", "spam")


def pool(rows: int = 200, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    spam = rng.random(rows) < 0.4
    vectors = rng.standard_normal((rows, dim)) + np.where(spam, 1.2, -1.2)[:, None] * np.eye(dim)[0]
    return vectors.astype(np.float32), [CLASSES[int(yes)] for yes in spam]


def started(strategy: str = "margin", labels: int = 20) -> tuple[Cue, list[str]]:
    vectors, truth = pool()
    cue = Cue(vectors, strategy=strategy, classes=CLASSES)
    cue.label({item: truth[item] for item in range(labels)})
    return cue, truth


def test_the_model_does_not_learn_from_audits_until_they_are_retired() -> None:
    honest, liar = started()[0], started()[0]
    truth = pool()[1]
    for cue in (honest, liar):
        cue.audit(0.25)
        for item in cue.next(40):
            said = truth[item]
            if cue is liar and item in cue.audited:
                said = CLASSES[1 - CLASSES.index(said)]
            cue.label({item: said})
    assert len(honest.held_out) == 10
    one, two = honest.round(3, full=True), liar.round(3, full=True)
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.rank, two.rank)
    assert one.labelled == 20 + 30
    assert (one.rank[honest.held_out] == -1).all()
    assert sorted(honest.retire()) == sorted(liar.retire())
    assert not honest.audited
    assert honest.round(3, full=True).labelled == 60
    assert not np.array_equal(honest.round(3, full=True).weights, liar.round(3, full=True).weights)


def test_audits_cover_nothing() -> None:
    cue, truth = started("coreset")
    cue.audit(1.0)
    first = cue.next(5)
    assert (cue.round(1).cover[first] > 0).all()
    cue.label({item: truth[item] for item in first})
    assert (cue.round(1).cover[first] > 0).all()
    cue.retire()
    assert (cue.round(1).cover[first] == -1).all()


@pytest.mark.parametrize("strategy", ["margin", "herding"])
def test_no_strategy_takes_what_is_set_aside_and_a_whole_pool_is_served_once(strategy: str) -> None:
    cue, truth = started(strategy)
    cue.audit(0.2, seed=7)
    aside = set(np.flatnonzero(lots(np.arange(200), 7) < 0.2 * 2**64)) - set(range(20))
    served: list[int] = []
    while len(served) < 180:
        some = cue.next(min(15, 180 - len(served)))
        if len(served) < 120:
            assert not (set(some) & aside) - cue.audited
        cue.label({item: truth[item] for item in some})
        served += some
    assert sorted(served) == list(range(20, 200))
    assert aside <= cue.audited
    assert len(cue.audited) <= 1.5 * len(aside)


def test_audits_are_a_fair_sample_of_the_whole_pool_whatever_the_strategy_prefers() -> None:
    """Here all other places go to one kind, so that what is left of the pool is the other kind more and more."""
    vectors, _ = pool(60)
    kind = vectors[:, 0] > 0
    found = []
    for seed in range(150):
        cue = Cue(vectors, strategy="margin", classes=CLASSES)
        cue.quota({"wanted": 1.0}, of=dict.fromkeys(np.flatnonzero(kind).tolist(), "wanted"))
        cue.audit(0.3, seed)
        for _ in range(3):
            cue.label(dict.fromkeys(cue.next(10), "ham"))
        assert 8 <= len(cue.audited) <= 10
        found.append(np.mean(kind[sorted(cue.audited)]))
        assert np.mean(kind[[one.id for one in cue.rank(60)]]) < kind.mean() - 0.1
    assert abs(np.mean(found) - kind.mean()) < 0.05


def test_exploration_keeps_its_share_and_is_learned_from() -> None:
    cue, truth = started("coreset-margin")
    cue.explore(0.25)
    explored = 0
    for place in range(1, 41):
        ranked = cue.rank(1)[0]
        (item,) = cue.next()
        explored += ranked.reason.startswith("explored: drawn at random")
        assert (ranked.propensity is not None) == ranked.reason.startswith("explored")
        cue.label({item: truth[item]})
        assert abs(explored - 0.25 * place) <= 1
    assert not cue.audited
    assert {one.stream for one in cue.drawn.values()} == {"explore"}
    assert cue.round(2).labelled == 60


def test_audits_and_exploration_share_a_head() -> None:
    cue, _ = started()
    cue.audit(0.1)
    cue.explore(0.2)
    reasons = [one.reason.partition(":")[0] for one in cue.rank(60)]
    assert abs(reasons.count("audit") - 6) <= 1
    assert abs(reasons.count("explored") - 12) <= 1
    chances = [one.propensity for one in cue.rank(60) if one.reason.startswith("explored")]
    assert all(1 / 180 <= one <= 1 / 90 for one in chances if one)
    assert len(set(cue.next(180))) == 180


def test_what_was_drawn_before_is_drawn_first() -> None:
    numbers, free = (lots(np.arange(100), 0), lots(np.arange(100), 1)), np.arange(100)
    before = np.zeros(100, dtype=bool)
    before[[17, 90]] = True
    explored = np.zeros(100, dtype=bool)
    explored[np.flatnonzero(numbers[0] > 0.5 * 2**64)[:2]] = True
    drawn = draw(numbers, free, 40, (0.1, 0.1), (before, explored), (0, 0, 0))
    assert set(drawn.drawn[~drawn.explores][:2]) == {17, 90}
    assert explored[drawn.drawn[drawn.explores][:2]].all()
    off = draw(numbers, free, 40, (0.0, 0.0), (before, before), (0, 0, 0))
    assert (list(off.drawn), sorted(off.reserved)) == ([], [17, 90])


def test_classes_have_their_share_by_prediction_and_by_label() -> None:
    cue, truth = started()
    cue.class_quota({"spam": 0.7})
    predicted = cue.round(1).probabilities.argmax(axis=1)
    order = [one.id for one in cue.rank(50)]
    had = np.cumsum([predicted[item] == 1 for item in order])
    assert np.abs(had - 0.7 * np.arange(1, 51)).max() <= 1
    wrong = [item for item in order[:20] if CLASSES[predicted[item]] != truth[item]]
    cue.label({item: truth[item] for item in cue.next(20)})
    spam = sum(truth[item] == "spam" for item in order[:20])
    cue.round(2)
    then = cue._wishes(cue._candidates(cue._labelled()[0]), 50, cue.round(2).probabilities)
    assert then.given.tolist() == [spam, 20 - spam], wrong
    cue.class_quota({})
    assert not cue._wishes(cue._candidates(cue._labelled()[0]), 50, None).shares.size


def test_a_class_and_a_slice_are_held_at_once() -> None:
    cue, _ = started()
    of = {item: "north" if item % 3 == 0 else "south" for item in range(200)}
    cue.quota({"north": 0.5}, of=of)
    cue.class_quota({"spam": 0.6})
    predicted = cue.round(1).probabilities.argmax(axis=1)
    order = [one.id for one in cue.rank(30)]
    assert abs(sum(of[item] == "north" for item in order) - 15) <= 2
    assert abs(sum(predicted[item] == 1 for item in order) - 18) <= 2


def test_class_quotas_wait_for_a_model() -> None:
    cue = Cue(pool()[0], strategy="margin", classes=CLASSES)
    before = cue.round(1).rank
    cue.class_quota({"spam": 0.9})
    np.testing.assert_array_equal(cue.round(1).rank, before)


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (lambda cue: cue.class_quota({"eggs": 0.2}), "no class 'eggs'"),
        (lambda cue: cue.class_quota({"ham": 0.7, "spam": 0.7}), "sum to 1.4"),
        (lambda cue: cue.class_quota([1]), "dictionary"),
        (lambda cue: cue.explore(1.2), "of exploration"),
        (lambda cue: (cue.audit(0.6), cue.explore(0.6)), "sum to 1.2"),
    ],
)
def test_shares_that_cannot_be_are_refused(say, words: str) -> None:
    cue, _ = started()
    with pytest.raises(BadRequest, match=words):
        say(cue)
    assert cue.facts["levers"]["class_shares"] == {}
    assert cue.facts["levers"]["explore"] == 0
