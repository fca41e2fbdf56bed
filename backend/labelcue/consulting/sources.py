"""Whoever can be asked what it says of tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from labelcue.types import Json, TaskId, TaskSpec


@dataclass(frozen=True, slots=True)
class Word:
    """One prediction, as it came."""

    result: list[Json] | None
    """Regions; None where the model made no prediction."""
    score: Json = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of some tasks."""

    words: Mapping[TaskId, Word] = field(default_factory=dict)
    failed: Mapping[TaskId, str] = field(default_factory=dict)
    """Tasks of which the model alone could say nothing, and why; asking again would be no use."""


class Source(ABC):
    """Another model. One thread at a time."""

    batch: ClassVar[int]
    """Tasks of one call."""
    lasting: ClassVar[bool]
    """Whether the same mark means the same answers, also after a restart."""

    @abstractmethod
    def mark(self, spec: TaskSpec) -> str:
        """What changes when its earlier answers may be others now. Raises OutsideError, LabelStudioError."""

    @abstractmethod
    def ask(self, tasks: Sequence[tuple[TaskId, Mapping[str, Json]]], spec: TaskSpec) -> Answers:
        """What it says of these tasks (id and data). Raises OutsideError, LabelStudioError where it answers nobody."""
