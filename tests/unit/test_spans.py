"""Spans: tags of tokens, the chain over them, and a Cue that learns them."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue import Cue
from labelcue.errors import BadRequest, WrongSetting
from labelcue.labels import kinds
from labelcue.labels.tagging import FOLLOW, NEVER, Tagger, allowed, features, marginals, tag
from labelcue.labels.tokens import Tokens
from labelcue.surrogates.tagger import plausible, tags_of

WORDS, WIDTH = 8, 6
OFFSETS = np.array([(4 * word, 4 * word + 3) for word in range(WORDS)])


def texts(count: int, seed: int = 0) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[set[tuple[int, int, str]]]]:
    """Tokens whose first dimensions say `name` or `date`, which go on for two tokens; and the spans that this makes."""
    rng = np.random.default_rng(seed)
    pairs, spans = [], []
    for _ in range(count):
        states = rng.normal(0, 0.1, (WORDS, WIDTH))
        said = set()
        for at, side in ((int(rng.integers(0, 3)), 0), (int(rng.integers(4, WORDS - 1)), 1)):
            if rng.random() < 0.7:
                states[at : at + 2, side] += 1
                states[at, 2] += 1
                said.add((4 * at, 4 * at + 7, ("name", "date")[side]))
        pairs.append((states.astype(np.float32), OFFSETS))
        spans.append(said)
    return pairs, spans


def vectors(count: int) -> np.ndarray:
    return np.random.default_rng(9).standard_normal((count, 5)).astype(np.float32)


def learned(count: int = 60, labelled: int = 30, **more: Any) -> tuple[Cue, list[set[tuple[int, int, str]]]]:
    pairs, spans = texts(count)
    cue = Cue(vectors(count), surrogate="tagger", tokens=pairs, **more)
    cue.label({item: spans[item] for item in range(labelled)})
    return cue, spans


def test_spans_are_learned_and_predicted_with_probabilities() -> None:
    cue, spans = learned()
    found = cue.predict(range(30, 60))
    right = [{(one.start, one.end, one.label) for one in said} == spans[item] for item, said in enumerate(found, 30)]
    assert np.mean(right) > 0.9
    assert all(0.3 < one.probability <= 1 for said in found for one in said)
    assert all(said == sorted(said) for said in found)
    assert set(cue.classes) == {"name", "date"}


def test_the_queue_says_which_span_is_doubtful() -> None:
    cue, _ = learned(labelled=4)
    first = max(cue.rank(56), key=lambda one: one.uncertainty)
    assert first.uncertainty > 0.5
    assert "hesitates whether characters" in first.reason
    assert cue.kind == {"name": "spans"}


def test_doubtful_items_are_those_whose_spans_are_wrong() -> None:
    pairs, spans = texts(400)
    for states, _ in pairs[200:240]:
        states[:, :3] *= 0.45  # what a model that was not told so is bound to miss
    cue = Cue(vectors(400), surrogate="tagger", strategy="entropy", tokens=pairs)
    cue.label({item: spans[item] for item in range(200)})
    head = [int(one.id) for one in cue.rank(20)]
    assert np.mean([200 <= item < 240 for item in head]) > 3 * 40 / 200


@pytest.mark.parametrize("lengths", [[3], [2, 0, 4, 1]])
def test_marginals_are_those_of_all_paths(lengths: list[int]) -> None:
    rng, tags = np.random.default_rng(0), 5
    follow = np.where(allowed(tags), np.log(rng.random((tags, tags)) + 0.1), NEVER).astype(np.float32)
    tagger = Tagger(
        np.zeros((tags, 1), np.float32), follow, np.log(rng.random(tags)).astype(np.float32), np.zeros(tags)
    )
    scores = rng.normal(0, 1, (sum(lengths), tags)).astype(np.float32)
    got = marginals(tagger, scores, np.array(lengths))
    begin = 0
    for length in lengths:
        part, want = scores[begin : begin + length], np.zeros((length, tags))
        for path in product(range(tags), repeat=length):
            log = FOLLOW * tagger.start[path[0]] + part[0, path[0]] if path else 0.0
            for at in range(1, length):
                log += FOLLOW * follow[path[at - 1], path[at]] + part[at, path[at]]
            for at in range(length):
                want[at, path[at]] += np.exp(log)
        if length:
            want /= want.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(got[begin : begin + length], want, atol=1e-5)
        begin += length


def test_overlapping_spans_and_annotators_share_a_token() -> None:
    piece = Tokens.of([(np.zeros((4, 2), np.float32), OFFSETS[:4])]).of_rows(np.array([0]))
    said = [frozenset({(0, 7, "a"), (5, 11, "b")}), frozenset()]
    truth = tags_of(piece, [said], ("a", "b"))
    np.testing.assert_allclose(truth[0], [0.5, 0.5, 0, 0, 0])
    np.testing.assert_allclose(truth[1], [0.5, 0, 0.25, 0.25, 0])
    np.testing.assert_allclose(truth[2], [0.5, 0, 0, 0, 0.5])
    np.testing.assert_allclose(truth[3], [1, 0, 0, 0, 0])


def test_spans_count_whole_tokens_that_they_touch_whatever_spaces_they_take_along() -> None:
    piece = Tokens.of([(np.zeros((4, 2), np.float32), OFFSETS[:4])]).of_rows(np.array([0]))
    exact, loose, part = (
        tags_of(piece, [[frozenset({span})]], ("a",)) for span in ((4, 11, "a"), (3, 12, "a"), (5, 9, "a"))
    )
    np.testing.assert_array_equal(exact, loose)
    np.testing.assert_array_equal(exact, part)


def test_one_label_more_ends_where_all_of_them_from_nothing_do() -> None:
    cue, spans = learned(200, 100)
    cue.round(0)
    cue.label({100: spans[100]})
    warm = cue.round(1)
    cold = Cue(vectors(200), surrogate="tagger", tokens=texts(200)[0], facts=cue.facts).round(5, full=True)
    found = [{tuple(one) for one in outcome.found[:, :4].tolist()} for outcome in (warm, cold)]
    assert len(found[0] & found[1]) >= 0.99 * len(found[0] | found[1])
    np.testing.assert_allclose(warm.probabilities[:, 0], cold.probabilities[:, 0], atol=0.05)


def test_a_class_that_comes_later_leaves_what_was_learned() -> None:
    cue, _ = learned(60, 30, classes=["name", "date"])
    before = cue.predict(range(40, 50))
    cue.set_classes(["name", "date", "amount"])
    assert [[one[:3] for one in said] for said in cue.predict(range(40, 50))] == [
        [one[:3] for one in said] for said in before
    ]
    cue.set_classes(["date"])
    assert {one.label for said in cue.predict(range(40, 50)) for one in said} <= {"date"}


def test_saved_loaded_grown_and_removed(tmp_path: Path) -> None:
    cue, _ = learned()
    cue.save(tmp_path / "spans.npz")
    again = Cue.load(tmp_path / "spans.npz")
    assert again.predict(range(60)) == cue.predict(range(60))
    assert again.rank(20) == cue.rank(20)
    pairs, spans = texts(70, seed=3)
    again.add(vectors(70)[60:], range(60, 70), pairs[60:])
    again.remove([5])
    found = again.predict(range(60, 70))
    assert np.mean([{one[:3] for one in said} == spans[item] for item, said in enumerate(found, 60)]) > 0.8


def test_wrong_answers_are_less_plausible_than_right_ones() -> None:
    pairs, spans = texts(60)
    cue, _ = learned()
    outcome, piece = cue.round(0), Tokens.of(pairs[30:]).of_rows(np.arange(30))
    right = plausible(outcome.extra, piece, [frozenset(said) for said in spans[30:]], outcome.classes)
    swapped = [frozenset({(0, 3, "date"), *said}) for said in spans[30:]]
    wrong = plausible(outcome.extra, piece, swapped, outcome.classes)
    assert right.min() > 0.5
    assert wrong.max() < 0.5


def test_texts_without_a_token_are_items_like_others() -> None:
    pairs, spans = texts(20)
    pairs[3] = (np.empty((0, WIDTH), np.float32), np.empty((0, 2), np.int64))
    cue = Cue(vectors(20), surrogate="tagger", tokens=pairs)
    cue.label({item: spans[item] for item in (0, 1, 2, 4)} | {3: set()})
    assert cue.predict([3]) == [[]]
    assert len(cue.rank(15)) == 15
    empty = Cue(vectors(2), surrogate="tagger", tokens=[([], []), ([], [])], classes=["a"])
    empty.label({0: set(), 1: {(0, 3, "a")}})
    assert empty.predict([0, 1]) == [[], []]


REFUSED: dict[str, tuple[Any, str]] = {
    "no tokens": (None, "reads the tokens of each text, and there are none"),
    "too few": (texts(2)[0], "tokens of 2 texts"),
    "no pair": ([5] * 3, "row 0 are no pair"),
    "another number": ([(np.zeros((2, 3)), OFFSETS[:3])] * 3, "row 0 are"),
    "other dimensions": ([(np.zeros((1, 3)), OFFSETS[:1]), (np.zeros((1, 4)), OFFSETS[:1])], "row 0 have 3 dimen"),
    "not finite": ([(np.full((1, 3), np.nan), OFFSETS[:1])] * 3, "row 0 hold NaN"),
    "backwards": ([(np.zeros((2, 3)), OFFSETS[1::-1])] * 3, "offsets of row 0 do not ascend"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tokens_that_cannot_be_used_are_refused_by_name(case: str) -> None:
    tokens, said = REFUSED[case]
    with pytest.raises(BadRequest, match=said) as refused:
        Cue(vectors(3), surrogate="tagger", tokens=tokens)
    assert refused.value.remedy


@pytest.mark.parametrize(
    "label", ["a", {"a"}, {(0, 3)}, {(3, 3, "a")}, {(-1, 3, "a")}, {(0, 3, "")}, {(0, 1.5, "a")}, {(True, 3, "a")}, 4]
)
def test_labels_that_are_no_spans_are_refused(label: Any) -> None:
    cue, _ = learned()
    before = cue.facts
    with pytest.raises(BadRequest, match=r"item 40 is .* takes sets of \(start, end, class\)"):
        cue.label({40: label})
    assert cue.facts == before


def test_what_makes_no_sense_for_spans_is_refused() -> None:
    cue, _ = learned()
    with pytest.raises(BadRequest, match="Call predict"):
        cue.predict_proba([1])
    with pytest.raises(WrongSetting, match="badge"):
        cue.set_strategy("badge")
    with pytest.raises(BadRequest, match="reads no tokens"):
        Cue(vectors(3), tokens=texts(3)[0])
    with pytest.raises(BadRequest, match="there are none"):
        cue.add(vectors(62)[60:], [60, 61])


def test_a_prediction_spells_out_its_spans() -> None:
    cue, _ = learned()
    outcome, kind = cue.round(0), kinds.create("spans")
    item = next(item for item in range(60) if len(cue.predict([item])[0]) == 2)
    answer, sure = kind.guess(outcome.classes, outcome.said(item))
    assert answer == {one[:3] for one in cue.predict([item])[0]}
    assert 0 <= sure <= 1
    assert len(kind.text(answer).split(", ")) == 2
    pairs, _ = texts(60)
    alone = tag(Tagger.of(outcome.extra), pairs[item][0], pairs[item][1], np.array([WORDS]))
    np.testing.assert_allclose(alone.found[:, 1:].ravel(), outcome.said(item)[-8:], atol=1e-5)
    assert features(pairs[item][0], np.zeros(WORDS, np.int64)).shape == (WORDS, 3 * WIDTH)
