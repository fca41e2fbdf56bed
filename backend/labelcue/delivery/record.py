"""Which tasks were in the frontier at which moment: a bounded file of JSON lines, so that the order can be proved.

A line before each switch: `{"version", "ids", "shown_from", "switching": t}`, where `shown_from` is the confidence from
which labels are shown (null: never); one after it: `{"version", "serving": t}` (Unix seconds). A task that Label Studio
opened at t stood in the frontier of that moment if it is in the last version that was serving by t, or in one whose
switch had begun.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from labelcue.errors import StoreError
from labelcue.store.atomic import replace_file
from labelcue.types import Json, TaskId

KEPT = 400
"""Lines that stay when the file is cut; it is cut at twice as many."""


class FrontierRecord:
    """The file of one project. One writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = len(self.lines())

    def lines(self) -> list[dict[str, Json]]:
        """Every line that is whole, the oldest first. Raises StoreError."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self._path} cannot be read: {error}.", "Delete it: only its history is lost."
            ) from error
        return [line for line in map(_read, text.splitlines()) if line is not None]

    def tasks_of(self, version: str) -> tuple[TaskId, ...]:
        """The tasks of a version, in order; empty where the record has it no more."""
        return tuple(TaskId(int(task)) for task in self._switch_to(version).get("ids", ()))

    def shown_from(self, version: str) -> float | None:
        """From which confidence labels were shown; None: never, or nothing was ever switched to this version."""
        line = self._switch_to(version)
        # Of a line that does not say it, the careful answer.
        return line.get("shown_from", 0.0) if line else None

    def switching(self, version: str, ids: Sequence[TaskId], shown_from: float | None, at: float) -> None:
        """The project is about to be switched to this version. Raises StoreError."""
        tasks = [int(task) for task in ids]
        self._add({"version": version, "ids": tasks, "shown_from": shown_from, "switching": round(at, 3)})

    def serving(self, version: str, at: float) -> None:
        """The switch was answered. Raises StoreError."""
        self._add({"version": version, "serving": round(at, 3)})

    def _switch_to(self, version: str) -> dict[str, Json]:
        """The line before the switch to a version; empty where the record has none."""
        lines = reversed(self.lines())
        return next((line for line in lines if line.get("version") == version and "ids" in line), {})

    def _add(self, line: dict[str, Json]) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.", "Free disk space.") from error
        self._lines += 1
        if self._lines >= 2 * KEPT:
            kept = [json.dumps(one, separators=(",", ":")) + "\n" for one in self.lines()[-KEPT:]]
            replace_file(self._path, "".join(kept).encode(), durable=False)
            self._lines = len(kept)


def _read(text: str) -> dict[str, Json] | None:
    """None for the torn last line of a process that died."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
