"""What of an order must be written, given what stands there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

EXACT = 1000
"""Places at the head whose every change counts."""
MOVED = 0.05
"""Behind the head, a place counts as changed when it moved by this share: each label moves all of them by one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One task in the queue."""

    task: int
    rank: int
    priority: float
    uncertainty: float
    reason: str


def standing_of(said: Any) -> Standing:
    """One place as the service tells it. Raises ValueError, TypeError or KeyError where it is none."""
    rank = said["rank"]
    if type(said["task"]) is not int or type(rank) is not int:
        raise ValueError("a place has no task or rank")
    uncertainty = float(said["uncertainty"]["margin"])
    return Standing(said["task"], rank, float(said["priority"]), uncertainty, str(said["reason"])[:300])


def changed(new: Iterable[Standing], ranks: Mapping[int, int]) -> list[Standing]:
    """Those that must be written over what stands there (task -> rank)."""
    return [one for one in new if _has_moved(ranks.get(one.task), one.rank)]


def _has_moved(before: int | None, rank: int) -> bool:
    if before is None or min(before, rank) < EXACT:
        # Of the head everything is written: reasons and figures change with each round, ranks or no ranks.
        return True
    return abs(before - rank) > MOVED * before
