"""What annotators do reaches the published order before the round that learns from it, and changes no round."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from deskwork import PROJECT, Desk, same
from labelcue.errors import StoreBusy
from labelcue.instant import Instant
from labelcue.store.head import Head, HeadReader, write_head
from labelcue.types import Kind, Round
from waiting import until

STRATEGIES = ["herding", "coreset-margin"]


class Follower:
    """The rounds of a desk with somebody who places the head anew between them."""

    def __init__(self, folder: Path, strategy: str) -> None:
        self.desk = Desk(folder, strategy)
        self.heads: list[Head] = []
        self.instant = Instant(self.desk.ledger, PROJECT, self.heads.append, poll_s=0.001, clock=lambda: 5.0)

    def work(self, labels: int) -> None:
        for _ in range(labels):
            snapshot = self.desk.work(0)
            rounds = self.desk.rounds
            self.instant.begin(snapshot.round, rounds.standby(50), rounds.spec)
            self.instant.step()
            self.desk.label(int(snapshot.order[0]))
            assert self.instant.step()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_label_reaches_the_head_before_its_round(tmp_path: Path, strategy: str) -> None:
    follower = Follower(tmp_path, strategy)
    follower.work(6)
    desk, snapshot = follower.desk, follower.desk.rounds.snapshot
    assert snapshot is not None
    head = follower.heads[-1]
    assert head.belongs(snapshot.round)
    assert head.position == desk.ledger.position(PROJECT)
    assert int(snapshot.order[0]) not in head.ids
    assert len(head.ids) == len(set(head.ids)) == 49
    assert set(head.ids) <= set(snapshot.order.tolist())
    assert not follower.instant.step()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_rounds_and_what_a_restart_makes_of_them_are_the_same_with_it(
    tmp_path: Path, strategy: str, snapshot: bool
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    follower, alone = Follower(tmp_path / "a", strategy), Desk(tmp_path / "b", strategy)
    follower.work(5)
    same(alone.work(5), follower.desk.work(0))
    same(alone.rounds.snapshot, follower.desk.restart(snapshot=snapshot).snapshot)
    assert follower.desk.rounds.standby(50) is None or not snapshot


def test_skipped_held_and_deleted_tasks_leave_the_head_and_cover_nothing(tmp_path: Path) -> None:
    follower = Follower(tmp_path, "herding")
    follower.work(4)
    desk, snapshot = follower.desk, follower.desk.work(0)
    follower.instant.begin(snapshot.round, desk.rounds.standby(50), desk.rounds.spec)
    first = snapshot.order[:12].tolist()
    desk.label(first[0], cancelled=True)
    desk.label(first[1], label="no such class")
    desk.say(Kind.HOLD, "hold", task=first[2])
    desk.say(Kind.TASK_DELETED, "gone", task=first[3])
    desk.say(Kind.ANNOTATION, "odd", annotation=9, task=99999, user=1, updated_at="", cancelled=False, result=[])
    assert follower.instant.step()
    desk.say(Kind.LEASE, "lease", task=first[5], user=1, expires=1e12)
    assert not follower.instant.step()
    cue = desk.rounds._cue
    assert cue is not None
    cue.skip(first[:4])
    assert list(follower.heads[-1].ids) == cue.rerank(50)[:46]


def test_an_import_of_many_labels_waits_for_its_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.instant.MANY", 3)
    follower = Follower(tmp_path, "herding")
    follower.work(1)
    follower.desk.work(0)
    first = len(follower.heads)
    for task in range(100, 104):
        follower.desk.label(task)
    assert not follower.instant.step()
    follower.desk.label(99)
    assert not follower.instant.step()
    follower.work(1)
    assert len(follower.heads) == first + 1


def test_the_thread_follows_waits_out_failures_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.instant.FAILED_S", 0.001)
    follower, stop = Follower(tmp_path, "herding"), threading.Event()
    thread = threading.Thread(target=follower.instant.run, args=(stop,))
    thread.start()
    try:
        desk, snapshot = follower.desk, follower.desk.work(3)
        failed = threading.Event()

        def refuse(*_: object, **__: object) -> int:
            failed.set()
            raise StoreBusy("The ledger is locked.", "Wait.")

        with monkeypatch.context() as patch:
            patch.setattr(desk.ledger, "position", refuse)
            follower.instant.begin(snapshot.round, desk.rounds.standby(50), desk.rounds.spec)
            assert failed.wait(60)
        desk.label(int(snapshot.order[0]))
        until(lambda: follower.heads, 60)
        follower.instant.begin(snapshot.round, None, None)
    finally:
        stop.set()
        follower.instant.wake.set()
        thread.join(60)
    assert not thread.is_alive()


def test_a_head_is_one_rounds_alone_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    path, reader = tmp_path / "head.json", HeadReader()
    assert reader.latest(path) is None
    record = Round(PROJECT, 4, 17, 3, "e", "herding", {}, 0, False, 12.5)
    head = Head.of(record, 19, 13.0, [3, 1])
    write_head(path, head)
    assert reader.latest(path) == head
    assert reader.latest(path) is reader.latest(path)
    assert head.belongs(record)
    assert not Head.of(record, 17, 13.0, [3]).belongs(record)
    for other in ({"number": 5}, {"at": 99.0}):
        assert not head.belongs(Round(**{**{f: getattr(record, f) for f in Round.__slots__}, **other}))
    path.write_bytes(b"{")
    assert reader.latest(path) is None
