"""The contract of a ledger: every engine behaves as these docstrings say, and passes the same tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from labelcue.errors import ConfigError, Corrupt, LeaseLost
from labelcue.types import Event, Kind, Round

LONGEST = 60.0
"""Times its own length that a lease of another learner may still hold; the clock was set back if it holds longer."""


class Ledger(ABC):
    """Append-only events, rounds and leases of all projects. Safe to use from several threads and processes."""

    durable: ClassVar[bool] = True
    """False: an engine for tests, whose content ends with the object."""

    @abstractmethod
    def append(self, events: Sequence[Event], within: float | None = None) -> int:
        """Store the events, all or none, on disk before it returns; the last position of the ledger afterwards.

        `within`: seconds to wait for a locked ledger, where that is less than the engine's own patience.

        An event whose (project, key) is known already is left out silently: appending twice is harmless.
        The store gives `position`, growing in the order of the sequence, and `at`, whatever the events carry there.
        Raises StoreBusy where the ledger stays locked for longer than the engine waits, StoreError where the disk
        refuses, BadRequest where an event cannot be stored (no id, a key of its body missing, not JSON).
        """

    @abstractmethod
    def read(
        self, project: int, after: int = 0, upto: int | None = None, kinds: Collection[Kind] = ()
    ) -> Iterator[Event]:
        """The project's events with after < position <= upto, in the order of their positions, in bounded memory.

        Without `upto`: those that are there when reading starts. With `kinds`: only events of these.
        """

    @abstractmethod
    def event(self, position: int) -> Event:
        """The event at one position; raises NotFound."""

    @abstractmethod
    def position(self, project: int) -> int:
        """The last position of a project's events, 0 when it has none. Cheap: called fifty times a second."""

    @abstractmethod
    def projects(self) -> list[int]:
        """Every project that has an event, ascending."""

    @abstractmethod
    def add_round(self, record: Round, holder: str) -> None:
        """Store a round's inputs; raises LeaseLost unless `holder` holds the project, or the number is not the next.

        Whoever held it last still does after `ttl`, until another one acquires it: no one else can have acted.
        """

    @abstractmethod
    def rounds(self, project: int, after: int = 0) -> list[Round]:
        """The project's rounds with number > after, ascending."""

    @abstractmethod
    def acquire(self, project: int, holder: str, ttl: float) -> bool:
        """Become, or stay, the one learner of a project for `ttl` seconds; False while another one is.

        A lease that ends more than LONGEST times `ttl` from now is over: somebody has set the clock back since.
        """

    @abstractmethod
    def relinquish(self, project: int, holder: str) -> None:
        """Give the project back at once; nothing happens where another one holds it."""

    @abstractmethod
    def check(self) -> None:
        """Raises Corrupt where the engine's own integrity check finds anything."""

    def copy_to(self, path: Path, on_step: Callable[[int, int], None]) -> int:
        """Write all that is there at one moment, checked, as one SQLite file of ours; its last position.

        Nobody who appends meanwhile waits. `on_step` is told pages done and their number. Raises StoreError, Corrupt,
        and ConfigError where the engine cannot do it.
        """
        raise ConfigError("This ledger's engine makes no copies.", "Use the engine's own means of keeping a backup.")

    def forget(self, project: int, positions: Collection[int], rounds: Collection[int]) -> None:
        """Let go of the events at these positions and of the records of these rounds, all or none.

        A project's last event and last round stay, whatever is asked; what is gone already is no error. No position
        is given again. Raises StoreBusy, StoreError, and ConfigError where the engine cannot do it.
        """
        raise ConfigError("This ledger's engine forgets nothing.", "Use the engine's own means of saving space.")

    def space(self) -> tuple[int, int]:
        """Bytes that the ledger takes, and how many of them are free for what comes; zeros where nobody knows."""
        return 0, 0

    def shrink(self) -> None:
        """Give free space back. Nobody can write meanwhile. Raises StoreBusy, StoreError, and ConfigError as above."""
        raise ConfigError("This ledger's engine gives no space back.", "Use the engine's own means of saving space.")

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection."""


def damaged(what: str, reason: object) -> Corrupt:
    """The error of whatever finds the ledger damaged."""
    return Corrupt(
        f"{what} is damaged: {reason}.",
        "Stop LabelCue and put a backup back, or move the ledger away and run `labelcue connect` again: "
        "Label Studio has the labels.",
    )


def lease_lost(project: int, holder: str) -> LeaseLost:
    """The error of `add_round` for somebody who does not hold the project."""
    return LeaseLost(f"{holder} does not hold project {project}.", "Drop the round and acquire the project again.")


def wrong_number(record: Round, last: int) -> LeaseLost:
    """The error of `add_round` for a round that does not follow the last one."""
    return LeaseLost(
        f"Round {record.number} of project {record.project} does not follow round {last}.",
        "Another learner has been at work: start again from the ledger.",
    )
