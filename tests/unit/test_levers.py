"""What admins ask for overrides the strategy, in a stated order, and leaves no trace when it is taken back."""

import numpy as np
import pytest

from labelcue.engine import Cue

CLASSES = ("ham", "spam")
STRATEGIES = ("herding", "coreset", "coreset-margin", "margin", "random")


def pool(rows: int = 200, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    spam = rng.random(rows) < 0.4
    vectors = rng.standard_normal((rows, dim)) + np.where(spam, 1.2, -1.2)[:, None] * np.eye(dim)[0]
    return vectors.astype(np.float32), [CLASSES[int(yes)] for yes in spam]


def started(strategy: str = "herding", labels: int = 20) -> tuple[Cue, list[str]]:
    vectors, truth = pool()
    cue = Cue(vectors, strategy=strategy, classes=CLASSES)
    cue.label({item: truth[item] for item in range(labels)})
    return cue, truth


def ids(ranked) -> list[int]:
    return [one.id for one in ranked]


def same(one: object, two: object) -> None:
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(two, name), err_msg=name)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_held_and_done_items_are_out_until_they_are_let_in_again(strategy):
    cue, _ = started(strategy)
    before = cue.round(1, full=True)
    first = ids(cue.rank(6))
    cue.hold(first[:3])
    cue.done(first[3:])
    outcome = cue.round(2, full=True)
    assert (outcome.rank[first] == -1).all()
    assert (outcome.cover[first[:3]] > 0).all()  # held items cover nothing
    assert (outcome.cover[first[3:]] == -1).all()
    assert sorted(outcome.rank[outcome.rank >= 0]) == list(range(200 - 20 - 6))
    cue.unhold(first[:3])
    cue.undone(first[3:])
    same(cue.round(1, full=True), before)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_pinned_items_come_first_in_the_order_pinned(strategy):
    cue, truth = started(strategy)
    before = cue.round(1, full=True)
    cue.pin([150, 30])
    cue.pin([99, 150])
    ranked = cue.rank(10)
    assert ids(ranked)[:3] == [150, 30, 99]
    assert {one.reason for one in ranked[:3]} == {"pinned by an admin"}
    assert ranked[3].reason != ranked[0].reason
    assert [one.priority for one in ranked] == sorted([one.priority for one in ranked], reverse=True)
    cue.label({150: truth[150]})
    assert cue.next(2) == [30, 99]
    cue.unlabel([150])
    cue.release([30, 99])
    assert ids(cue.rank(3)) == [150, 30, 99]
    cue.unpin([150, 30, 99])
    same(cue.round(1, full=True), before)


def test_what_follows_pinned_items_is_ranked_as_if_they_were_taken():
    for strategy in ("herding", "coreset-margin"):
        pinned, taken = started(strategy)[0], started(strategy)[0]
        pinned.pin([150, 30])
        taken.lease([150, 30])
        assert ids(pinned.rank(40))[2:] == ids(taken.rank(38))


def test_pins_tell_their_distance_to_what_is_labelled_and_pinned_before():
    vectors, truth = pool()
    vectors[31] = vectors[30]
    vectors[32] = vectors[5]
    cue = Cue(vectors, classes=CLASSES)
    cue.label({5: truth[5]})
    cue.pin([30, 31, 32])
    novelty = [one.novelty for one in cue.rank(3)]
    assert novelty[0] > 0.1
    assert max(novelty[1:]) < 1e-5


def test_a_hold_stops_a_pin_and_many_pins_fill_the_head():
    cue, _ = started()
    cue.pin(range(20, 180))
    cue.hold([20, 21])
    assert cue.next(170) == [*range(22, 180), *ids_after(cue)][:170]


def ids_after(cue: Cue) -> list[int]:
    fresh, _ = started()
    fresh.lease(range(22, 180))
    fresh.hold([20, 21])
    return ids(fresh.rank(12))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_quotas_hold_in_every_prefix_of_the_head(strategy):
    cue, _ = started(strategy)
    of = {item: "rare" if item % 10 == 0 else "often" if item % 3 == 0 else "other" for item in range(200)}
    cue.quota({"rare": 0.15, "often": 0.5}, of=of)
    order = ids(cue.rank(60))
    for name, share in (("rare", 0.15), ("often", 0.5), ("other", 0.35)):
        had = np.cumsum([of[item] == name for item in order])
        assert np.abs(had - share * np.arange(1, 61)).max() <= 1
    assert len(set(ids(cue.rank(180)))) == 180
    outcome = cue.round(3)
    assert (np.diff(outcome.priority[outcome.order]) <= 0).all()
    cue.quota({})
    same(cue.round(1, full=True), started(strategy)[0].round(1, full=True))


def test_quotas_hold_over_labels_given_one_by_one_and_take_backs_do_not_count():
    cue, truth = started("coreset-margin")
    of = {item: "north" if item % 4 == 0 else "south" for item in range(200)}
    cue.quota({"north": 0.4}, of=of)
    had = 0
    for place in range(1, 41):
        (item,) = cue.next()
        if place % 5 == 0:  # Handed back: its place is given anew, to the same slice.
            cue.release([item])
            (again,) = cue.next()
            assert of[again] == of[item]
            item = again
        cue.label({item: truth[item]})
        had += of[item] == "north"
        assert abs(had - 0.4 * place) <= 1


def test_an_exhausted_slice_gives_way_to_the_rest_and_the_rest_to_it():
    cue, _ = started("margin")
    of = dict.fromkeys(range(20, 25), "few")
    cue.quota({"few": 0.5}, of=of)
    order = ids(cue.rank(180))
    assert sorted(item for item in order[:10] if item in of) == [20, 21, 22, 23, 24]
    assert sorted(order) == list(range(20, 200))
    cue.quota({"few": 1.0})
    assert set(ids(cue.rank(5))) == set(of)
    cue.hold([item for item in range(20, 200) if item not in of])
    cue.quota({"few": 0.1})
    assert set(cue.next(5)) == set(of)


@pytest.mark.parametrize("strategy", ["herding", "coreset", "coreset-margin"])
def test_what_a_slice_lacks_is_chosen_as_if_the_other_places_were_taken(strategy):
    vectors, _ = pool()
    vectors[180:] = vectors[0] + np.repeat(np.eye(12, dtype=np.float32)[:4], 5, axis=0) * 3  # Four bunches of copies.
    cue = Cue(vectors, strategy=strategy, classes=CLASSES)
    cue.label(dict.fromkeys(range(20), "ham"))  # One class: nothing is certain yet.
    cue.quota({"copies": 0.5}, of=dict.fromkeys(range(180, 200), "copies"))
    order = [item for item in ids(cue.rank(8)) if item >= 180]
    assert sorted((item - 180) // 5 for item in order) == [0, 1, 2, 3]


def test_the_strategys_order_stays_within_each_slice():
    for strategy in ("margin", "entropy", "random"):
        cue, _ = started(strategy)
        plain = ids(cue.rank(180))
        cue, _ = started(strategy)
        of = dict.fromkeys(range(0, 200, 2), "even")
        cue.quota({"even": 0.25}, of=of)
        order = ids(cue.rank(40))
        for even in (True, False):
            wanted = [item for item in plain if (item in of) == even]
            found = [item for item in order if (item in of) == even]
            if strategy != "random":  # Equal values are drawn anew where a slice is ranked by itself.
                assert found == wanted[: len(found)]
            assert len(found) == (10 if even else 30)


@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_audits_keep_their_share_of_what_is_served_and_are_remembered(share):
    cue, truth = started("coreset-margin")
    cue.audit(share, seed=4)
    for place in range(1, 61):
        ranked = cue.rank(1)[0]
        (item,) = cue.next()
        assert (item in cue.audited) == ranked.reason.startswith("audit: drawn at random")
        cue.label({item: truth[item]})
        assert abs(len(cue.audited) - share * place) <= 1
    odds = [chance for _, stream, chance in cue.facts["levers"]["drawn"] if stream == "audit"]
    assert len(odds) == len(cue.audited)
    assert all(1 / 180.1 <= one <= 1 / 119.9 for one in odds)
    cue.audit(0)
    assert not any("audit" in one.reason for one in cue.rank(50))
    assert len(cue.audited) == len(odds)


def test_audits_do_not_depend_on_strategy_or_labels():
    drawn = []
    for strategy in ("herding", "entropy"):
        cue, _ = started(strategy, labels=20 if strategy == "herding" else 5)
        cue.hold(range(5, 20))
        cue.audit(0.3, seed=1)
        drawn.append([one.id for one in cue.rank(40) if one.reason.startswith("audit")])
        assert len(drawn[-1]) == 12
    assert drawn[0] == [item for item in drawn[1] if item >= 20]


def test_audits_are_uniform_over_seeds():
    vectors, _ = pool(10)
    counts = np.zeros(10)
    for seed in range(300):
        cue = Cue(vectors, strategy="margin", classes=CLASSES)
        cue.audit(1.0, seed)
        counts[cue.next(1)] += 1
    assert ((counts - 30) ** 2 / 30).sum() < 27.9  # 99.9 % of chi-squared with 9 degrees of freedom


def test_an_audit_that_comes_back_is_drawn_again_first():
    cue, truth = started("margin")
    cue.audit(0.25)
    first = cue.next(8)
    assert len(cue.audited) == 2
    audit = next(item for item in first if item in cue.audited)
    cue.label({item: truth[item] for item in first if item != audit})
    cue.release([audit])
    assert audit not in cue.audited
    assert next(one.id for one in cue.rank(8) if one.reason.startswith("audit")) == audit
    cue.label({audit: truth[audit]})  # Taken from the queue, if not by `next`.
    assert audit in cue.audited


def test_pins_then_audits_then_quotas():
    cue, _ = started("margin")
    of = {item: "north" if item % 5 == 0 else "south" for item in range(200)}
    cue.quota({"north": 0.5}, of=of)
    cue.audit(0.25)
    cue.pin([77, 78])
    ranked = cue.rank(42)
    assert ids(ranked)[:2] == [77, 78]
    audits = [one.reason.startswith("audit") for one in ranked[2:]]
    assert sum(audits) == 10
    ordinary = [of[one.id] == "north" for one, audit in zip(ranked[2:], audits, strict=True) if not audit]
    assert np.abs(np.cumsum(ordinary) - 0.5 * np.arange(1, 31)).max() <= 1


def test_levers_are_json_and_make_the_same_queue_again():
    import json

    cue, truth = started()
    cue.quota({"a": 0.5}, of=dict.fromkeys(range(50), "a"))
    cue.audit(0.2, 3)
    cue.pin([60])
    cue.hold([61])
    cue.done([62])
    for item in cue.next(7):
        cue.label({item: {3: truth[item], -4: truth[item]}})
    again = Cue(pool()[0], facts=json.loads(json.dumps(cue.facts)))
    assert again.facts == cue.facts
    assert again.audited == cue.audited
    same(cue.round(4, full=True), again.round(4, full=True))
    assert cue.rank(30) == again.rank(30)


def test_removed_items_are_forgotten_by_the_levers():
    cue, _ = started()
    cue.quota({"a": 0.5}, of={30: "a", 31: "a"})
    cue.audit(0.5)
    for lever in (cue.pin, cue.hold, cue.done):
        lever([30])
    cue.remove([30, *cue.next(4)])
    assert "30" not in str(cue.facts["levers"])
    assert not cue.audited
    assert len(cue.rank(200)) == 175


def test_chances_are_told_where_they_are_known_and_nowhere_else():
    cue, _ = started("random")
    cue.pin([50])
    assert [one.propensity for one in cue.rank(3)] == [None, pytest.approx(1 / 179), pytest.approx(1 / 178)]
    cue.audit(0.5)
    told = [(one.reason.startswith("audit"), one.propensity) for one in cue.rank(9)]
    assert [chance is not None for _, chance in told] == [audit for audit, _ in told]
    assert [chance for _, chance in told if chance] == pytest.approx([1 / 179, 1 / 177, 1 / 175, 1 / 173])
    cue.audit(0)
    cue.quota({"a": 0.5}, of=dict.fromkeys(range(0, 200, 3), "a"))
    assert {one.propensity for one in cue.rank(20)} == {None}
