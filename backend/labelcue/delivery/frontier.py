"""How large a frontier must be, and when a new one is due. Pure."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labelcue.types import TaskId

LARGEST = 2000
"""Tasks of a frontier, at most: Label Studio slows down with the predictions that it holds."""
HEAD = 20
"""Places in which a new order must differ, at least, to be worth a rotation."""
SPARE = 16
"""Tasks that open browsers may hold while a frontier runs dry: where nothing else is left of it, Label Studio tells
everybody else that there are no tasks."""
WINDOWS = (60.0, 600.0)
"""Seconds over which the pace of labelling is measured; the faster of them counts."""
NEW_ORDER = "new order"
"""The reason for a rotation where nothing else asks for one."""
_VERSION = re.compile(r"cue-queue-(\d+)")


def version_of(number: int) -> str:
    """The model version of the frontier with this number."""
    return f"cue-queue-{number}"


def number_of(version: str | None) -> int | None:
    """The number in a frontier's version; None for any other version."""
    match = _VERSION.fullmatch(version or "")
    return int(match[1]) if match else None


class Pace:
    """How fast tasks of the frontier are used up. `now` is in seconds of any clock that never goes back."""

    def __init__(self) -> None:
        self._used: deque[tuple[float, int]] = deque()

    def note(self, now: float, used: int) -> None:
        """`used` tasks left the frontier since the last call."""
        if used:
            self._used.append((now, used))

    def rate(self, now: float) -> float:
        """Tasks a second."""
        while self._used and self._used[0][0] < now - max(WINDOWS):
            self._used.popleft()
        return max(sum(used for at, used in self._used if at >= now - window) / window for window in WINDOWS)


@dataclass(frozen=True, slots=True)
class View:
    """What decides about the next rotation."""

    wanted: Sequence[TaskId]
    """The head of the published order."""
    held: Sequence[TaskId]
    """What is left of the frontier, in its order."""
    rate: float
    """Tasks used up in a second."""
    gap: float
    """Seconds from one rotation to the next, at least, by the last one's duration and the share of time allowed."""
    until_allowed: float
    """Seconds until that has passed; 0 or less: it has."""
    least: int
    """The smallest frontier that is wanted."""

    @property
    def size(self) -> int:
        """Tasks of the next frontier: 4 times what is used up until the one after it, within `least` and LARGEST."""
        return min(len(self.wanted), LARGEST, max(self.least, math.ceil(4 * self.rate * self.gap)))

    @property
    def reason(self) -> str:
        """Why a rotation is due now; empty: it is not."""
        if not self.wanted:
            return ""  # everything is labelled
        if self.until_allowed > 0:
            dry = len(self.held) <= self.rate * self.until_allowed + SPARE
            return "running dry" if dry and self._more() else ""
        if not self.held:
            return "empty"
        head = max(HEAD, math.ceil(2 * self.rate * self.gap))
        if list(self.wanted[:head]) != list(self.held[:head]):
            return NEW_ORDER
        return "thinned" if 2 * len(self.held) < self.size and self._more() else ""

    def _more(self) -> bool:
        """Whether a rotation would add anything."""
        return bool(set(self.wanted) - set(self.held))


def highest(versions: Iterable[str]) -> int:
    """The highest number of these versions, 0 where none is a frontier's."""
    return max((number for version in versions if (number := number_of(version)) is not None), default=0)
