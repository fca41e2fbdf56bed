"""What another model says orders the queue from the first label on, and replays to the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deskwork import PROJECT, TWO, Desk, same
from labelcue.delivery.content import shown
from labelcue.engine import Cue
from labelcue.errors import BadRequest, NotFound
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.items import prediction_event
from labelcue.surrogates import suiting
from labelcue.types import Kind, TaskId

ROWS, DIM = 120, 12
BOXES = (
    '<View><Image name="text" value="$text"/><RectangleLabels name="label" toName="text"><Label value="ham"/>'
    '<Label value="spam"/></RectangleLabels></View>'
)


def vectors() -> Any:
    made = np.random.default_rng(0).standard_normal((ROWS, DIM)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def external(strategy: str = "margin", **more: Any) -> Cue:
    return Cue(vectors(), strategy=strategy, surrogate="external", classes=["a", "b"], **more)


def test_another_models_doubt_orders_the_queue_before_there_is_any_label() -> None:
    cue = external()
    cue.hear({item: [0.5 + item / 300, 0.5 - item / 300] for item in range(ROWS)})
    assert cue.rank(ROWS)[0].id == 0
    assert [one.id for one in cue.rank(ROWS)] == sorted(range(ROWS))
    assert cue.rank(1)[0].reason.startswith("the model hesitates between b and a (0.50/0.50)")
    np.testing.assert_allclose(cue.predict_proba([30]), [[0.6, 0.4]], atol=1e-6)


def test_herding_trusts_it_without_labels() -> None:
    cue = external("herding")
    plain = [one.id for one in cue.rank(ROWS)]
    cue.hear({item: [0.5, 0.5] if item % 10 == 0 else [0.999, 0.001] for item in range(ROWS)})
    assert sum(one.id % 10 == 0 for one in cue.rank(12)) >= 9
    assert plain != [one.id for one in cue.rank(ROWS)]


def test_what_it_leaves_out_is_as_unsure_as_can_be_until_labels_teach() -> None:
    cue = external()
    cue.hear({0: [0.9, 0.1], 1: [0.6, 0.4]})
    doubt = {one.id: one.uncertainty for one in cue.rank(ROWS)}
    assert doubt[0] == pytest.approx(0.2, abs=1e-3)
    assert doubt[1] == pytest.approx(0.8, abs=1e-3)
    assert {doubt[item] for item in range(2, ROWS)} == {1.0}
    cue.label({item: "a" if vectors()[item, 0] > 0 else "b" for item in range(40, 80)})
    doubt = {one.id: one.uncertainty for one in cue.rank(ROWS)}
    assert doubt[0] == pytest.approx(0.2, abs=1e-3)
    assert np.mean([doubt[item] for item in range(80, ROWS)]) < 0.95


@pytest.mark.parametrize("strategy", ["herding", "coreset", "coreset-margin"])
def test_without_any_word_it_is_coverage_alone(strategy: str) -> None:
    silent = external(strategy)
    assert [one.id for one in silent.rank(ROWS)] == [one.id for one in Cue(vectors(), strategy=strategy).rank(ROWS)]


def test_who_does_not_listen_hears_nothing() -> None:
    cue, other = (Cue(vectors(), strategy="herding", classes=["a", "b"]) for _ in range(2))
    cue.hear({item: [0.5, 0.5] for item in range(ROWS)})
    assert cue.rank(ROWS) == other.rank(ROWS)


def test_words_are_taken_back_saved_and_handed_over(tmp_path: Path) -> None:
    cue = external()
    cue.hear({3: [0.9, 0.1], 4: [0.6, 0.4]})
    cue.hear({3: None})
    cue.save(tmp_path / "cue.npz")
    loaded = Cue.load(tmp_path / "cue.npz")
    assert loaded.rank(ROWS) == cue.rank(ROWS)
    anew = external(facts=json.loads(json.dumps(cue.facts)))
    assert anew.facts["heard"] == [[4, pytest.approx([0.6, 0.4])]] == json.loads(json.dumps(cue.facts))["heard"]
    cue.remove([4])
    assert "heard" not in cue.facts


@pytest.mark.parametrize(
    "said", [[0.5], [0.5, 0.2, 0.3], ["a", "b"], [np.nan, 1], [np.inf, 0], "ab", 3, [[0.5], [0.5]]]
)
def test_what_is_no_prediction_is_refused_by_item_and_changes_nothing(said: Any) -> None:
    cue = external()
    with pytest.raises(BadRequest, match="item 1"):
        cue.hear({0: [0.5, 0.5], 1: said})
    assert "heard" not in cue.facts
    with pytest.raises(NotFound):
        cue.hear({ROWS + 1: [0.5, 0.5]})


def test_sets_numbers_and_regions_are_heard_too() -> None:
    sets = Cue(vectors(), strategy="entropy", surrogate="external-sets", classes=["a", "b"])
    sets.hear({0: [0.9, 0.1], 1: [0.5, 0.5]})
    assert sets.rank(ROWS)[-1].id == 0
    numbers = Cue(vectors(), strategy="entropy", surrogate="external-numbers", bounds=(1, 5))
    numbers.hear({0: [4.0, 0.0, 0.25], 1: [2.0, 0.0, 0.75]})
    assert [one.uncertainty for one in numbers.rank(ROWS)[-2:]] == pytest.approx([0.75, 0.25], abs=1e-3)
    assert numbers.predict([0]).mean.tolist() == [4]


def test_regions_doubt_is_the_models_or_what_it_may_have_missed() -> None:
    cue = Cue(vectors(), strategy="entropy", surrogate="regions", classes=["a", "b"])
    rows = vectors()
    cue.hear({item: [0.999 if rows[item, 0] > 0 else 0.001, 0.001, 0.1] for item in range(ROWS)})
    assert {round(one.uncertainty, 2) for one in cue.rank(ROWS)} == {0.1}
    cue.label({item: {"a"} if rows[item, 0] > 0 else set() for item in range(80)})
    missed = max(range(80, ROWS), key=lambda item: rows[item, 0])
    cue.hear({missed: [0.001, 0.001, 0.1]})
    first = cue.rank(1)[0]
    assert first.id == missed
    assert "of its regions" in first.reason


def test_each_kind_has_a_surrogate_that_listens_as_the_chosen_one_does() -> None:
    assert suiting("external", "set") == "external-sets"
    assert suiting("external", "number") == "external-numbers"
    assert suiting("external", "regions") == suiting("logistic", "regions") == "regions"
    assert suiting("logistic", "set") == "multi-label"
    assert suiting("external-sets", "class") == "external"


def heard(desk: Desk, tasks: range, xml: str = TWO, version: str = "m") -> None:
    """Half of them are sure, those divisible by ten are not."""
    events = []
    for task in tasks:
        score = (0.02 if xml == BOXES else 0.5) if task % 10 == 0 else 0.98
        label = ("ham", "spam")[desk.side[task]]
        box = {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": [label]}
        value = box if xml == BOXES else {"choices": [label]}
        tag = "rectanglelabels" if xml == BOXES else "choices"
        region = {"from_name": "label", "to_name": "text", "type": tag, "value": value}
        events.append(prediction_event(PROJECT, task, version, score, [region], 0))
    desk.ledger.append(events)


@pytest.mark.parametrize("xml", [TWO, BOXES], ids=["choices", "boxes"])
def test_rounds_hear_it_and_replay_it_to_the_same_bits(tmp_path: Path, xml: str) -> None:
    desk = Desk(tmp_path, "coreset-margin", "external")
    desk.config(xml)
    desk.rounds = desk.learner()
    heard(desk, range(1, 81), xml)
    first = desk.work(0)
    assert first.trained
    assert not desk.rounds.due()
    assert first.doubt(np.arange(80))[9] > 0.9
    assert first.doubt(np.arange(80))[8] < 0.1
    heard(desk, range(81, 121), xml)
    desk.add(121, 131)
    heard(desk, range(121, 131), xml)
    assert desk.rounds.due()
    assert desk.rounds.heard_waits
    assert not desk.rounds.labels_wait
    last = desk.rounds.run()
    assert last.doubt(np.arange(130))[99] > 0.9
    desk.restart()
    same(desk.rounds.snapshot, last)
    desk.restart(snapshot=False)
    same(desk.rounds.snapshot, last)


def test_what_crops_say_is_heard_shown_and_replayed_and_goes_with_its_prediction(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "coreset-margin", "external")
    desk.config(BOXES)
    desk.rounds = desk.learner()
    heard(desk, range(1, 121), BOXES)
    before = desk.work(0).doubt(np.arange(120))
    of = {int(event.body["task"]): event.key for event in desk.ledger.read(PROJECT, kinds=(Kind.PREDICTION,))}
    other = {0: "spam", 1: "ham"}[desk.side[3]]
    desk.say(Kind.CROPS, "crops:3", task=3, of=of[3], said=[[other, 0.995, 0.0001]])
    desk.say(Kind.CROPS, "crops:4", task=4, of="an earlier one", said=[[other, 0.995, 0.001]])
    assert desk.rounds.due()
    assert not desk.rounds.labels_wait
    last = desk.rounds.run()
    doubt = last.doubt(np.arange(120))
    assert doubt[2] > 0.9 > 0.1 > before[2]
    assert doubt[3] == before[3]
    found = shown(last, TaskId(3), parse_config(BOXES), 0.0, desk.rounds.heard_of)
    assert [region["value"]["rectanglelabels"] for region in found] == [[other]]
    desk.restart()
    same(desk.rounds.snapshot, last)
    desk.restart(snapshot=False)
    same(desk.rounds.snapshot, last)
    heard(desk, range(3, 4), BOXES, "m2")
    assert desk.rounds.due()
    assert desk.rounds.run().doubt(np.arange(120))[2] == before[2]


def test_predicted_boxes_are_shown_as_they_came_and_never_of_audits(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "coreset-margin", "external")
    desk.config(BOXES)
    desk.rounds = desk.learner()
    heard(desk, range(1, 121), BOXES)
    snapshot, spec = desk.work(0), parse_config(BOXES)
    found = shown(snapshot, TaskId(3), spec, 0.9, desk.rounds.heard_of)
    assert [region["value"]["rectanglelabels"] for region in found] == [[("ham", "spam")[desk.side[3]]]]
    assert [region["id"] for region in found] == ["cue-3-0"]
    assert shown(snapshot, TaskId(10), spec, 0.9, desk.rounds.heard_of) == []
    assert shown(snapshot, TaskId(3), spec, 0.9) == []
    object.__setattr__(snapshot, "audits", np.array([3]))
    assert shown(snapshot, TaskId(3), spec, 0.0, desk.rounds.heard_of) == []


def test_where_nobody_listens_a_word_asks_for_no_round(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.work(0)
    heard(desk, range(1, 50))
    assert not desk.rounds.due()
    assert desk.rounds.heard_of(TaskId(2)) is not None
    assert [event.kind for event in desk.ledger.read(PROJECT, kinds=(Kind.PREDICTION,))] == [Kind.PREDICTION] * 49
