"""The shapes of the answers about named snapshots."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from labelcue.exports.marks import Mark
from labelcue.service.shapes import Shape


class NamedSnapshot(Shape):
    """A position of the ledger under a name."""

    name: str
    upto: int = Field(description="The last position of the ledger that it holds.")
    sha256: str = Field(description="Of its labelled set as JSON: the very bytes of that export.")
    rows: int = Field(description="Labelled tasks.")
    by: str
    at: float = Field(description="Unix seconds.")


class NamedSnapshots(Shape):
    """All of a project, the oldest first."""

    snapshots: list[NamedSnapshot]


class TaskChange(Shape):
    """One task between two snapshots."""

    task: int
    was: str | None = Field(description="Its label before; null: none, or annotators were tied.")
    now: str | None
    change: Literal["new", "gone", "changed"]


class Changelog(Shape):
    """What became of labels between two snapshots."""

    before: str
    after: str
    counts: dict[str, int] = Field(description="How many tasks are new, gone and changed.")
    tasks: list[TaskChange]


def told(mark: Mark) -> NamedSnapshot:
    """A snapshot as the API tells it."""
    return NamedSnapshot(name=mark.name, upto=mark.upto, sha256=mark.sha256, rows=mark.rows, by=mark.by, at=mark.at)
