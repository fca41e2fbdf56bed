"""Appends of the service: in time though the disk stalls, and never a false acknowledgement."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from labelcue.errors import BadRequest, StoreBusy
from labelcue.service import writing
from labelcue.service.writing import Writer
from labelcue.store.memory import MemoryLedger
from labelcue.types import Event, Kind
from waiting import until

PATIENCE_S = 0.1


class Stalling(MemoryLedger):
    """Its disk says nothing while `stalls` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.stalls, self.inside, self.goes_on = threading.Event(), threading.Event(), threading.Event()

    def append(self, events: Sequence[Event], within: float | None = None) -> int:
        assert within is not None
        assert 0 < within <= PATIENCE_S
        if self.stalls.is_set():
            self.inside.set()
            assert self.goes_on.wait(60)
        return super().append(events)


@pytest.fixture
def ledger() -> Stalling:
    return Stalling()


@pytest.fixture
def writer(ledger: Stalling) -> Iterator[Writer]:
    made = Writer(lambda: ledger, PATIENCE_S)
    yield made
    ledger.goes_on.set()
    assert made.close(60)


def event(number: int) -> Event:
    return Event(1, Kind.PIN, f"pin:{number}", {"task": number})


def stored(ledger: Stalling) -> list[int]:
    return [one.body["task"] for one in ledger.read(1)]


def refusal(writer: Writer, number: int) -> str:
    with pytest.raises(StoreBusy) as told:
        writer.append([event(number)])
    return str(told.value)


def put(writer: Writer, number: int) -> None:
    """Again where a busy machine took too long to start the thread."""

    def tried() -> bool:
        try:
            writer.append([event(number)])
        except StoreBusy:
            return False
        return True

    until(tried, what="an append")


def test_what_returns_is_stored(writer: Writer, ledger: Stalling) -> None:
    for number in range(5):
        put(writer, number)
    assert stored(ledger) == list(range(5))


def test_while_the_disk_stalls_nobody_waits_and_what_was_begun_counts_once(writer: Writer, ledger: Stalling) -> None:
    put(writer, 1)
    ledger.stalls.set()
    said: list[str] = []
    until(lambda: [said.append(refusal(writer, 2)), ledger.inside.is_set()][1], what="an append that the disk holds")
    assert "has not confirmed within 100 ms; it may yet" in said[-1]
    for number in (3, 4):
        assert "busy with other writes. Try again; nothing was stored." in refusal(writer, number)
    assert stored(ledger) == [1]
    ledger.stalls.clear()
    ledger.goes_on.set()
    put(writer, 2)
    put(writer, 5)
    assert stored(ledger) == [1, 2, 5]


def test_what_the_ledger_refuses_is_refused(writer: Writer) -> None:
    def said() -> str:
        try:
            writer.append([Event(1, Kind.PIN, "", {"task": 1})])
        except BadRequest as error:
            return str(error)
        except StoreBusy:
            return ""
        raise AssertionError("nothing was refused")

    assert "its key is no text" in until(said)


def test_its_thread_ends_when_nobody_asks_and_begins_again(
    writer: Writer, ledger: Stalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "IDLE_S", 0.01)
    put(writer, 1)
    until(lambda: writer._thread is None, what="the end of the thread")
    put(writer, 2)
    assert stored(ledger) == [1, 2]


def test_closed_it_says_whether_the_disk_still_holds_it(writer: Writer, ledger: Stalling) -> None:
    ledger.stalls.set()
    until(lambda: [refusal(writer, 1), ledger.inside.is_set()][1], what="an append that the disk holds")
    assert not writer.close(0.01)
    assert writer.close(0.01)  # Another one has none.
