"""What a proof is given, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


class CannotProve(Exception):
    """This machine lacks what the proof needs; the message says what."""


@dataclass(frozen=True)
class Figure:
    """What came of a proof: whether the promise was kept, and the figure."""

    kept: bool
    said: str


@dataclass(frozen=True)
class Trial:
    """One run of a proof: how much of it, an empty folder, and whom to tell how far it is."""

    amount: int
    folder: Path
    seed: int = 7
    tell: Callable[[int], None] = field(default=lambda _done: None)


@dataclass(frozen=True)
class Proof:
    """One promise and how it is proved."""

    name: str
    promise: str
    unit: str
    """What is counted."""
    quick: int
    """How many in the tests; 0: none, for what is a figure of a quiet machine."""
    long: int
    """How many in `make soak`."""
    run: Callable[[Trial], Figure]
