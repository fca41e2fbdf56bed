"""Fold → engine: what annotators said of each task, in the engine's words."""

from __future__ import annotations

from collections.abc import Mapping

from labelcue.engine import Cue
from labelcue.errors import TaskUnreadable
from labelcue.labelstudio.regions import label_of
from labelcue.store.fold import Fold, stamp
from labelcue.types import Kind, Label, TaskId, TaskSpec, UserId


class Teller:
    """Makes an engine's view of tasks equal to the fold's, in an order that replays."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self.problems: dict[TaskId, str] = {}
        """Tasks whose annotations cannot be used, and why."""
        self._told: Cue | None = None
        self._pinned: set[TaskId] = set()
        """Tasks that are pinned in the engine that was told last."""

    def annotated(self) -> set[TaskId]:
        """Tasks of which there is something to tell: an annotation, skips among them, or a lever."""
        return {state.task for state in self._fold.annotations.values()} | self._fold.levers.keys()

    def tell(self, cue: Cue, touched: set[TaskId], spec: TaskSpec) -> set[TaskId]:
        """Labels, skips, levers and removals of these tasks, all of which the engine has; those that were removed."""
        tasks = sorted(touched)
        gone = [task for task in tasks if task not in self._fold.tasks]
        labels: dict[int | str, Label | Mapping[UserId, Label]] = {}
        done: list[TaskId] = []
        free: list[TaskId] = []
        for task in tasks:
            if task not in self._fold.tasks:
                continue
            given = self.labels(task, spec)
            if given:
                labels[task] = given
            elif self._fold.of_task(task):
                done.append(task)
            else:
                free.append(task)
        cue.remove(gone)
        cue.unlabel(done + free)
        cue.unskip(free)
        cue.skip(done)
        cue.label(labels)
        self._tell_levers(cue, set(tasks) - set(gone), set(gone))
        return set(gone)

    def _tell_levers(self, cue: Cue, tasks: set[TaskId], gone: set[TaskId]) -> None:
        """Pins are told anew, all of them, so that their order is that of the events however they came."""
        levers = self._fold.levers
        held = {task for task in tasks if levers.get(task) is Kind.HOLD}
        cue.unhold(sorted(tasks - held))
        cue.hold(sorted(held))
        before = self._pinned - gone if cue is self._told else set[TaskId]()
        pinned = (before - tasks) | {task for task in tasks if levers.get(task) is Kind.PIN}
        if before or pinned:
            cue.unpin(sorted(before))
            cue.pin([task for task in levers if task in pinned])
        self._told, self._pinned = cue, pinned

    def labels(self, task: TaskId, spec: TaskSpec) -> dict[UserId, Label]:
        """Each annotator's label; what cannot be used becomes a problem of the task."""
        given: dict[UserId, Label] = {}
        self.problems.pop(task, None)
        for state in sorted(self._fold.of_task(task), key=lambda one: stamp(one.updated_at, one.key)):
            if state.cancelled:
                continue
            try:
                label = label_of(spec, state.result)
            except TaskUnreadable as error:
                self.problems[task] = f"annotation {state.annotation}: {error}"
                continue
            if label is not None:
                # An annotation without a user (an import) counts as a user of its own.
                given[state.user if state.user is not None else -state.annotation] = label
        return given
