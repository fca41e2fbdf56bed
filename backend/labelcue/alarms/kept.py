"""What the service remembers of its alarms: `alarms.json` in the home folder, read by pages, metrics and commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelcue.alarms.book import FORMAT, Standing
from labelcue.alarms.outbox import Lane
from labelcue.errors import Corrupt, StoreError
from labelcue.store.atomic import replace_file

_REMEDY = "Delete it: alarms that stand are raised anew."


@dataclass(frozen=True, slots=True)
class Best:
    """The highest lower bound of a project's accuracy that was reported, as long as its classes stay the same."""

    classes: tuple[str, ...]
    low: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The whole file."""

    standing: Mapping[str, Standing] = field(default_factory=dict)
    best: Mapping[int, Best] = field(default_factory=dict)
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    """By the keys of the addresses."""

    def of(self, project: int) -> list[Standing]:
        """The project's alarms, the oldest first."""
        return sorted(
            (one for one in self.standing.values() if one.alarm.project == project), key=lambda one: one.since
        )


def read_kept(path: Path) -> Kept:
    """What stands there, nothing before the first alarm. Raises Corrupt, StoreError."""
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != FORMAT:
            raise ValueError(f"its format is {said['format']!r}")
        standing = [Standing.read(one) for one in said["standing"]]
        best = {int(key): Best(tuple(one["classes"]), float(one["low"])) for key, one in said["best"].items()}
        lanes = {str(key): Lane.read(one) for key, one in said["lanes"].items()}
        return Kept({one.alarm.key: one for one in standing}, best, lanes)
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{path} cannot be understood: {error}.", _REMEDY) from error


def write_kept(
    path: Path, standing: Mapping[str, Standing], best: Mapping[int, Best], lanes: Mapping[str, Any]
) -> None:
    """Swap the file whole, readable by its owner alone. Raises StoreError."""
    said = {
        "format": FORMAT,
        "standing": [one.as_json() for one in standing.values()],
        "best": {str(key): {"classes": list(one.classes), "low": one.low} for key, one in best.items()},
        "lanes": lanes,
    }
    replace_file(path, json.dumps(said, separators=(",", ":")).encode(), durable=False)
