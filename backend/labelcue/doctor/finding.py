"""What the doctor says, and what it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from labelcue.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `backend/docs/doctor.md` has a paragraph for every name."""

    name: str
    level: Literal["ok", "warn", "bad"]
    """bad: the queue does not work; warn: it works, but not as well as it could."""
    what: str
    """What was found, in a sentence."""
    remedy: str
    """What to do; where all is well, what to do should it ever not be."""
    project: int | None = None


@dataclass(frozen=True)
class Case:
    """One connected project as Label Studio and the learner show it, read once for all checks."""

    ls: LabelStudio
    settings: Settings
    connection: Connection
    found: Mapping[str, Any]
    """The project."""
    hooks: list[dict[str, Any]]
    backends: list[dict[str, Any]]
    versions: Mapping[str, int]
    """Predictions by model version."""
    status: Mapping[str, Any] = field(default_factory=dict)
    """The learner's own words."""

    @property
    def project(self) -> int:
        """The project's number."""
        return self.connection.project

    def judge(self, name: str, level: Literal["ok", "warn", "bad"], what: str, remedy: str) -> Finding:
        """A finding about this project."""
        return Finding(name, level, what, remedy, self.project)

    def check(self, name: str, good: bool, what: tuple[str, str], remedy: str, *, serious: bool = True) -> Finding:
        """A finding that is one of two sentences: the first where it is good, else the second."""
        level: Literal["ok", "warn", "bad"] = "ok" if good else "bad" if serious else "warn"
        return self.judge(name, level, what[0] if good else what[1], remedy)
