"""Every registered kind of label, with the surrogates that learn it, on its first day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.errors import BadRequest, WrongSetting
from labelcue.labels import EVERY, LabelKind, kind_of, kinds
from labelcue.labels.joint import Joint
from labelcue.labels.parts import unpacked
from labelcue.strategies import create_strategy, strategies
from labelcue.surrogates import Examples, Head, Surrogate, surrogates

ROWS, DIM = 160, 12
CLASSES = ("a", "b", "c")
PARTS: dict[str, Any] = {
    "parts": [
        {"name": "topic", "kind": {"name": "class"}, "classes": CLASSES},
        {"name": "tags", "kind": {"name": "set"}, "classes": CLASSES, "weight": 2},
        {"name": "stars", "kind": {"name": "number", "bounds": [1, 5]}},
    ],
    "combine": "mean",
}


@pytest.fixture(params=surrogates.names())
def surrogate(request: pytest.FixtureRequest) -> Surrogate:
    return surrogates.create(request.param)


def pool() -> tuple[np.ndarray, np.ndarray]:
    """Vectors, and how much each item has of each of three directions."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((ROWS, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, vectors[:, :3]


def tokens() -> list[tuple[np.ndarray, np.ndarray]]:
    """Six words an item, of which the first says what the item's vector says, and the others nothing."""
    rng = np.random.default_rng(1)
    offsets = np.array([(5 * word, 5 * word + 4) for word in range(6)])
    return [(np.vstack([one, rng.standard_normal((5, DIM)) / 9]).astype(np.float32), offsets) for one in pool()[0]]


def texts(surrogate: str, rows: slice = slice(None)) -> dict[str, Any]:
    """What a Cue is told beside the vectors."""
    return {"tokens": tokens()[rows]} if surrogates.create(surrogate).uses_tokens else {}


def named(name: str) -> LabelKind:
    """A kind of label, made of parts where it has some."""
    kind = kinds.create(name)
    if kind.keyed:
        kind.compose(**PARTS)
    return kind


def truth(kind: str, share: np.ndarray) -> Any:
    """What an annotator who sees it says of an item."""
    if kind == "spans":
        return {(0, 4, name) for name, part in zip(CLASSES, share, strict=True) if part == share.max() > 0.2}
    if kind == "class":
        return CLASSES[int(share.argmax())]
    if kind == "pair":
        return "left" if share[0] > 0 else "right"
    if kind == "joint":
        return {"topic": truth("class", share), "tags": truth("set", share), "stars": truth("number", share)}
    if kind in ("set", "regions"):
        return {name for name, part in zip(CLASSES, share, strict=True) if part > 0}
    return float(np.clip(3 + 4 * share[0], 1, 5))


def made(surrogate: str, strategy: str = "herding", **more: Any) -> Cue:
    """A Cue for whatever the surrogate learns."""
    kind = surrogates.create(surrogate).kind
    told: dict[str, Any] = {"classes": CLASSES} if kind in ("class", "set", "spans") else {}
    told |= {"number": {"bounds": (1, 5)}, "joint": {"parts": PARTS}}.get(kind, {})
    return Cue(pool()[0], strategy=strategy, surrogate=surrogate, **told, **texts(surrogate), **more)


def labelled(surrogate: str, strategy: str = "herding", count: int = 30) -> Cue:
    cue, kind = made(surrogate, strategy), surrogates.create(surrogate).kind
    cue.label({item: truth(kind, pool()[1][item]) for item in range(count)})
    return cue


def test_each_kind_has_a_surrogate_and_every_surrogate_a_kind() -> None:
    assert {surrogates.create(name).kind for name in surrogates.names()} == set(kinds.names())
    assert {kinds.create(name).like or name for name in kinds.names()} == set(EVERY)


@pytest.mark.parametrize("name", kinds.names())
def test_answers_and_kinds_survive_json(name: str) -> None:
    kind = named(name)
    answer = kind.read(truth(name, np.array([0.3, 0.1, -0.3])))
    assert answer is not None
    assert kind.unpack(json.loads(json.dumps(kind.pack(answer)))) == answer
    assert kind_of(json.loads(json.dumps(kind.as_json()))).as_json() == kind.as_json()


@pytest.mark.parametrize("name", kinds.names())
@pytest.mark.parametrize("label", [None, float("nan"), float("inf"), True, "", {"x": 1}, {1}, [""], b"a", np.nan])
def test_what_is_no_label_of_any_kind_is_read_as_none(name: str, label: object) -> None:
    assert named(name).read(label) is None


def test_predictions_are_what_the_kind_makes_of_the_head_alone(surrogate: Surrogate) -> None:
    """Whoever has only a round's weights, as the service, gives the same answer for a task that the pool lacks."""
    cue = labelled(surrogate.name)
    outcome, kind = cue.round(0), named(surrogate.kind)
    if outcome.share or surrogate.uses_tokens:
        pytest.skip("neighbours, or tokens, speak too")
    said = kind.say(pool()[0], outcome)
    if surrogate.kind == "number":
        kind.limit((1, 5))
    np.testing.assert_allclose(kind.settle(said), outcome.probabilities, atol=2e-4)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 40])
def test_uncertainty_is_from_0_to_1_and_falls_with_labels(surrogate: Surrogate, count: int) -> None:
    cue = labelled(surrogate.name, "random", count)
    doubt = np.array([one.uncertainty for one in cue.rank(ROWS)])
    assert np.isfinite(doubt).all()
    assert doubt.min() >= 0
    assert doubt.max() <= 1
    if count < 2:
        assert (doubt == 1).all()
    if count == 40:
        assert doubt.mean() < 1
    assert all(one.reason for one in cue.rank(5))
    assert cue._outcome is not None
    assert np.isfinite(cue._outcome.probabilities).all()


def test_a_warm_fit_ends_where_a_cold_one_does(surrogate: Surrogate) -> None:
    vectors, shares = pool()
    kind = named(surrogate.kind)
    surrogate = surrogate.suited(kind)
    answers = [kind.read(truth(surrogate.kind, share)) for share in shares]
    targets = kind.targets([[one] for one in answers if one is not None], kind.own or CLASSES)
    if surrogate.uses_tokens:
        pytest.skip("its examples are tokens: test_spans.py")
    blank = Head.blank(targets.shape[1], DIM)
    before = surrogate.fit(Examples(vectors[:60], targets[:60]), blank, True, np.random.default_rng(0))
    warm = surrogate.fit(Examples(vectors[:61], targets[:61]), before, False, np.random.default_rng(1))
    cold = surrogate.fit(
        Examples(vectors[:61], targets[:61]), Head.blank(*before.weights.shape), True, np.random.default_rng(1)
    )
    if penalties(warm, kind) == penalties(cold, kind):
        np.testing.assert_allclose(warm.weights, cold.weights, atol=5e-3)


def penalties(head: Head, kind: LabelKind) -> list[float]:
    return [one.l2 for one in unpacked(head, kind.parts)] if isinstance(kind, Joint) else [head.l2]


@pytest.mark.parametrize("strategy", strategies.names())
@pytest.mark.parametrize("name", ["multi-label", "regression", "tagger", "joint", "regions"])
def test_each_strategy_ranks_the_kind_or_refuses_it_by_name(name: str, strategy: str) -> None:
    kind = surrogates.create(name).kind
    if kind not in create_strategy(strategy).kinds:
        cue = made(name)
        with pytest.raises(WrongSetting, match=f"strategy {strategy!r} makes no sense") as refused:
            cue.set_strategy(strategy)
        assert "herding" in refused.value.remedy
        assert cue.next(2) == made(name).next(2)
        return
    for count in (0, 1, 30):
        cue = labelled(name, strategy, count)
        cue.lease([40])
        outcome = cue.round(3, head=20)
        queued = np.setdiff1d(np.arange(count, ROWS), [40])
        assert sorted(outcome.rank[queued].tolist()) == list(range(len(queued)))
        assert (np.diff(outcome.priority[outcome.order]) <= 0).all()
        again = labelled(name, strategy, count)
        again.lease([40])
        np.testing.assert_array_equal(again.round(3, head=20).rank, outcome.rank)


@pytest.mark.parametrize("name", ["multi-label", "regression", "tagger", "joint", "regions"])
def test_levers_and_saving_work(name: str, tmp_path: Path) -> None:
    cue = labelled(name, count=20)
    cue.hold([30])
    cue.pin([31])
    cue.quota({"even": 0.5}, of=dict.fromkeys(range(0, ROWS, 2), "even"))
    cue.audit(0.3)
    first = cue.next(10)
    assert first[0] == 31
    assert 30 not in first
    cue.label({first[1]: {1: truth(surrogates.create(name).kind, pool()[1][0]), 2: cue_answer(name)}})
    cue.unlabel([3])
    cue.save(tmp_path / "cue.npz")
    loaded = Cue.load(tmp_path / "cue.npz")
    assert loaded.facts == cue.facts
    assert loaded.rank(20) == cue.rank(20)
    anew = Cue(pool()[0], surrogate=name, facts=json.loads(json.dumps(cue.facts)), **texts(name))
    np.testing.assert_array_equal(anew.round(9, full=True).rank, cue.round(9, full=True).rank)
    with pytest.raises(BadRequest, match="takes"):
        Cue(pool()[0], facts=cue.facts)


def cue_answer(name: str) -> Any:
    if name == "tagger":
        return [(0, 4, "a"), (5, 14, "c")]
    sets = {"a", "c"}
    return {"multi-label": sets, "regions": sets, "regression": 4.5, "joint": {"tags": {"a"}}}[name]


def test_pools_without_any_label_without_classes_and_used_up(surrogate: Surrogate) -> None:
    parts = PARTS if surrogate.kind == "joint" else None
    cue = Cue(pool()[0][:3], surrogate=surrogate.name, parts=parts, **texts(surrogate.name, slice(3)))
    kind = surrogate.kind
    assert sorted(cue.next(3)) == [0, 1, 2]
    assert cue.rank(3) == []
    cue.label({0: truth(kind, pool()[1][0])})
    cue.release([1])
    assert cue.rank(3)[0].id == 1
    cue.add(pool()[0][3:9], range(3, 9), **texts(surrogate.name, slice(3, 9)))
    cue.label({4: truth(kind, pool()[1][4])})
    assert len(cue.rank(10)) == 6
