"""What the ledger says of second opinions: how many places there were, how many of them were asked for. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from labelcue.types import Event, Kind, TaskId

FOLLOWED = (Kind.ANNOTATION, Kind.SECOND_OPINION, Kind.TASK_DELETED)
WAITING = 50
"""Second opinions that wait for an annotator at most, so that a single annotator's project is not opened as a whole."""
AT_ONCE = 20


@dataclass(slots=True)
class Wish:
    """Another opinion of a task that was asked for."""

    position: int
    opinions: int
    """By how many annotators the task is to be labelled."""
    by_page: bool
    """Asked for on a page: nobody has told Label Studio yet. The plugin, which opens the task itself, names a user's
    number, a page the name of whoever is logged in."""
    came: bool = False


class Wishes:
    """Follows one project's ledger, in the order of its positions."""

    def __init__(self) -> None:
        self._wishes: dict[TaskId, Wish] = {}
        self._known: set[tuple[TaskId, int]] = set()
        """Task and opinions that were asked for."""
        self._askings: list[int] = []
        """Positions at which these were first asked for, ascending."""
        self._made: set[int] = set()
        """Annotations."""
        self._places: list[int] = []
        """Positions at which these first came, ascending."""

    def take(self, event: Event) -> None:
        """One more event of `FOLLOWED`."""
        body = event.body
        if event.kind is Kind.SECOND_OPINION:
            task, opinions = TaskId(body["task"]), int(body["opinions"])
            if (task, opinions) not in self._known:
                self._known.add((task, opinions))
                self._askings.append(event.position)
            self._wishes[task] = Wish(event.position, opinions, isinstance(body.get("by"), str))
        elif event.kind is Kind.TASK_DELETED:
            self._wishes.pop(TaskId(body["task"]), None)
        elif body["user"] is not None and int(body["annotation"]) not in self._made:
            # Of an import nobody was served; a label that was changed is the one that it was.
            self._made.add(int(body["annotation"]))
            self._places.append(event.position)
            wish = self._wishes.get(TaskId(body["task"]))
            if wish is not None and not body["cancelled"]:
                wish.came = True

    @property
    def waiting(self) -> set[TaskId]:
        """Tasks that wait for an annotator."""
        return {task for task, wish in self._wishes.items() if not wish.came}

    @property
    def unopened(self) -> dict[TaskId, int]:
        """Tasks that were asked for on a page → the wish's position."""
        return {task: wish.position for task, wish in self._wishes.items() if wish.by_page and not wish.came}

    def places(self, since: int) -> int:
        """Labels and skips of annotators after this position."""
        return len(self._places) - bisect_right(self._places, since)

    def asked(self, since: int) -> int:
        """Second opinions that were asked for after this position, whoever asked."""
        return len(self._askings) - bisect_right(self._askings, since)

    def lacking(self, share: float, since: int) -> int:
        """How many to ask for now, so that they are `share` of the places since then."""
        due = math.ceil(share * self.places(since) - 1e-9) - self.asked(since)
        return max(0, min(due, WAITING - len(self.waiting), AT_ONCE))
