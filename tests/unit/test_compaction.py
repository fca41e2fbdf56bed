"""What a ledger forgets, and that nothing which is made of it changes."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deskwork import HOLDER, PROJECT, Desk, same
from labelcue.cli import main
from labelcue.errors import Corrupt, StoreBusy
from labelcue.exports import marks
from labelcue.exports.formats import written
from labelcue.exports.labelled import disagreements, labelled, selected
from labelcue.service.live import Live
from labelcue.store import compaction, open_ledger
from labelcue.store.base import Ledger
from labelcue.store.compaction import Waste, compact, prove
from labelcue.store.fold import Fold, fold
from labelcue.store.sqlite import SqliteLedger
from labelcue.types import Event, Kind, Round, TaskId
from paging import plant
from servicing import XML, connect

LATE = 10**9
OLD = 2_000.0
"""Of what is compacted below: everything before this moment."""


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Story:
    """A ledger in memory, told in short words; each is a second after the one before."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.clock = Clock()
        self.ledger = ledger or open_ledger("memory:", clock=self.clock)
        self.rounds = 0
        self.ledger.acquire(1, HOLDER, 1e9)
        self.tell(Kind.LABEL_CONFIG, label_config=XML, updated_at="")

    def tell(self, kind: Kind, **body: Any) -> int:
        self.clock.now += 1
        key = f"{kind.value}:{self.clock.now}"
        return self.ledger.append([Event(1, kind, key, body)])

    def task(self, task: int, **more: Any) -> int:
        return self.tell(Kind.TASK, task=task, data={"text": f"mail {task}"}, updated_at="", **more)

    def annotate(self, number: int, label: str, minute: int, task: int = 1, user: int = 1, **more: Any) -> int:
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
        at = f"2026-01-01T00:{minute:02}:00Z"
        body = {"annotation": number, "task": task, "user": user, "updated_at": at, "cancelled": False}
        return self.tell(Kind.ANNOTATION, **body, result=[region], **more)

    def lease(self, task: int, user: int, expires: float) -> int:
        return self.tell(Kind.LEASE, task=task, user=user, expires=expires)

    def release(self, task: int, user: int) -> int:
        return self.tell(Kind.RELEASE, task=task, user=user)

    def predict(self, task: int, version: str) -> int:
        return self.tell(Kind.PREDICTION, task=task, version=version, score=0.5, result=[])

    def crop(self, task: int, of: str) -> int:
        return self.tell(Kind.CROPS, task=task, of=of, said=[])

    def round(self, full: bool = True) -> int:
        self.rounds += 1
        self.clock.now += 1
        at = self.ledger.position(1)
        made = Round(1, self.rounds, at, 3, "minilm@1", "herding@1", {}, 7, full, self.clock.now)
        self.ledger.add_round(made, HOLDER)
        return at

    def compact(self, before: float = OLD, **options: Any) -> Waste:
        return compact(self.ledger, 1, before, **options)

    def positions(self) -> list[int]:
        return [event.position for event in self.ledger.read(1)]


@pytest.fixture
def story() -> Iterator[Story]:
    made = Story()
    yield made
    made.ledger.close()


def test_leases_that_are_over_go_and_one_that_stands_keeps_its_release(story: Story) -> None:
    over = [story.lease(1, 7, expires=1_500.0), story.lease(1, 8, expires=1_400.0), story.release(1, 8)]
    stands, released = story.lease(2, 7, expires=9_999.0), story.release(2, 7)
    shorter = [story.lease(6, 7, expires=9_999.0), story.lease(6, 7, expires=1_500.0)]
    alone = story.release(3, 7)
    story.lease(4, 7, expires=9_999.0)
    last = story.lease(5, 7, expires=1_500.0)
    waste = story.compact()
    assert list(waste.events) == [*over, alone]
    assert waste.counts == {"lease": 2, "release": 2}
    assert {stands, released, last, *shorter} <= set(story.positions())
    assert fold(story.ledger.read(1)).leases == {
        (TaskId(4), 7): 9_999.0,
        (TaskId(5), 7): 1_500.0,
        (TaskId(6), 7): 1_500.0,
    }


def test_what_is_young_stays(story: Story) -> None:
    for _ in range(2):
        story.lease(1, 7, expires=1_500.0)
        story.release(2, 7)
        story.predict(1, "a")
        story.round()
    before = story.positions()
    assert not story.compact(before=1_001.0).counts
    assert story.positions() == before
    assert len(story.ledger.rounds(1)) == 2


def test_versions_between_the_first_and_the_one_that_counts_go(story: Story) -> None:
    story.task(1)
    first = story.annotate(10, "pos", 1)
    middle = [story.annotate(10, "neg", 2), story.annotate(10, "pos", 3)]
    counts = story.annotate(10, "neg", 5)
    late = story.annotate(10, "pos", 4)
    said = [story.predict(1, "a"), story.predict(1, "b"), story.crop(1, "a"), story.crop(1, "b")]
    newest = [story.predict(1, "c"), story.crop(1, "c")]
    story.round()
    after = [story.annotate(10, "pos", 6), story.predict(1, "d"), story.annotate(10, "neg", 7), story.predict(1, "e")]
    waste = story.compact()
    assert sorted(waste.events) == sorted([*middle, late, *said])
    assert {first, counts, *newest, *after} <= set(story.positions())


def test_nothing_but_leases_goes_before_a_full_round(story: Story) -> None:
    for minute in range(1, 5):
        story.annotate(10, "pos", minute)
    story.predict(1, "a")
    story.lease(1, 1, expires=1_500.0)
    story.predict(1, "b")
    story.round(full=False)
    assert story.compact().counts == {"lease": 1}


def test_what_counted_at_a_named_snapshot_stays(story: Story) -> None:
    story.task(1)
    story.annotate(10, "pos", 1)
    gone = story.annotate(10, "neg", 2)
    named = story.annotate(10, "neg", 3)
    mark = marks.make(story.ledger, 1, "release", "me")
    story.annotate(10, "pos", 4)
    story.round()
    before = bytes(b"".join(written(labelled(story.ledger, 1, mark.upto), "json")))
    waste = story.compact()
    assert list(waste.events) == [gone]
    assert named in story.positions()
    assert b"".join(written(labelled(story.ledger, 1, mark.upto), "json")) == before
    assert marks.verify(story.ledger, 1, mark)


def test_an_id_that_lives_again_keeps_its_history(story: Story) -> None:
    story.annotate(10, "pos", 1)
    story.annotate(10, "neg", 2)
    story.annotate(10, "neg", 1, again=True)
    story.annotate(10, "pos", 3)
    story.round()
    assert not story.compact().counts


def test_records_of_rounds_stay_from_the_last_full_one_on_and_the_first(story: Story) -> None:
    story.task(1)
    for full in (True, False, True, False, True, False):
        story.round(full)
    waste = story.compact()
    assert waste.rounds == [2, 3, 4]
    assert [record.number for record in story.ledger.rounds(1)] == [1, 5, 6]
    story.round()
    assert story.compact(dry=True).rounds == [5, 6]
    assert [record.number for record in story.ledger.rounds(1)] == [1, 5, 6, 7]


def test_what_would_change_anything_is_refused_before_anything_goes(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.task(1)
    label = story.annotate(10, "pos", 1)
    story.lease(1, 1, expires=1_500.0)
    story.round()
    wrong = Waste(events={label: Kind.ANNOTATION})
    with pytest.raises(Corrupt, match="project 1 would not be the same at position"):
        prove(story.ledger, 1, wrong, [story.ledger.position(1)], OLD)
    monkeypatch.setattr(compaction._Sieve, "end", lambda _self: wrong)
    with pytest.raises(Corrupt):
        story.compact()
    assert label in story.positions()


def test_interrupted_anywhere_it_goes_on(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "AT_ONCE", 2)
    for task in range(9):
        story.lease(task, 1, expires=1_500.0)
    story.task(1)
    before, forget, calls = _all_of(story.ledger), story.ledger.forget, []

    def busy(project: int, positions: Collection[int], rounds: Collection[int]) -> None:
        calls.append(positions)
        if len(calls) == 3:
            raise StoreBusy("The ledger is busy.", "Try again.")
        forget(project, positions, rounds)

    monkeypatch.setattr(story.ledger, "forget", busy)
    with pytest.raises(StoreBusy):
        story.compact()
    assert _all_of(story.ledger) == before
    told: list[tuple[int, int]] = []
    assert story.compact(on_step=lambda *step: told.append(step)).counts == {"lease": 5}
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert not story.compact().counts
    assert _all_of(story.ledger) == before


@pytest.mark.parametrize("seed", range(60))
def test_of_any_history_everything_that_counts_stays_the_same(seed: int) -> None:
    story, rng = Story(), random.Random(seed)
    for _ in range(rng.randint(5, 120)):
        _something(story, rng)
    places = [mark.upto for mark in marks.marks(story.ledger, 1)]
    full = [record.position for record in story.ledger.rounds(1) if record.full][-1:]
    before = [_folded(story.ledger, place) for place in [*places, *full, LATE]]
    exports, handed = _all_of(story.ledger), _handed_out(story)
    story.compact(before=story.clock.now + rng.choice((-40, 0)))
    assert [_folded(story.ledger, place) for place in [*places, *full, LATE]] == before
    assert _all_of(story.ledger) == exports
    assert _handed_out(story) == handed
    assert all(marks.verify(story.ledger, 1, mark) for mark in marks.marks(story.ledger, 1))
    story.ledger.close()


def _something(story: Story, rng: random.Random) -> None:
    """About few tasks, users and moments, so that they meet."""
    task, user, number = rng.randint(1, 4), rng.randint(1, 3), rng.randint(1, 5)
    again = {"again": True} if rng.random() < 0.05 else {}
    draw = {"task": task, "stream": rng.choice(["audit", "explore"]), "propensity": 0.25, "round": 1}
    rng.choice(
        [
            lambda: story.task(task, **again),
            *[lambda: story.annotate(number, rng.choice(["pos", "neg"]), rng.randint(0, 9), task, user, **again)] * 5,
            *[lambda: story.lease(task, user, story.clock.now + rng.choice((1, 20, 100)))] * 2,
            lambda: story.release(task, user),
            *[lambda: story.predict(task, rng.choice("ab"))] * 2,
            lambda: story.crop(task, f"{Kind.PREDICTION.value}:{story.clock.now - rng.randint(0, 3)}"),
            lambda: story.tell(Kind.DRAW, **draw),
            lambda: story.tell(Kind.TASK_DELETED, task=task) if rng.random() < 0.2 else 0,
            lambda: story.tell(Kind.ANNOTATION_DELETED, annotation=number) if rng.random() < 0.3 else 0,
            lambda: story.tell(rng.choice([Kind.PIN, Kind.HOLD, Kind.REQUEUE]), task=task),
            lambda: story.round(rng.random() < 0.5),
            lambda: marks.make(story.ledger, 1, f"release {story.ledger.position(1)}", "me"),
        ]
    )()


def _folded(ledger: Ledger, upto: int) -> Fold:
    """Of leases and releases only those matter that somebody may still ask for."""
    state = fold(ledger.read(1, upto=upto))
    state.expire(1e6)
    state.position = 0  # The event there may be one that went.
    return state


def _all_of(ledger: Ledger) -> list[bytes]:
    """Every export, of every named snapshot and of what stands."""
    places = [mark.upto for mark in marks.marks(ledger, 1)]
    made = (kind(ledger, 1, place) for place in [*places, LATE] for kind in (labelled, selected, disagreements))
    return [b"".join(written(rows, "json")) for rows in made]


def _handed_out(story: Story) -> list[bool]:
    """What the service says of each task to each of its users."""
    live, now = Live(1), story.clock.now
    live.follow(story.ledger, story.ledger.position(1))
    return [live.is_open(TaskId(task), user, now) for task in range(1, 5) for user in range(1, 4)]


@pytest.mark.parametrize("snapshot", [True, False], ids=["from the snapshot", "by replaying"])
def test_a_restart_after_it_gives_the_same_bits_now_and_in_the_next_round(tmp_path: Path, snapshot: bool) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    steady, compacted = Desk(tmp_path / "a"), Desk(tmp_path / "b")
    for desk in (steady, compacted):
        for step in range(18):
            desk.work(1)
            if step % 5 == 4:
                desk.label(1, user=2)  # Changed again and again.
            desk.say(Kind.LEASE, f"lease:{step}", task=step + 1, user=1, expires=5.0)
        desk.say(Kind.TRAIN, "train:1")
        desk.work(3)
    before = compacted.rounds.snapshot
    waste = compact(compacted.ledger, PROJECT, before=1e12)
    assert waste.counts["lease"] == 18
    assert waste.counts["annotation"] == 1
    assert waste.counts["round"] > 10
    compacted.restart(snapshot=snapshot)
    same(before, compacted.rounds.snapshot)
    assert not compacted.rounds.due()
    same(steady.work(4), compacted.work(4))


def test_the_file_of_sqlite_shrinks_and_is_whole(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite://{tmp_path}/ledger.sqlite3", busy_ms=60_000)
    assert isinstance(ledger, SqliteLedger)
    body = {"task": 1, "user": 1, "expires": 5.0}
    for start in range(0, 3_000, 1_000):
        ledger.append([Event(1, Kind.LEASE, f"lease:{number}", body) for number in range(start, start + 1_000)])
    size, _ = ledger.space()
    assert compact(ledger, 1, before=1e12).counts == {"lease": 2_999}
    after, free = ledger.space()
    assert (after, free > size // 2) == (size, True)
    ledger.shrink()
    assert ledger.space()[0] < size // 4
    assert ledger.path.stat().st_size == ledger.space()[0]
    ledger.check()
    assert ledger.append([Event(1, Kind.LEASE, "lease:next", body)]) == 3_001
    ledger.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    connect(home)
    clock = Clock()
    ledger = open_ledger(f"sqlite:///{home}/ledger.sqlite3", 60_000, clock)
    plant(ledger, {1: "first", 2: "second"}, {1: "pos"})
    ledger.append([Event(10, Kind.LEASE, "l", {"task": 1, "user": 1, "expires": 5.0})])
    ledger.append([Event(10, Kind.PIN, "p", {"task": 1})])
    ledger.close()
    monkeypatch.setenv("LABELCUE_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("labelcue.compacting.out._width", 300)
    return home


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["compact", *words])


def test_the_command_says_what_would_go_lets_it_go_and_gives_space_back(home: Path) -> None:
    def kinds() -> list[Kind]:
        ledger = open_ledger(f"sqlite:///{home}/ledger.sqlite3", 60_000)
        try:
            return [event.kind for event in ledger.read(10)]
        finally:
            ledger.close()

    told = run("--dry-run", "-p", "10")
    assert told.exit_code == 0, told.output
    assert "1 rows, about 0.0 MB: would go; nothing has." in told.output
    assert Kind.LEASE in kinds()
    told = run("--shrink")
    assert told.exit_code == 0, told.output
    assert "1 rows, about 0.0 MB: gone." in told.output
    assert "0.0 MB of it are free" in told.output
    assert Kind.LEASE not in kinds()
    assert "0 rows" in run().output


def test_the_command_refuses_what_it_does_not_know(home: Path) -> None:
    told = run("-p", "11")
    assert told.exit_code == 1
    assert "The ledger has nothing of project 11." in told.stderr
    told = run("--home", str(home / "mistyped"))
    assert told.exit_code == 1
    assert "knows no project" in told.stderr
    assert not (home / "mistyped").exists()
