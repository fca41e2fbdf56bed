"""Every registered ledger keeps the contract of `labelcue.store.base`. A new engine is tested by existing.

An engine of third parties takes part when it understands `<scheme>://<folder>/ledger`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labelcue.errors import BadRequest, ConfigError, LeaseLost, NotFound
from labelcue.store import Ledger, ledgers, open_ledger
from labelcue.types import Event, Kind, Round

Open = Callable[[], Ledger]


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=ledgers.names())
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    every: list[Ledger] = []

    def open_another() -> Ledger:
        every.append(open_ledger(f"{request.param}://{tmp_path}/ledger", busy_ms=60_000, clock=clock))
        return every[-1]

    yield open_another
    for ledger in every:
        ledger.close()


@pytest.fixture
def ledger(opened: Open) -> Ledger:
    return opened()


def task(number: int, project: int = 1, text: str = "hello") -> Event:
    body = {"task": number, "data": {"text": text}, "updated_at": "2026-01-01T00:00:00Z"}
    return Event(project, Kind.TASK, f"task:{number}", body)


def a_round(number: int, project: int = 1) -> Round:
    return Round(project, number, 17, 3, "minilm@1", "coreset-margin@1", {"k": 32, "b": [1.5, None]}, 2**40, True, 9.25)


def test_empty(ledger: Ledger) -> None:
    assert ledger.position(1) == 0
    assert ledger.projects() == []
    assert list(ledger.read(1)) == []
    assert ledger.rounds(1) == []
    assert ledger.append([]) == 0
    ledger.check()


def test_what_was_appended_comes_back_in_order_with_positions_and_time(ledger: Ledger, clock: Clock) -> None:
    sent = [replace(task(number), position=77, at=5.0) for number in (5, 3, 9)]
    last = ledger.append(sent)
    got = list(ledger.read(1))
    assert [replace(event, position=0, at=0.0) for event in got] == [
        replace(event, position=0, at=0.0) for event in sent
    ]
    positions = [event.position for event in got]
    assert positions == sorted(set(positions))
    assert min(positions) > 0
    assert positions[-1] == last == ledger.position(1) == ledger.append([])
    assert {event.at for event in got} == {clock.now}


def test_the_same_key_is_stored_once_in_a_project(ledger: Ledger) -> None:
    first = ledger.append([task(1), task(1, text="later"), task(2)])
    again = ledger.append([task(2, text="later"), task(1)])
    assert again == first
    assert [event.body["data"]["text"] for event in ledger.read(1)] == ["hello", "hello"]
    assert ledger.append([task(1, project=2)]) > first
    assert ledger.position(2) > ledger.position(1) == first
    assert ledger.projects() == [1, 2]


def test_projects_are_ascending(ledger: Ledger) -> None:
    for project in (30, 4, 2**40, 0, 4):
        ledger.append([task(1, project)])
    assert ledger.projects() == [0, 4, 30, 2**40]


def test_read_takes_what_lies_after_and_up_to(ledger: Ledger) -> None:
    for number in range(6):
        ledger.append([task(number, project=1 + number % 2)])
    ones = [event.position for event in ledger.read(1)]
    assert [event.position for event in ledger.read(1, after=ones[0])] == ones[1:]
    assert [event.position for event in ledger.read(1, after=ones[0], upto=ones[1])] == [ones[1]]
    assert [event.position for event in ledger.read(1, upto=ones[1] + 1)] == ones[:2]
    assert list(ledger.read(1, after=ones[-1])) == []
    assert list(ledger.read(1, after=ones[-1], upto=10**6)) == []


def test_read_of_some_kinds_gives_these_alone(ledger: Ledger) -> None:
    lease = {"task": 1, "user": 1, "expires": 1.0}
    ledger.append([task(1), Event(1, Kind.LEASE, "l", lease), task(2), Event(1, Kind.RELEASE, "r", lease)])
    kinds = (Kind.LEASE, Kind.RELEASE)
    assert [event.key for event in ledger.read(1, kinds=kinds)] == ["l", "r"]
    assert [event.key for event in ledger.read(1, after=2, kinds=kinds)] == ["r"]
    assert list(ledger.read(1, kinds=(Kind.STRATEGY,))) == []


def test_read_over_many_batches_stops_at_what_was_there_when_it_began(ledger: Ledger) -> None:
    ledger.append([task(number) for number in range(2_500)])
    seen: list[int] = []
    for event in ledger.read(1):
        if not seen:
            ledger.append([task(9_999)])
        seen.append(event.body["task"])
    assert seen == list(range(2_500))


def test_event_by_position(ledger: Ledger) -> None:
    last = ledger.append([task(1), task(2)])
    assert ledger.event(last).key == "task:2"
    for nowhere in (0, -1, last + 1):
        with pytest.raises(NotFound, match=str(nowhere)):
            ledger.event(nowhere)


def test_bodies_come_back_as_json_gives_them(ledger: Ledger) -> None:
    data = {"text": "\u00e4\u6f22\U0001f600 \ud83d \x00 'quoted\"", "n": [1, 2.5, None, True, {"x": {}}], "big": 2**70}
    body = {"task": 1, "data": data, "updated_at": None}
    last = ledger.append([Event(1, Kind.TASK, "\u6f22 'x'\n", body)])
    event = ledger.event(last)
    assert (event.body, event.key) == (body, "\u6f22 'x'\n")


@pytest.mark.parametrize(
    "bad",
    [
        replace(task(1), project=2**63),
        replace(task(1), project=-1),
        replace(task(1), project=True),
        replace(task(1), project="1"),  # type: ignore[arg-type]
        replace(task(1), key=""),
        replace(task(1), key="\ud83d"),
        replace(task(1), key=None),  # type: ignore[arg-type]
        replace(task(1), body={"task": 1}),
        replace(task(1), body={**task(1).body, "task": "1"}),
        replace(task(1), body={**task(1).body, "data": {1, 2}}),
        Event(1, Kind.LEASE, "l", {"task": 1, "user": 2, "expires": "soon"}),
        Event(1, Kind.LEASE, "l", {"task": 1, "user": 2, "expires": float("nan")}),
        Event(1, Kind.RELEASE, "l", {"task": 1, "user": {"id": 2}}),
    ],
)
def test_an_event_that_cannot_be_stored_or_folded_is_refused_with_its_whole_batch(ledger: Ledger, bad: Event) -> None:
    with pytest.raises(BadRequest, match="cannot be stored"):
        ledger.append([task(5), bad])
    assert list(ledger.read(1)) == []


def test_every_kind_is_accepted(ledger: Ledger) -> None:
    words = (
        "data",
        "updated_at",
        "cancelled",
        "result",
        "label_config",
        "name",
        "params",
        "by",
        "version",
        "token",
        "sha256",
    )
    numbers = ("task", "annotation", "user", "expires", "opinions", "upto", "rows")
    body = dict.fromkeys(numbers, 1) | dict.fromkeys(words, "x") | {"settings": {}}
    body |= {"stream": "audit", "propensity": 0.1, "round": 1, "score": 0.5, "of": "x", "said": []}
    ledger.append([Event(1, kind, kind.value, body) for kind in Kind])
    assert [event.kind for event in ledger.read(1)] == list(Kind)


def test_one_holder_until_its_time_is_over(ledger: Ledger, clock: Clock) -> None:
    assert ledger.acquire(1, "a", ttl=10)
    assert not ledger.acquire(1, "b", ttl=10)
    assert ledger.acquire(2, "b", ttl=10)
    clock.now += 9
    assert ledger.acquire(1, "a", ttl=10)
    clock.now += 9
    assert not ledger.acquire(1, "b", ttl=10)
    clock.now += 1
    assert ledger.acquire(1, "b", ttl=10)
    assert not ledger.acquire(1, "a", ttl=10)


def test_given_back_at_once_but_only_by_its_holder(ledger: Ledger) -> None:
    assert ledger.acquire(1, "a", ttl=10)
    ledger.relinquish(1, "b")
    assert not ledger.acquire(1, "b", ttl=10)
    ledger.relinquish(1, "a")
    ledger.relinquish(1, "a")
    assert ledger.acquire(1, "b", ttl=10)


def test_a_clock_that_is_set_back_or_forward_leaves_no_project_without_a_learner(ledger: Ledger, clock: Clock) -> None:
    clock.now = 1_000_000.0
    assert ledger.acquire(1, "dead", ttl=10)
    clock.now -= 500_000
    assert ledger.acquire(1, "a", ttl=10)
    assert not ledger.acquire(1, "b", ttl=10)
    clock.now -= 100
    assert not ledger.acquire(1, "b", ttl=10)
    assert ledger.acquire(1, "a", ttl=10)
    clock.now += 1_000_000
    assert ledger.acquire(1, "b", ttl=10)
    with pytest.raises(LeaseLost):
        ledger.add_round(a_round(1), "a")
    ledger.append([task(1)])
    clock.now -= 2_000_000
    assert ledger.append([task(2)]) == 2
    assert [event.body["task"] for event in ledger.read(1)] == [1, 2]


def test_rounds_come_back_as_they_were(ledger: Ledger) -> None:
    ledger.acquire(1, "a", ttl=10)
    ledger.acquire(2, "a", ttl=10)
    records = [a_round(1), replace(a_round(2), full=False, params={}), a_round(3)]
    for record in records:
        ledger.add_round(record, "a")
    ledger.add_round(a_round(1, project=2), "a")
    assert ledger.rounds(1) == records
    assert ledger.rounds(1, after=2) == records[2:]
    assert [type(value) for value in (ledger.rounds(1)[0].full, ledger.rounds(1)[0].at)] == [bool, float]


def test_rounds_are_fenced(ledger: Ledger, clock: Clock) -> None:
    with pytest.raises(LeaseLost, match="does not hold"):
        ledger.add_round(a_round(1), "a")
    ledger.acquire(1, "a", ttl=10)
    ledger.add_round(a_round(1), "a")
    with pytest.raises(LeaseLost, match="does not hold"):
        ledger.add_round(a_round(2), "b")
    clock.now += 11
    ledger.add_round(a_round(2), "a")  # late, but nobody else has come
    ledger.acquire(1, "b", ttl=10)
    with pytest.raises(LeaseLost, match="a does not hold project 1"):
        ledger.add_round(a_round(3), "a")
    ledger.add_round(a_round(3), "b")
    for number in (3, 5, 1):
        with pytest.raises(LeaseLost, match=f"Round {number} of project 1 does not follow round 3"):
            ledger.add_round(a_round(number), "b")
    assert [record.number for record in ledger.rounds(1)] == [1, 2, 3]


def test_what_is_forgotten_is_gone_and_its_place_is_never_given_again(opened: Open) -> None:
    ledger = opened()
    ledger.append([task(number) for number in (1, 2, 3)])
    ledger.append([task(1, project=2)])
    ones, others = ([event.position for event in ledger.read(project)] for project in (1, 2))
    ledger.acquire(1, "a", ttl=10)
    for number in (1, 2, 3):
        ledger.add_round(a_round(number), "a")
    try:
        ledger.forget(1, [ones[1], *others], [2])
    except ConfigError:
        pytest.skip("this engine forgets nothing")
    ledger.forget(1, [0, ones[1], ones[2], 10**6], [2, 3, 9])  # Gone already, never there, or the last.
    assert [event.position for event in ledger.read(1)] == [ones[0], ones[2]]
    assert [event.position for event in ledger.read(2)] == others
    assert [record.number for record in ledger.rounds(1)] == [1, 3]
    with pytest.raises(NotFound):
        ledger.event(ones[1])
    assert (ledger.position(1), ledger.position(2)) == (ones[2], others[-1])
    assert ledger.append([task(2)]) > max(*ones, *others)
    with pytest.raises(LeaseLost, match="Round 3 of project 1 does not follow round 3"):
        ledger.add_round(a_round(3), "a")
    ledger.add_round(a_round(4), "a")
    ledger.check()
    size, free = ledger.space()
    assert 0 <= free <= size


def test_threads_append_and_read_at_once(ledger: Ledger) -> None:
    problems: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for number in range(20):
                ledger.append([task(100 * me + number), task(number, project=2)])
                assert ledger.position(1) > 0
                positions = [event.position for event in ledger.read(1)]
                assert positions == sorted(positions)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(list(ledger.read(1))) == 120
    assert len(list(ledger.read(2))) == 20
    ledger.check()


def test_several_ledgers_of_one_place_see_each_other(opened: Open) -> None:
    one, two = opened(), opened()
    if not one.durable:
        pytest.skip("this engine's content ends with the object")
    last = one.append([task(1)])
    assert two.position(1) == last
    assert two.append([task(1), task(2)]) > last
    assert [event.key for event in one.read(1)] == ["task:1", "task:2"]
    assert one.acquire(1, "a", ttl=10)
    assert not two.acquire(1, "b", ttl=10)


def test_closed_and_opened_again_it_holds_the_same(opened: Open) -> None:
    first = opened()
    if not first.durable:
        pytest.skip("this engine's content ends with the object")
    last = first.append([task(1), task(2)])
    first.acquire(1, "a", ttl=10)
    first.add_round(a_round(1), "a")
    first.close()
    second = opened()
    assert second.position(1) == last
    assert second.rounds(1) == [a_round(1)]
    assert second.append([task(2), task(3)]) > last
    second.add_round(a_round(2), "a")


@pytest.mark.parametrize("url", ["", "ledger.sqlite3", "postgres://host/name", "sqlite", "/abs/path", "@1:x"])
def test_a_url_of_no_engine_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError, match=r"names no engine.*memory:, sqlite:"):
        open_ledger(url)
