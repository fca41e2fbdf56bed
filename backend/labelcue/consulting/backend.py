"""Another ML backend, asked as Label Studio asks one: `/setup` once, then `/predict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from labelcue.calling import Caller
from labelcue.consulting.sources import Answers, Source, Word
from labelcue.errors import OutsideDown, OutsideError
from labelcue.types import Json, TaskId, TaskSpec


class Backend(Source):
    """It may be slow, may stumble over one task of many, and may be another one after a restart.

    Label Studio's token stays here: a backend that fetches media from there has one of its own.
    """

    batch: ClassVar[int] = 16
    lasting: ClassVar[bool] = True

    def __init__(self, caller: Caller, project: int) -> None:
        self._caller = caller
        self._project = project
        self._told = ""
        """The label config that it was set up with."""
        self._version = ""

    def mark(self, spec: TaskSpec) -> str:
        """The model version that it calls itself, where it says one at `/setup`."""
        self._set_up(spec.xml)
        return self._version

    def ask(self, tasks: Sequence[tuple[TaskId, Mapping[str, Json]]], spec: TaskSpec) -> Answers:
        """Together; one by one where that fails, so that one bad task spoils no other."""
        if self._told != spec.xml:
            self._set_up(spec.xml)
        try:
            return Answers(self._predicted(tasks, spec))
        except OutsideError as error:
            if len(tasks) == 1 and not isinstance(error, OutsideDown):
                return Answers(failed={tasks[0][0]: str(error)})
            if len(tasks) == 1:
                raise
            return self._apart(tasks, spec, error)

    def _apart(
        self, tasks: Sequence[tuple[TaskId, Mapping[str, Json]]], spec: TaskSpec, error: OutsideError
    ) -> Answers:
        """Raises the error of all where nobody got an answer."""
        words: dict[TaskId, Word] = {}
        failed: dict[TaskId, str] = {}
        for task in tasks:
            try:
                words |= self._predicted([task], spec)
            except OutsideError as alone:
                failed[task[0]] = str(alone)
            if len(failed) >= 3 and not words:
                raise error
        return Answers(words, failed)

    def _set_up(self, xml: str) -> None:
        """Some know no such route, or want none of it: whether they predict is what counts."""
        body = {"project": f"{self._project}.0", "schema": xml, "hostname": "", "access_token": ""}
        try:
            answer = self._caller.post("setup", body)
        except OutsideDown:
            raise
        except OutsideError:
            answer = {}
        self._told = xml
        self._version = _version(answer) or self._version

    def _predicted(self, tasks: Sequence[tuple[TaskId, Mapping[str, Json]]], spec: TaskSpec) -> dict[TaskId, Word]:
        body = {
            "tasks": [{"id": int(task), "data": dict(data)} for task, data in tasks],
            "model_version": None,
            "project": f"{self._project}.0",
            "label_config": spec.xml,
            "params": {"login": None, "password": None, "context": None},
        }
        answer = self._caller.post("predict", body)
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or len(results) != len(tasks):
            count = len(results) if isinstance(results, list) else "no"
            raise OutsideError(
                f"{self._caller.address} gives {count} results for {len(tasks)} tasks.",
                "An ML backend answers one for each, in their order.",
            )
        return {task: _word(result) for (task, _), result in zip(tasks, results, strict=True)}


def _word(result: Any) -> Word:
    """Of several predictions of one task the first counts."""
    one = result[0] if isinstance(result, list) and result else result
    if not isinstance(one, dict) or not isinstance(one.get("result"), list):
        return Word(None)
    return Word(one["result"], one.get("score"))


def _version(answer: Any) -> str:
    found = answer.get("model_version") if isinstance(answer, dict) else None
    return found[:200] if isinstance(found, str) else ""
