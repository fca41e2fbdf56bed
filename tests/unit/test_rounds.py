"""Rounds: what the ledger says reaches the queue, and a restart brings back the same bits."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deskwork import PROJECT, THREE, TWO, Desk, same
from labelcue.exports.predictions import predictions
from labelcue.labelstudio.config import parse_config
from labelcue.pool.graph import Graph
from labelcue.previewing import compare
from labelcue.queueing.comparing import Question
from labelcue.queueing.settings import QueueSettings
from labelcue.service.predict import probabilities
from labelcue.types import Kind, TaskId
from waiting import until


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_cold_queue_holds_every_task_once(desk: Desk) -> None:
    snapshot = desk.work(0)
    assert sorted(snapshot.order) == list(range(1, 121))
    assert not snapshot.trained
    assert not desk.rounds.due()


def test_labels_train_and_leave_the_queue(desk: Desk) -> None:
    snapshot = desk.work(20)
    assert snapshot.trained
    assert snapshot.labelled == 20
    assert len(snapshot.order) == 100
    predicted = [snapshot.of(TaskId(int(task))) for task in snapshot.order]
    right = [
        one.label == ("ham", "spam")[desk.side[task]]
        for one, task in zip(predicted, snapshot.order, strict=True)
        if one
    ]
    assert np.mean(right) > max(np.mean(desk.side), 1 - np.mean(desk.side))


@pytest.mark.parametrize("strategy", ["coreset-margin", "herding"])
@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_a_restart_gives_the_same_bits_now_and_in_the_next_round(tmp_path: Path, snapshot: bool, strategy: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    steady, restarted = Desk(tmp_path / "a", strategy), Desk(tmp_path / "b", strategy)
    for desk in (steady, restarted):
        desk.work(7)
        desk.add(121, 141)
        desk.work(6)
    before = restarted.rounds.snapshot
    restarted.restart(snapshot=snapshot)
    same(before, restarted.rounds.snapshot)
    assert not restarted.rounds.due()
    same(steady.work(6), restarted.work(6))


@pytest.mark.parametrize("surrogate", ["graph", "committee"])
@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_every_surrogate_gives_the_same_bits_after_a_restart(tmp_path: Path, snapshot: bool, surrogate: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    strategy = "bald" if surrogate == "committee" else "margin"
    steady, restarted = (Desk(tmp_path / name, strategy, surrogate) for name in "ab")
    for desk in (steady, restarted):
        desk.work(14)
        desk.add(121, 141)
        desk.work(3)
    before = restarted.rounds.snapshot
    assert before is not None
    assert before.round.surrogate == f"{surrogate}@1"
    restarted.restart(snapshot=snapshot)
    same(before, restarted.rounds.snapshot)
    same(steady.work(4), restarted.work(4))


def test_the_understudy_serves_while_a_large_graph_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    grow = Graph.grow
    with monkeypatch.context() as patch:
        patch.setattr("labelcue.pool.growing.AT_ONCE", 1000)
        patch.setattr(Graph, "grow", lambda graph, matrix: (hold.wait(60), grow(graph, matrix)))
        desk = Desk(tmp_path, "herding")
        assert desk.work(3).round.strategy == "coreset-margin@1"
        assert not desk.rounds.due()
        hold.set()
        until(desk.rounds.due)
        grown = desk.work(0)
        assert (grown.round.strategy, grown.round.full) == ("herding@1", True)
        assert desk.work(2).round.strategy == "herding@1"
    same(desk.rounds.snapshot, desk.restart(snapshot=False).snapshot)


def test_a_replay_takes_up_the_graph_that_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.pool.growing.AT_ONCE", 1000)
    desk = Desk(tmp_path, "herding")
    until(lambda: desk.work(0).round.strategy == "herding@1")
    before = desk.work(2)
    monkeypatch.setattr(Graph, "grow", lambda graph, matrix: None)
    for snapshot in (True, False):
        same(before, desk.restart(snapshot=snapshot).snapshot)
        assert desk.rounds.growing.words == {"rows": 120, "of": 0, "recall": 1.0}


def test_a_round_that_was_recorded_but_not_run_is_replayed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.work(5)
    desk.label(int(desk.rounds.snapshot.order[0]))  # type: ignore[union-attr]
    desk.rounds.due()
    with monkeypatch.context() as patch:
        patch.setattr("labelcue.rounds.write_snapshot", _die)
        with pytest.raises(KeyboardInterrupt):
            desk.rounds.run()
    restarted = desk.restart()
    assert restarted.snapshot is not None
    assert restarted.snapshot.labelled == 6
    assert not restarted.due()


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_damaged_snapshot_is_made_again(desk: Desk) -> None:
    before = desk.work(9)
    path = desk.folder / "round.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    desk.rounds = desk.learner()
    desk.rounds.resume()
    same(before, desk.rounds.snapshot)


def test_a_deleted_annotation_brings_the_task_back(desk: Desk) -> None:
    snapshot = desk.work(10)
    labelled = sorted(set(range(1, 121)) - set(snapshot.order.tolist()))
    desk.say(Kind.ANNOTATION_DELETED, "gone", annotation=1000 + labelled[0])
    after = desk.work(0)
    assert labelled[0] in after.order
    assert after.labelled == 9


def test_an_update_changes_the_label(desk: Desk) -> None:
    desk.work(12)
    task = min(set(range(1, 121)) - set(desk.rounds.snapshot.order.tolist()))  # type: ignore[union-attr]
    before = desk.rounds.snapshot.weights.copy()  # type: ignore[union-attr]
    desk.label(task, ("spam", "ham")[desk.side[task]])
    assert not np.array_equal(desk.work(0).weights, before)


def test_a_skip_leaves_the_queue_and_no_label(desk: Desk) -> None:
    desk.work(3)
    task = int(desk.rounds.snapshot.order[0])  # type: ignore[union-attr]
    desk.label(task, cancelled=True)
    snapshot = desk.work(0)
    assert task not in snapshot.order
    assert snapshot.labelled == 3


def test_a_deleted_task_is_forgotten(desk: Desk) -> None:
    desk.work(3)
    task = int(desk.rounds.snapshot.order[0])  # type: ignore[union-attr]
    desk.say(Kind.TASK_DELETED, f"task_deleted:{task}", task=task)
    assert task not in desk.work(0).ids


def test_a_task_id_that_is_used_again_is_a_new_task(desk: Desk) -> None:
    desk.work(3)
    task = int(desk.rounds.snapshot.order[0])  # type: ignore[union-attr]
    desk.label(task)
    desk.work(0)
    desk.say(Kind.TASK_DELETED, f"task_deleted:{task}", task=task)
    assert task not in desk.work(0).ids
    desk.say(Kind.TASK, f"task:{task}:1", task=task, data={"text": "new"}, updated_at="2026-02-01", again=True)
    desk.label(int(desk.rounds.snapshot.order[0]))  # type: ignore[union-attr]
    assert task not in desk.work(0).ids, "it has no vector yet"
    desk.vectors.append([TaskId(task)], desk.made[300:301], [b"x" * 16])
    snapshot = desk.work(0)
    assert task in snapshot.order
    assert snapshot.labelled == 4
    same(snapshot, desk.restart().snapshot)
    same(snapshot, desk.restart(snapshot=False).snapshot)


def test_new_tasks_join_the_queue(desk: Desk) -> None:
    desk.work(4)
    desk.add(121, 141)
    snapshot = desk.work(0)
    assert len(snapshot.ids) == 140
    assert set(range(121, 141)) <= set(snapshot.order.tolist())


def test_a_new_class_is_appended_and_a_new_strategy_followed(desk: Desk) -> None:
    desk.work(6)
    desk.config(THREE)
    snapshot = desk.work(0)
    assert snapshot.classes == ("ham", "spam", "other")
    assert snapshot.round.full
    desk.say(Kind.STRATEGY, "strategy:1", name="entropy", params={}, by="a test")
    assert desk.work(0).round.strategy == "entropy@1"


@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_saved_settings_are_followed_and_a_restart_gives_the_same_queue(desk: Desk, snapshot: bool) -> None:
    desk.work(6)
    wanted = {"strategy": "power-margin", "params": {"beta": 2.0}, "surrogate": "graph"}
    desk.say(Kind.SETTINGS, "settings:1", version=1, settings=wanted, by="anna", token="1")
    assert desk.rounds.due()
    after = desk.work(2)
    assert (after.round.strategy, after.round.params) == ("power-margin@1", {"beta": 2.0})
    assert after.round.surrogate == "graph@1"
    assert desk.rounds.version.by == "anna"
    same(after, desk.restart(snapshot=snapshot).snapshot)
    assert not desk.rounds.due()


def _audited(desk: Desk, **levers: Any) -> Desk:
    """Settings with audits and more; the first rounds come without them."""
    desk.work(4)
    desk.say(Kind.SETTINGS, "settings:1", version=1, settings={"audit": 0.2, **levers}, by="anna", token="1")
    return desk


@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_audits_are_drawn_held_out_and_the_same_after_a_restart(tmp_path: Path, snapshot: bool) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    steady, restarted = (_audited(Desk(tmp_path / name, "margin"), explore=0.1) for name in "ab")
    for desk in (steady, restarted):
        desk.work(20)
    after = restarted.rounds.snapshot
    assert after is not None
    assert after.held_out == 4
    assert (after.labelled, after.labels) == (20, 24)
    restarted.restart(snapshot=snapshot)
    same(after, restarted.rounds.snapshot)
    assert restarted.rounds.snapshot is not None
    np.testing.assert_array_equal(after.audits, restarted.rounds.snapshot.audits)
    assert not restarted.rounds.due()
    steady.add(121, 141)
    restarted.add(121, 141)
    same(steady.work(12), restarted.work(12))
    assert [event.body for event in steady.ledger.read(PROJECT, kinds=(Kind.DRAW,))] == [
        event.body for event in restarted.ledger.read(PROJECT, kinds=(Kind.DRAW,))
    ]


def test_a_draw_is_in_the_ledger_before_it_is_published_and_counts_whichever_round_serves_it(desk: Desk) -> None:
    before = _audited(desk).rounds.snapshot
    after = desk.work(0)
    assert before is not None
    drawn = {event.body["task"]: event.body for event in desk.ledger.read(PROJECT, kinds=(Kind.DRAW,))}
    head = [int(task) for task in after.order[:50] if after.is_audit(TaskId(int(task)))]
    assert sorted(drawn) == sorted(head) == after.audits.tolist()
    assert len(head) == 10
    for task in head:
        standing = after.of(TaskId(task))
        assert standing is not None
        assert standing.audit
        assert standing.reason.startswith("audit: drawn at random")
        assert standing.propensity == pytest.approx(drawn[task]["propensity"])
        assert 1 / 116 <= drawn[task]["propensity"] <= 1 / 60
    desk.label(head[3], ("spam", "ham")[desk.side[head[3]]])  # opened long ago, and wrong: nothing is learned of it
    assert desk.rounds.due()
    then = desk.rounds.run()
    assert (then.labelled, then.held_out) == (4, 1)
    np.testing.assert_array_equal(then.weights, after.weights)
    assert head[3] not in then.order


def test_retired_audits_are_learned_from_and_a_new_sample_begins(desk: Desk) -> None:
    before = _audited(desk).work(20)
    assert before.held_out == 4
    assert not desk.rounds.due()
    desk.say(Kind.RETIRE, "retire:1", by="anna")
    assert desk.rounds.due()
    after = desk.rounds.run()
    assert (after.labelled, after.held_out) == (24, 0)
    assert set(before.audits.tolist()) & set(after.audits.tolist())  # still in the queue, and drawn anew
    again = desk.work(10)
    assert again.held_out == 2
    same(again, desk.restart().snapshot)


def test_a_pinned_task_is_no_audit(desk: Desk) -> None:
    task = int(_audited(desk).work(0).audits[0])
    desk.say(Kind.PIN, "pin:1", task=task)
    snapshot = desk.work(0)
    assert not snapshot.is_audit(TaskId(task))
    assert snapshot.order[0] == task
    assert desk.work(1).labelled == 5


@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_quotas_of_classes_and_slices_are_followed(tmp_path: Path, snapshot: bool) -> None:
    desk = Desk(tmp_path, "margin")
    desk.work(12)
    for task in range(1, 121):
        language = "de" if task % 4 else "fr"
        desk.say(Kind.TASK, f"task:{task}:1", task=task, data={"text": "x", "lang": language}, updated_at="2027")
    wanted = {"audit": 0, "slice_field": "lang", "slices": {"fr": 0.5}, "classes": {"spam": 0.5}}
    desk.say(Kind.SETTINGS, "settings:1", version=1, settings=wanted, by="anna", token="1")
    shared = desk.work(0)
    assert shared.round.levers["slices"] == {"fr": 0.5}
    head = [int(task) for task in shared.order[:24]]
    assert abs(sum(task % 4 == 0 for task in head) - 12) <= 2
    after = desk.work(9)
    assert desk.rounds.fold.facets.counts()["lang"] == {"de": 90, "fr": 30}
    same(after, desk.restart(snapshot=snapshot).snapshot)
    assert not desk.rounds.due()


def test_a_preview_is_what_would_come_and_changes_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    steady, asked = (_audited(Desk(tmp_path / name, "margin")) for name in "ab")
    before, after = steady.work(10), asked.work(10)
    wanted = {"strategy": "coreset", "explore": 0.1}
    settings = QueueSettings(**wanted, audit=0)  # type: ignore[arg-type]
    asked.say(Kind.TASK_DELETED, "gone", task=int(after.order[-1]))
    asked.rounds.catch_up()
    said = compare(asked.rounds, Question(a=asked.rounds.version.settings, b=settings, places=20))
    assert not said.error
    assert said.a is not None
    assert said.b is not None
    assert (said.a.strategy, said.b.strategy) == ("margin@1", "coreset@1")
    assert [seat.task for seat in said.a.places if not seat.reason.startswith("audit")] == [
        int(task) for task in before.order[:20] if not before.is_audit(TaskId(int(task)))
    ]
    assert said.overlap == sum(seat.shared for seat in said.a.places) == sum(seat.shared for seat in said.b.places)
    assert sum(said.b.classes.values()) == len(said.b.places) == 20
    assert sum(seat.reason.startswith("explored") for seat in said.b.places) in (2, 3)
    assert asked.rounds.snapshot is after
    steady.say(Kind.TASK_DELETED, "gone", task=int(before.order[-1]))
    same(steady.work(4), asked.work(4))
    unknown = compare(asked.rounds, Question(a=settings, b=QueueSettings(strategy="best")))
    assert "nothing called 'best'" in unknown.error


def test_imported_labels_do_not_make_audits_catch_up(desk: Desk) -> None:
    snapshot = _audited(desk).work(0)
    for task in snapshot.order[60:110]:
        desk.label(int(task))
    assert desk.work(20).held_out <= 6


def test_start_training_forces_a_full_round(desk: Desk) -> None:
    desk.work(6)
    assert not desk.rounds.due()
    desk.say(Kind.TRAIN, "train:1")
    assert desk.work(0).round.full
    assert not desk.rounds.due()


def test_an_unknown_label_is_named_and_hurts_nothing(desk: Desk) -> None:
    desk.work(6)
    task = int(desk.rounds.snapshot.order[0])  # type: ignore[union-attr]
    desk.label(task, "eggs")
    snapshot = desk.work(0)
    assert snapshot.labelled == 6
    assert task not in snapshot.order
    assert "eggs" in desk.rounds.problems[TaskId(task)]


def test_two_annotators_may_disagree(desk: Desk) -> None:
    desk.work(8)
    task = int(desk.rounds.snapshot.order[0])  # type: ignore[union-attr]
    desk.label(task, "ham", user=1)
    desk.label(task, "spam", user=2)
    assert desk.work(0).labelled == 9


def test_a_label_config_that_cannot_be_learnt_stops_the_rounds_and_says_why(desk: Desk) -> None:
    desk.work(2)
    desk.config('<View><Text name="text" value="$text"/><TextArea name="t" toName="text"/></View>')
    assert not desk.rounds.due()
    assert desk.rounds.config_error
    desk.config(TWO)
    assert desk.work(1).labelled == 3


@pytest.mark.parametrize("snapshot", [True, False])
def test_levers_count_and_a_restart_gives_the_same_queue(tmp_path: Path, snapshot: bool) -> None:
    desk = Desk(tmp_path)
    desk.rounds.run()
    for place, (kind, task) in enumerate([(Kind.PIN, 40), (Kind.PIN, 7), (Kind.HOLD, 9), (Kind.PIN, 999)]):
        desk.say(kind, f"lever:{place}", task=task)
    assert desk.rounds.due()
    order = desk.rounds.run().order.tolist()
    assert order[:2] == [40, 7]
    assert 9 not in order
    assert len(order) == 119
    desk.say(Kind.REQUEUE, "back:40", task=40)
    desk.say(Kind.REQUEUE, "back:9", task=9)
    desk.say(Kind.PIN, "again:40", task=40)
    after = desk.rounds.run()
    assert after.order.tolist()[:2] == [7, 40]
    assert 9 in after.order
    again = desk.restart(snapshot=snapshot)
    assert again.snapshot is not None
    assert again.snapshot.order.tolist() == after.order.tolist()
    desk.say(Kind.PIN, "9", task=9)
    assert again.run().order.tolist()[:3] == [7, 40, 9]


def test_handing_a_task_out_is_no_reason_for_a_round(desk: Desk) -> None:
    desk.rounds.run()
    desk.say(Kind.LEASE, "lease:1", task=1, user=1, expires=1e12)
    desk.say(Kind.RELEASE, "release:1", task=1, user=1)
    assert not desk.rounds.due()


def test_a_second_opinion_that_is_asked_for_is_no_reason_for_a_round_and_outlasts_a_restart(desk: Desk) -> None:
    desk.rounds.run()
    desk.say(Kind.SECOND_OPINION, "opinion:1", task=1, opinions=2, by=7)
    assert not desk.rounds.due()
    assert desk.rounds.fold.asked == {1: 2}
    again = desk.restart()
    assert not again.due()
    assert again.fold.asked == {1: 2}


TEXT = '<View><Text name="text" value="$text"/>{}</View>'
KINDS = {
    "set": '<Choices name="label" toName="text" choice="multiple"><Choice value="a"/><Choice value="b"/></Choices>',
    "rating": '<Rating name="label" toName="text"/>',
    "number": '<Number name="label" toName="text" min="0" max="10"/>',
    "joint": '<Choices name="topic" toName="text"><Choice value="a"/><Choice value="b"/></Choices>'
    '<Rating name="label" toName="text" cueWeight="2"/><Rating name="unsaid" toName="text"/>',
}


def _answers(desk: Desk, kind: str, tasks: range) -> None:
    for task in tasks:
        high, now = int(desk.side[task]), desk.time()
        tag, value = {
            "set": ("choices", ["a", "b"] if high else ["b"]),
            "rating": ("rating", 5 if high else 2),
            "joint": ("rating", 5 if high else 2),
            "number": ("number", 8.0 if high else 1.5),
        }[kind]
        regions = [{"from_name": "label", "to_name": "text", "type": tag, "value": {tag: value}}]
        if kind == "joint" and task % 2:
            choice = {"choices": ["a" if high else "b"]}
            regions.append({"from_name": "topic", "to_name": "text", "type": "choices", "value": choice})
        body = {"annotation": task, "task": task, "user": 1, "updated_at": now, "cancelled": False}
        desk.say(Kind.ANNOTATION, f"annotation:{task}:{now}", **body, result=regions)


@pytest.mark.parametrize("snapshot", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_sets_and_numbers_are_learned_published_and_the_same_after_a_restart(
    tmp_path: Path, kind: str, snapshot: bool
) -> None:
    desk = Desk(tmp_path, strategy="margin")
    desk.config(TEXT.format(KINDS[kind]))
    _answers(desk, kind, range(1, 31))
    desk.work(0)
    _answers(desk, kind, range(31, 41))
    before = desk.rounds.run()
    learners = {"set": "multi-label@1", "joint": "joint@1"}
    assert before.round.surrogate == learners.get(kind, "regression@1")
    assert before.round.strategy == ("margin@1" if kind == "set" else "herding@1")
    assert (before.labelled, before.trained) == (40, True)
    high = next(task for task in range(41, 121) if desk.side[task])
    standing = before.of(TaskId(high))
    assert standing is not None
    assert standing.answer is not None
    assert 0 <= standing.uncertainty <= 1
    assert "the model " in standing.opinion
    if kind == "joint":
        assert dict(standing.answer)["topic"] == "a"  # type: ignore[arg-type]
        assert "unsaid" not in dict(standing.answer)  # type: ignore[arg-type]
        assert standing.label is not None
        assert standing.label.startswith("topic: a; label: ")
    elif kind == "set":
        assert standing.label == "a, b"
        assert standing.answer == frozenset("ab")
    else:
        low = next(before.of(TaskId(task)) for task in range(41, 121) if not desk.side[task])
        assert low is not None
        assert low.answer < standing.answer  # type: ignore[operator]
    assert before.reasons[0]
    fresh = probabilities(before, desk.made[high])
    np.testing.assert_allclose(fresh, before.probabilities[high - 1], atol=1e-3)
    assert [row["label"] for row in predictions(before)][high - 1] == before.labels_are.pack(standing.answer)
    restarted = desk.restart(snapshot=snapshot)
    same(restarted.snapshot, before)
    _answers(desk, kind, range(41, 43))
    again = desk.rounds.run()
    assert again.labelled == 42
    assert again.kind == before.kind


def test_a_config_that_becomes_another_kind_starts_anew(desk: Desk) -> None:
    desk.work(3)
    desk.config(TEXT.format(KINDS["rating"]))
    _answers(desk, "rating", range(100, 106))
    changed = desk.rounds.run()
    assert changed.kind["name"] == "number"
    assert changed.labelled == 6  # The choices are no ratings.
    desk.config(TWO)
    back = desk.rounds.run()
    assert (back.kind["name"], back.labelled) == ("class", 3)


@pytest.mark.parametrize("snapshot", [True, False])
def test_a_project_whose_single_control_was_learned_goes_on_with_all_of_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, snapshot: bool
) -> None:
    """As after an update of LabelCue: the rounds of before were of another kind."""
    several = TWO.replace("</View>", '<Rating name="stars" toName="text"/></View>')
    with monkeypatch.context() as before:
        before.setattr("labelcue.rounds.parse_config", lambda xml: parse_config(xml.replace("<Rating", "<Gone")))
        desk.config(several)
        old = desk.work(4)
    rounds = desk.restart(snapshot=snapshot)
    assert rounds.due()
    new = rounds.run()
    assert (old.kind["name"], new.kind["name"], new.labelled) == ("class", "joint", 4)
    assert new.round.number == old.round.number + 1
    assert new.round.full
    same(desk.restart(snapshot=snapshot).snapshot, new)
