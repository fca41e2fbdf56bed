"""What a ledger may forget: what no export, named snapshot, chance, restart or replay is made of.

Forgotten is, once it is older than `before`:

* leases that are over, and releases, before which none of the same task and user is left;
* of an annotation, the versions between its first and the one that counts; of another model's predictions of a task,
  and of what crops say of them, all before the one that counts. But what counted at a named snapshot, or at the last
  full round, stays;
* the record of a round before the last full one, from which a replay starts, save the first one.

Everything else stays for ever, and no position is given again. What counts at those places is the same before and
after: `compact` proves it on the very ledger before it lets go of anything.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from labelcue.errors import Corrupt
from labelcue.store.base import Ledger
from labelcue.store.codec import pack
from labelcue.store.fold import Fold, Stamp, stamp
from labelcue.types import Event, Kind, Round, TaskId, UserId

ENDED = (Kind.LEASE, Kind.RELEASE)
SAID = (Kind.PREDICTION, Kind.CROPS)
VERSIONS = (Kind.ANNOTATION, *SAID)
AT_ONCE = 200
"""Rows let go of in one transaction: a few milliseconds, in which nobody else can write."""
PAUSE_S = 0.005
"""Between two of them, for those who wait."""
ROW_BYTES = 60
"""Of an event in the file beside its body and twice its key: columns, and places in the indexes."""
ROUND_BYTES = 600
"""Of a round's record, settings included."""


@dataclass(slots=True)
class Waste:
    """What one project's ledger may forget."""

    events: dict[int, Kind] = field(default_factory=dict)
    """By position."""
    rounds: list[int] = field(default_factory=list)
    """By number."""
    bytes: int = 0
    """About what they take in the file."""
    read: int = 0
    """Events that were looked at."""

    @property
    def counts(self) -> Counter[str]:
        """How many of each kind, records of rounds among them."""
        return Counter(kind.value for kind in self.events.values()) + Counter({"round": len(self.rounds)})


@dataclass(frozen=True, slots=True)
class _Version:
    """One event about an annotation, or one prediction of a task, or what crops say of that."""

    stamp: Stamp
    event: Event
    first: bool


def compact(
    ledger: Ledger,
    project: int,
    before: float,
    *,
    dry: bool = False,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> Waste:
    """Let the ledger forget what is older than `before` (Unix seconds) and superfluous; with `dry`, only say what.

    Others read and write meanwhile, and it may be interrupted anywhere. `on_step` is told rows gone and their number.
    Raises StoreError, ConfigError where the engine cannot, Corrupt where what counts would not be the same.
    """
    last = ledger.position(project)
    marks = [int(event.body["upto"]) for event in ledger.read(project, upto=last, kinds=(Kind.MARK,))]
    rounds = ledger.rounds(project)
    floor = max((record.position for record in rounds if record.full), default=0)
    sieve = _Sieve(sorted({*marks, floor}), floor, last, before)
    for event in ledger.read(project, upto=last):
        sieve.take(event)
    waste = sieve.end()
    waste.rounds = _behind(rounds, before)
    waste.bytes += ROUND_BYTES * len(waste.rounds)
    prove(ledger, project, waste, sorted({*marks, floor, last}), before)
    if not dry:
        _let_go(ledger, project, waste, on_step)
    return waste


def prove(ledger: Ledger, project: int, waste: Waste, places: Sequence[int], before: float) -> None:
    """Fold the ledger with and without the waste: equal at each of `places`, ascending, else Corrupt is raised."""
    whole, kept, after = Fold(), Fold(), 0
    for place in places:
        for event in ledger.read(project, after=after, upto=place):
            whole.apply(event)
            if event.position not in waste.events:
                kept.apply(event)
        after, kept.position = place, whole.position
        whole.expire(before)
        kept.expire(before)
        if whole != kept or [*whole.tasks, *whole.annotations] != [*kept.tasks, *kept.annotations]:
            raise Corrupt(
                f"Without what seems superfluous, project {project} would not be the same at position {place}.",
                "Nothing was let go of. Keep the ledger as it is, and report this.",
            )


def _behind(rounds: Sequence[Round], before: float) -> list[int]:
    """Rounds that no replay runs. The first one says from which position on the queue's shares are counted."""
    full = max((record.number for record in rounds if record.full), default=0)
    return [record.number for record in rounds[1:] if record.number < full and record.at < before]


def _let_go(ledger: Ledger, project: int, waste: Waste, on_step: Callable[[int, int], None]) -> None:
    positions, rounds = list(waste.events), waste.rounds
    total = len(positions) + len(rounds)
    for start in range(0, len(positions), AT_ONCE):
        ledger.forget(project, positions[start : start + AT_ONCE], ())
        on_step(min(start + AT_ONCE, len(positions)), total)
        time.sleep(PAUSE_S)
    for start in range(0, len(rounds), AT_ONCE):
        ledger.forget(project, (), rounds[start : start + AT_ONCE])
        on_step(len(positions) + min(start + AT_ONCE, len(rounds)), total)
        time.sleep(PAUSE_S)


class _Sieve:
    """Takes one project's events in the order of their positions, and notes which of them are not needed."""

    def __init__(self, needed: Sequence[int], floor: int, last: int, before: float) -> None:
        """`needed`: positions, ascending, at which what counts has to stay. What was replaced after `floor` stays."""
        self._waste = Waste()
        self._needed, self._floor, self._last, self._before = needed, floor, last, before
        self._held: set[tuple[TaskId, UserId | None]] = set()
        """Pairs of which a lease, or a release, stays."""
        self._counts: dict[tuple[Kind, int], _Version] = {}
        """The version of each thing that counts."""
        self._replaced: list[tuple[tuple[Kind, int], Event]] = []
        self._lives_again: set[tuple[Kind, int]] = set()

    def take(self, event: Event) -> None:
        """The next event."""
        self._waste.read += 1
        if event.kind in ENDED:
            self._take_lease(event)
        elif event.kind in VERSIONS:
            self._take_version(event)

    def end(self) -> Waste:
        """What was found."""
        for thing, event in self._replaced:
            # An id that lives again is told by positions: such a rare one keeps its whole history. And a label may end
            # a lease that stays.
            if thing not in self._lives_again and _pair(event) not in self._held:
                self._add(event)
        return self._waste

    def _take_lease(self, event: Event) -> None:
        pair = _pair(event)
        is_over = max(float(event.body.get("expires", 0)), event.at) < self._before
        if is_over and pair not in self._held:
            self._add(event)
        else:
            self._held.add(pair)  # What comes after it ends it, and stays, too.

    def _take_version(self, event: Event) -> None:
        is_said = event.kind in SAID
        thing = event.kind, int(event.body["task" if is_said else "annotation"])
        new = Stamp(event.position, "", "") if is_said else stamp(event.body["updated_at"], event.key)
        if event.body.get("again"):
            self._lives_again.add(thing)
        old = self._counts.get(thing)
        if old is not None and new <= old.stamp:
            self._replace(thing, event, event)  # It came late, and never counted.
            return
        if old is not None and not old.first:
            self._replace(thing, old.event, event)
        # The position of somebody's first word on a task is looked at; of predictions none is.
        self._counts[thing] = _Version(new, event, first=old is None and not is_said)

    def _replace(self, thing: tuple[Kind, int], old: Event, new: Event) -> None:
        """`old` counted from its position to that of `new`."""
        place = bisect_left(self._needed, old.position)
        is_needed = place < len(self._needed) and self._needed[place] < new.position
        if not is_needed and new.position <= self._floor and new.at < self._before:
            self._replaced.append((thing, old))

    def _add(self, event: Event) -> None:
        if event.position < self._last:  # That one is asked for by everybody who follows the project.
            row = pack(event, event.at)
            self._waste.events[event.position] = event.kind
            self._waste.bytes += len(row.body) + 2 * len(row.key) + ROW_BYTES


def _pair(event: Event) -> tuple[TaskId, UserId | None]:
    return TaskId(event.body["task"]), event.body.get("user")
