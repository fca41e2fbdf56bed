"""Predictions that stand in Label Studio already, of any model but LabelCue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from labelcue.consulting.sources import Answers, Source, Word
from labelcue.labelstudio.client import LabelStudio
from labelcue.types import Json, TaskId, TaskSpec

OURS = "cue-"
"""How the versions of LabelCue's own predictions begin."""


class Standing(Source):
    """Reads a task's predictions with the task."""

    batch: ClassVar[int] = 100
    lasting: ClassVar[bool] = False

    def __init__(self, ls: LabelStudio, project: int, version: str) -> None:
        """`version`: the one that counts; empty: the newest of all but ours."""
        self._ls = ls
        self._project = project
        self._version = version

    def mark(self, spec: TaskSpec) -> str:
        """How many predictions of which versions there are."""
        counts = self._ls.model_versions(self._project)
        return ", ".join(f"{name}: {counts[name]}" for name in sorted(counts) if self._counts(name))

    def ask(self, tasks: Sequence[tuple[TaskId, Mapping[str, Json]]], spec: TaskSpec) -> Answers:
        """The newest prediction that counts; a task without one is a word that says nothing."""
        found = self._ls.tasks_of(self._project, [task for task, _ in tasks], ("id", "predictions"))
        return Answers({TaskId(int(task["id"])): self._newest(task.get("predictions") or []) for task in found})

    def _newest(self, predictions: Sequence[Mapping[str, Any]]) -> Word:
        counting = [one for one in predictions if self._counts(str(one.get("model_version") or ""))]
        if not counting:
            return Word(None)
        newest = max(counting, key=lambda one: int(one.get("id") or 0))
        result = newest.get("result")
        return Word(result if isinstance(result, list) else None, newest.get("score"))

    def _counts(self, version: str) -> bool:
        return version == self._version if self._version else not version.startswith(OURS)
