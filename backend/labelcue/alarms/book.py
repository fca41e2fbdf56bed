"""Which alarms stand: each is raised once and resolved once, however often it is looked at, also after a restart."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from labelcue.alarms.conditions import HOLD_S, Alarm, Judged

FORMAT = 1
Status = Literal["raised", "resolved", "test"]


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that was raised and is not over."""

    alarm: Alarm
    since: float
    """Unix seconds."""

    def as_json(self) -> dict[str, Any]:
        """For the file; `Standing.read` is its inverse."""
        return {**asdict(self.alarm), "since": self.since}

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Standing:
        """Raises KeyError, TypeError or ValueError for anything else."""
        fields = {name: said[name] for name in ("project", "name", "severity", "message", "remedy", "subject")}
        return cls(Alarm(**fields), float(said["since"]))


class Book:
    """The alarms of all projects."""

    def __init__(self, standing: Mapping[str, Standing] | None = None) -> None:
        self.standing: dict[str, Standing] = dict(standing or {})
        self._changing: dict[str, float] = {}
        """Since when each alarm is otherwise than the book has it."""

    def of(self, project: int) -> list[Standing]:
        """The project's, the oldest first."""
        return sorted((one for one in self.standing.values() if one.alarm.project == project), key=_age)

    def update(self, project: int, judged: Judged, now: float) -> Iterator[tuple[Status, Standing]]:
        """What is new since the last look."""
        seen = {alarm.key: alarm for alarm in judged.alarms}
        for key, alarm in seen.items():
            if key in self.standing:
                self._changing.pop(key, None)
                self.standing[key] = replace(self.standing[key], alarm=alarm)
            elif self._held(key, alarm.name, now):
                self.standing[key] = Standing(alarm, now)
                yield "raised", self.standing[key]
        for one in self.of(project):
            key, name = one.alarm.key, one.alarm.name
            if key not in seen and name not in judged.unknown and self._held(key, name, now):
                yield "resolved", self.standing.pop(key)
        self._forget(project, seen, judged.unknown)

    def let_go(self, connected: frozenset[int]) -> Iterator[tuple[Status, Standing]]:
        """End the alarms of projects that are connected no more."""
        for key, one in list(self.standing.items()):
            if one.alarm.project not in connected:
                yield "resolved", self.standing.pop(key)

    def _held(self, key: str, name: str, now: float) -> bool:
        """Whether it has been so for long enough."""
        since = self._changing[key] = min(now, self._changing.get(key, now))  # The clock may have been set back.
        if now - since < HOLD_S.get(name, 0.0):
            return False
        del self._changing[key]
        return True

    def _forget(self, project: int, seen: Mapping[str, Alarm], unknown: frozenset[str]) -> None:
        """What was gone before it was raised, came back before it was over, or cannot be told: it begins anew."""
        for key in [one for one in self._changing if one.startswith(f"{project}/")]:
            if key.split("/", 2)[1] in unknown or (key in seen) == (key in self.standing):
                del self._changing[key]


def message(status: Status, standing: Standing, title: str, page: str, now: float) -> dict[str, Any]:
    """The body that a receiver gets; backend/docs/alarms.md describes it."""
    alarm = standing.alarm
    over = "Over: " if status == "resolved" else ""
    return {
        "format": FORMAT,
        "id": uuid.uuid4().hex,
        "status": status,
        "alarm": alarm.name,
        "subject": alarm.subject,
        "severity": alarm.severity,
        "project": {"id": alarm.project, "title": title},
        "message": alarm.message,
        "remedy": alarm.remedy,
        "since": standing.since,
        "at": now,
        "page": page,
        "text": f"LabelCue, {title}: {over}{alarm.message}",
    }


def _age(one: Standing) -> tuple[float, str]:
    return one.since, one.alarm.key
