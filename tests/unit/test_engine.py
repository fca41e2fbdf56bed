"""Cue in a notebook's hands: what is said takes effect exactly, and can be taken back exactly."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labelcue.engine import Cue
from labelcue.errors import BadRequest, NotFound, UnknownName
from labelcue.pool.graph import Graph


def pool(rows: int = 300, dim: int = 16, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    spam = rng.random(rows) < 0.4
    vectors = rng.standard_normal((rows, dim)) + np.where(spam, 1.2, -1.2)[:, None] * np.eye(dim)[0]
    return vectors.astype(np.float32), ["spam" if yes else "ham" for yes in spam]


def same(one, two) -> None:
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(two, name), err_msg=name)


def test_next_leases_and_labels_steer():
    vectors, truth = pool()
    cue = Cue(vectors)
    seen: list[int] = []
    for _ in range(12):
        ids = cue.next(5)
        assert not set(ids) & set(seen)
        seen += ids
        cue.label({item: truth[item] for item in ids})
    rest = np.setdiff1d(np.arange(300), seen)
    guessed = [cue.classes[best] for best in cue.predict_proba(rest).argmax(1)]
    assert np.mean([guess == truth[item] for guess, item in zip(guessed, rest, strict=True)]) > 0.85


def test_the_head_follows_what_is_said_before_the_next_round():
    vectors, truth = pool()
    cue = Cue(vectors, classes=["spam", "ham"])
    cue.label({item: truth[item] for item in range(10)})
    first = cue.rerank(12)
    assert first == [ranked.id for ranked in cue.rank(12)]
    cue.label({first[0]: truth[first[0]], first[1]: "ham"})
    cue.skip(first[2:3])
    cue.lease(first[3:5])
    then = cue.rerank(12)
    assert not set(then) & set(first[:5])
    cue.release(first[3:5])
    cue.unlabel(first[:2])
    cue.unskip(first[2:3])
    assert cue.rerank(12) == first
    cue.round(3)
    assert cue.rerank(5) == [ranked.id for ranked in cue.rank(5)]


def test_levers_hold_in_the_head_that_follows():
    vectors, truth = pool()
    cue = Cue(vectors, classes=["spam", "ham"])
    cue.label({item: truth[item] for item in range(10)})
    first = cue.rerank(12)
    cue.pin([first[7]])
    cue.hold(first[:1])
    cue.done(first[1:2])
    then = cue.rerank(12)
    assert then[0] == first[7]
    assert not set(then) & set(first[:2])
    assert len(set(then)) == 12
    cue.quota({"late": 0.5}, of=dict.fromkeys(range(150, 300), "late"))
    assert cue.rerank(10) == [ranked.id for ranked in cue.rank(10)]


def test_without_neighbours_a_rerank_is_a_round():
    vectors, truth = pool()
    cue = Cue(vectors, strategy="margin")
    assert cue.rerank(3) == [ranked.id for ranked in cue.rank(3)]
    cue = Cue(vectors)
    cue.next()
    cue.set_strategy("entropy")
    cue.label({item: truth[item] for item in range(20)})
    assert cue.rerank(3) == [ranked.id for ranked in cue.rank(3)]


def test_next_goes_on_past_the_greedy_head_and_stops_at_the_end():
    vectors, _ = pool(260)
    cue = Cue(vectors)
    served = [item for _ in range(26) for item in cue.next(10)]
    assert sorted(served) == list(range(260))
    with pytest.raises(BadRequest, match="0 are left"):
        cue.next(1)


def test_ids_may_be_strings():
    vectors, truth = pool(40)
    cue = Cue(vectors, [f"mail-{row:02d}" for row in range(40)])
    (item,) = cue.next()
    cue.label({item: truth[int(item[-2:])]})
    assert isinstance(cue.rank(1)[0].id, str)
    assert "mail-03" in cue
    assert 3 not in cue


def test_unlabel_and_release_leave_no_trace():
    vectors, truth = pool()
    cue, other = (Cue(vectors, classes=("ham", "spam")) for _ in range(2))
    for each in (cue, other):
        each.label({item: truth[item] for item in range(20)})
        each.round(1)
    cue.label({item: truth[item] for item in range(100, 105)})
    cue.lease([110, 111])
    cue.skip([120])
    cue.round(2)
    cue.unlabel(range(100, 105))
    cue.release([110, 111])
    cue.unskip([120])
    one, two = cue.round(3), other.round(3)
    np.testing.assert_array_equal(one.cover, two.cover)
    assert (one.probabilities.argmax(1) == two.probabilities.argmax(1)).mean() > 0.99
    same(cue.round(4, full=True), other.round(4, full=True))


@pytest.mark.parametrize("count", [3, 7, 31, 63])
def test_a_restored_engine_goes_on_bit_by_bit(count):
    vectors, truth = pool()
    order = np.random.default_rng(9).permutation(300).tolist()
    said = {item: truth[item] for item in order[:count]}
    cue = Cue(vectors, classes=("ham", "spam"))
    for number, (item, label) in enumerate(said.items()):
        cue.label({item: label})
        if number % 7 == count % 7:
            cue.round(number)
    cue.lease(order[count : count + 2])
    outcome = cue.round(77, head=50)

    again = Cue(vectors, classes=("spam", "ham"))
    again.label(dict(reversed(said.items())))
    again.lease(order[count : count + 2])
    again.restore(outcome)
    for each in (cue, again):
        each.label({order[count]: truth[order[count]], order[-1]: {4: "ham", 5: "spam"}})
        each.unlabel(order[:1])
    same(cue.round(78, head=50), again.round(78, head=50))
    same(cue.round(79, full=True, head=50), again.round(79, full=True, head=50))


def test_saving_and_loading_changes_nothing(tmp_path):
    vectors, truth = pool()
    cue = Cue(vectors, [f"m{row}" for row in range(300)], strategy="coreset-margin", params={"power": 2.0}, seed=5)
    cue.label({f"m{row}": truth[row] for row in range(30)})
    cue.label({"m40": {7: "spam", 9: "ham"}})
    cue.remove(["m50"])
    cue.next(4)
    cue.skip(["m60"])
    cue.save(tmp_path / "cue.npz")
    again = Cue.load(tmp_path / "cue.npz")
    assert "m50" not in again
    assert again.classes == cue.classes
    assert cue.rank(20) == again.rank(20)
    assert cue.next(3) == again.next(3)
    same(cue.round(1), again.round(1))


def test_growing_and_adding_equal_starting_with_all():
    vectors, truth = pool()
    said = {item: truth[item] for item in range(25)}
    whole = Cue(vectors, classes=("ham", "spam"))
    grown = Cue(vectors[:200], classes=("ham", "spam"))
    added = Cue(vectors[:200], classes=("ham", "spam"))
    for each in (whole, grown, added):
        each.label(said)
    grown.round(0)
    grown.grow(vectors, np.arange(200, 300))
    added.add(vectors[200:], np.arange(200, 300))
    same(whole.round(1, full=True), grown.round(1, full=True))
    same(whole.round(2, full=True), added.round(2, full=True))


def test_an_id_that_comes_again_moves_to_its_new_vector():
    vectors, truth = pool()
    cue = Cue(vectors[:100], strategy="coreset-margin", classes=("ham", "spam"))
    cue.label({3: truth[3]})
    cue.round(0)
    cue.add(vectors[200:201], [3])
    assert len(cue) == 100
    fresh = Cue(
        np.concatenate([vectors[:3], vectors[200:201], vectors[4:100]]),
        strategy="coreset-margin",
        classes=("ham", "spam"),
    )
    fresh.label({3: truth[3]})
    one, two = cue.round(1, full=True), fresh.round(1, full=True)
    np.testing.assert_array_equal(one.cover, two.cover)
    np.testing.assert_array_equal(one.ids[one.order], two.ids[two.order])


def test_rows_that_are_out_of_use_are_no_copies_and_have_no_place():
    vectors, _ = pool()
    cue = Cue(vectors[:100], strategy="herding", classes=("ham", "spam"))
    cue.add(np.repeat(vectors[200:201], 30, axis=0), range(1000, 1030))
    cue.remove(range(1001, 1030))
    assert sorted(cue.next(101)) == [*range(100), 1000]


def test_a_graph_is_handed_on_and_never_runs_ahead_of_its_rows():
    vectors, truth = pool()
    graph = Graph()
    said = {item: truth[item] for item in range(25)}
    made = [Cue(vectors[:rows], classes=("ham", "spam"), graph=graph) for rows in (200, 300)]
    made.append(Cue(vectors[:200], classes=("ham", "spam"), graph=graph))
    for cue in made:
        cue.label(said)
        alone = Cue(vectors[: len(cue)], classes=("ham", "spam"))
        alone.label(said)
        same(cue.round(1, full=True), alone.round(1, full=True))
    assert graph.rows == 300


def test_removed_items_are_forgotten():
    vectors, truth = pool(50)
    cue = Cue(vectors, classes=("ham", "spam"))
    cue.label({1: truth[1], 2: truth[2]})
    cue.remove([1, 30])
    outcome = cue.round(0)
    assert outcome.labelled == 1
    assert outcome.ids.tolist() == [item for item in range(50) if item not in (1, 30)]
    with pytest.raises(NotFound, match="30"):
        cue.label({30: "ham"})


def test_new_classes_are_appended_and_lost_ones_do_not_count():
    vectors, truth = pool()
    cue = Cue(vectors, classes=("ham", "spam"))
    cue.label({item: truth[item] for item in range(30)})
    before = cue.round(0)
    cue.set_classes(["fraud", "spam", "ham"])
    after = cue.round(1)
    assert after.classes == ("ham", "spam", "fraud")
    assert (after.probabilities.argmax(1) == before.probabilities.argmax(1)).mean() > 0.99
    cue.set_classes(["ham", "fraud"])
    assert cue.round(2).labelled == sum(label == "ham" for label in truth[:30])


def test_classes_are_learned_in_order_of_appearance():
    vectors, _ = pool()
    cue = Cue(vectors)
    cue.label({2: "b", 1: "c"})
    cue.label({3: {1: "a", 2: "b"}})
    assert cue.classes == ("b", "c", "a")
    assert cue.round(0).probabilities.shape == (300, 3)


def test_a_label_outside_the_classes_changes_nothing():
    vectors, _ = pool()
    cue = Cue(vectors, classes=("ham", "spam"))
    with pytest.raises(BadRequest, match=r"'eggs' of item 2 .* ham, spam"):
        cue.label({1: "ham", 2: "eggs"})
    assert cue.round(0).labelled == 0


@pytest.mark.parametrize("wrong", [7, None, "", {}, {1: 3}])
def test_labels_are_strings(wrong):
    vectors, _ = pool(10)
    with pytest.raises(BadRequest, match="item 4"):
        Cue(vectors).label({4: wrong})


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_vectors_without_direction_are_refused_by_name(value):
    vectors, _ = pool(20)
    vectors[13] = value
    with pytest.raises(BadRequest, match=r"vectors of 'i13' hold NaN or infinity, or are zero"):
        Cue(vectors, [f"i{row}" for row in range(20)])
    cue = Cue(vectors[:10])
    with pytest.raises(BadRequest, match="vectors of 13 "):
        cue.grow(vectors, np.arange(10, 20))
    assert len(cue.next(10)) == 10


def test_wrong_ids_shapes_and_names_are_refused():
    vectors, _ = pool(20)
    cue = Cue(vectors)
    for call in (cue.label, cue.unlabel, cue.skip, cue.unskip, cue.lease, cue.release, cue.remove, cue.predict_proba):
        with pytest.raises(NotFound, match="99"):
            call({99: "ham"} if call == cue.label else [99])
    for bad in ([1.5] * 20, ["a", 1] * 10, [True] * 20, range(19)):
        with pytest.raises(BadRequest):
            Cue(vectors, bad)
    with pytest.raises(BadRequest, match="dimensions"):
        cue.grow(np.ones((30, 3), np.float32), range(10))
    with pytest.raises(UnknownName, match="coreset"):
        Cue(vectors, strategy="oracle")
    with pytest.raises(BadRequest, match="power"):
        Cue(vectors, strategy="coreset-margin", params={"strength": 3})
    for wrong in (0, 21):
        with pytest.raises(BadRequest, match="20 are left"):
            cue.next(wrong)


def test_reasons_name_the_classes_in_doubt():
    vectors, truth = pool()
    cue = Cue(vectors)
    assert "nothing labelled resembles it" in cue.rank(1)[0].reason
    cue.label({item: truth[item] for item in range(40)})
    ranked = cue.rank(5)
    assert any("hesitates between" in one.reason and "ham" in one.reason for one in ranked)
    assert ranked[0].priority == 1
    assert [one.id for one in ranked] == cue.next(5)


def test_a_corrupt_file_is_named(tmp_path):
    from labelcue.errors import Corrupt

    vectors, _ = pool(10)
    path = tmp_path / "cue.npz"
    Cue(vectors).save(path)
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(Corrupt, match=r"cue\.npz"):
            Cue.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(Corrupt, match=r"cue\.npz"):
        Cue.load(path)


def curve(strategy: str, seed: int) -> float:
    raw = load_digits()
    vectors = raw.data.astype(np.float32)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(vectors))
    train, test = np.sort(shuffled[:1200]), shuffled[1200:]
    unit = vectors[test] / np.linalg.norm(vectors[test], axis=1, keepdims=True)
    cue = Cue(vectors[train], train, strategy=strategy, classes=[str(digit) for digit in range(10)], seed=seed)
    accuracy = []
    for number in range(6):
        cue.label({item: str(raw.target[item]) for item in cue.next(10)})
        outcome = cue.round(number, head=10)
        guess = (unit @ outcome.weights.T + outcome.bias).argmax(1)
        accuracy.append(np.mean(guess == raw.target[test]))
    return float(np.mean(accuracy))


def test_real_digits_need_fewer_labels_than_at_random():
    pairs = [(curve("coreset-margin", seed), curve("random", seed)) for seed in range(3)]
    ours, random = np.mean(pairs, axis=0)
    assert random > 0.4  # the majority class is a tenth
    assert ours > random + 0.02
