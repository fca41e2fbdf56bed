"""What admins read of spans: F1 with its interval, labels that are wrong, agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue.insights.agreement import Votes
from labelcue.insights.audit import sample
from labelcue.insights.facts import Facts
from labelcue.insights.heldout_spans import Blind, blind_spans
from labelcue.insights.report import report
from labelcue.insights.spans import Spanned, f1, with_spans
from labelcue.labels.tokens import Tokens
from labelcue.pool.matrix import Matrix
from labelcue.pool.token_file import TokenFile
from labelcue.types import Span

CLASSES = ("a", "b")
Spans = frozenset[Span]


def spans(*each: tuple[int, int, str]) -> Spans:
    return frozenset(each)


def weights(audits: int, chosen: int = 0) -> Any:
    none = np.zeros(audits, dtype=np.bool_), np.zeros(chosen, dtype=np.bool_)
    after = np.zeros(chosen, dtype=np.int64)
    return sample(none[0], np.full(audits, 1 / 1000, dtype=np.float32), none[1], after)


def test_f1_counts_exact_spans_of_all_texts_together() -> None:
    given = [spans((0, 3, "a"), (5, 9, "b")), spans((1, 2, "a")), spans(), spans()]
    found = [spans((0, 3, "a"), (5, 8, "b")), spans((1, 2, "b")), spans(), spans((0, 1, "a"))]
    one = f1(list(zip(given, found, strict=True)), [], weights(4), np.random.default_rng(0))
    assert one is not None
    assert one.value == pytest.approx(2 * 1 / (3 + 4), rel=0.01)  # those drawn later stand for a little more
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert one.n == 3
    assert f1([(spans(), spans())], [], weights(1), np.random.default_rng(0)) is None


def test_what_a_strategy_took_counts_by_those_who_did_not_see_it() -> None:
    good, bad = (spans((0, 1, "a")), spans((0, 1, "a"))), (spans((0, 1, "a")), spans())
    alone = f1([good] * 50, [], weights(50), np.random.default_rng(0))
    both = f1([good] * 50, [bad] * 200, weights(50, 200), np.random.default_rng(0))
    assert alone is not None
    assert both is not None
    assert alone.value == 1
    assert 0.85 < both.value < 0.95  # about 200 of 1,200 texts have no span predicted: 2 * 1000 / (2000 + 200)


def test_the_interval_holds_the_truth() -> None:
    rng, held = np.random.default_rng(1), 0
    right, extra = 0.8, 0.3
    truth = 2 * right / (1 + right + extra)
    for _ in range(60):
        pairs = []
        for number in range(100):
            given = spans(*((10 * place, 10 * place + 1, "a") for place in range(number % 4)))
            kept = frozenset(one for one in given if rng.random() < right)
            places = [10 * place + 5 for place in range(number % 4) if rng.random() < extra]
            more = frozenset((place, place + 1, "a") for place in places)
            pairs.append((given, kept | more))
        found = f1(pairs, [], weights(100), rng)
        assert found is not None
        held += found.low <= truth <= found.high
    assert held >= 54


def texts(count: int, rng: np.random.Generator) -> tuple[Tokens, list[Spans]]:
    """Six words each, a class that shows in its first coordinates, and the spans."""
    pairs, answers = [], []
    for _ in range(count):
        kind = rng.choice(3, size=6, p=[0.6, 0.2, 0.2])
        states = rng.normal(scale=0.3, size=(6, 20)).astype(np.float32)
        states[np.arange(6), kind] += 2
        offsets = np.column_stack([np.arange(6) * 5, np.arange(6) * 5 + 4])
        pairs.append((states, offsets))
        here, start = set[Span](), 0
        for place in range(7):
            if place == 6 or kind[place] != kind[start]:
                if kind[start]:
                    here.add((start * 5, place * 5 - 1, CLASSES[kind[start] - 1]))
                start = place
        answers.append(frozenset(here))
    return Tokens.of(pairs), answers


def test_wrong_labels_are_flagged_and_stand_first() -> None:
    rng = np.random.default_rng(3)
    tokens, answers = texts(200, rng)
    wrong = [row for row in range(0, 200, 10) if answers[row]]
    for row in wrong:
        answers[row] = answers[row] - {min(answers[row])}
    vectors = rng.normal(size=(200, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    blind = blind_spans(vectors, tokens, np.arange(200), answers, CLASSES, rng)
    order = np.argsort(blind.belief, kind="stable")
    assert len(set(order[: len(wrong)].tolist()) & set(wrong)) >= 0.8 * len(wrong)
    assert blind.doubtful[wrong].mean() > 0.8
    assert blind.doubtful.mean() < 0.3
    right = [row for row in range(200) if row not in wrong]
    assert np.mean([blind.found[row] == answers[row] for row in right]) > 0.8


def pool(count: int) -> Facts:
    rng = np.random.default_rng(0)
    ids = np.arange(1, count + 1, dtype=np.int64)
    none = np.zeros(0, dtype=np.int64)
    return Facts(
        classes=CLASSES,
        ids=ids,
        matrix=Matrix(rng.normal(size=(count, 8)).astype(np.float32)),
        row=np.arange(count, dtype=np.int64),
        probabilities=np.zeros((count, 2), dtype=np.float32),
        trained=False,
        l2=0.0,
        votes=Votes(none, none, none, none.astype(np.float64)),
        audit=np.zeros(count, dtype=np.bool_),
        propensity=np.full(count, np.nan, dtype=np.float32),
    )


def spanned(said: list[list[tuple[int, Spans]]], audits: int = 0) -> Spanned:
    count = len(said)
    return Spanned(
        classes=CLASSES,
        tasks=np.arange(1, count + 1, dtype=np.int64),
        said=tuple(map(tuple, said)),
        predicted=tuple(each[0][1] for each in said),
        audit=np.arange(count) < audits,
        propensity=np.full(count, 0.01, dtype=np.float32),
        first=np.arange(count, dtype=np.float64),
    )


def blindly(facts: Spanned, wrong: int = 0) -> Blind:
    belief = np.ones(len(facts.tasks), dtype=np.float32)
    belief[:wrong] = np.linspace(0.01, 0.02, wrong)
    found = tuple(frozenset() if row < wrong else given for row, given in enumerate(facts.given))
    return Blind(found, belief, np.arange(len(belief)) < wrong)


def test_the_sections_of_a_report() -> None:
    one, two = spans((0, 3, "a")), spans((0, 3, "a"), (5, 6, "b"))
    facts = spanned([[(1, one), (2, one)], [(1, two), (2, one)], *([(1, two)] for _ in range(58))], audits=55)
    found = with_spans(report(pool(80)), facts, blindly(facts, wrong=3))
    assert (found.kind, found.tasks, found.labelled, found.annotations) == ("spans", 80, 60, 62)
    assert found.audit.accuracy is not None
    assert found.audit.labels == 55
    assert "F1 of" in found.audit.sentence
    assert [one.name for one in found.audit.labels_f1] == ["a", "b"]
    assert [one.task for one in found.errors.suspects] == [1, 2, 3]
    assert (found.errors.suspects[0].said, found.errors.suspects[0].better) == ("a 0-3", "no span")
    assert found.agreement.shared == 2
    assert "80.0%" in found.agreement.sentence  # right 2, one and the other 2 + 3
    assert found.agreement.hardest == ((2, round(1 - 2 / 3, 4)),)
    assert [one.annotator for one in found.agreement.annotators] == [1, 2]
    assert found.spending.second[0] == 3
    assert found.as_json()["kind"] == "spans"


def test_little_is_said_of_few_labels() -> None:
    facts = spanned([[(1, spans((0, 3, "a")))]])
    found = with_spans(report(pool(20)), facts, blindly(facts))
    assert (found.audit.missing, found.audit.accuracy, found.errors.suspects) == (50, None, ())
    assert "29 more" in found.errors.sentence
    assert found.agreement.shared == 0
    nobody = spanned([[(1, spans())] for _ in range(60)], audits=60)
    assert with_spans(report(pool(80)), nobody, blindly(nobody)).audit.accuracy is None


def test_what_is_given_is_what_most_annotators_gave() -> None:
    one, two = spans((0, 3, "a")), spans((0, 3, "a"), (5, 6, "b"))
    assert spanned([[(1, one), (2, two), (3, two)], [(1, one), (2, two)]]).given == (two, one)


def test_who_looks_throws_nothing_away(tmp_path: Path) -> None:
    made = TokenFile(tmp_path / "words", "one", 2)
    made.append([1], [(np.zeros((3, 2)), np.zeros((3, 2)))])
    assert TokenFile(tmp_path / "words", "two", 2, looking=True).rows == 0
    assert TokenFile(tmp_path / "words", "one", 2, looking=True).rows == 1
    assert TokenFile(tmp_path / "words", "two", 2).rows == 0
    assert TokenFile(tmp_path / "words", "one", 2, looking=True).rows == 0
