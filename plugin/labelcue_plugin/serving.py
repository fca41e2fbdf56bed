"""Puts what LabelCue says of a task into Label Studio's answer, when the task is served; nothing of it is stored."""

from __future__ import annotations

import functools
import logging
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from django.utils.timezone import now
from tasks.models import Task, TaskLock

from labelcue_plugin.membership import is_inside
from labelcue_plugin.service import LabelCue
from labelcue_plugin.showing import Shown, asks_why, dressed, without_ours

log = logging.getLogger(__name__)
MARK = "labelcue_shown"
"""The attribute of a task that was just chosen, which carries what goes with it to the answer."""
DATA_TYPES = ("core.label_config", "projects.models")
"""Modules that hold a name `extract_data_types` of their own."""

_served: ContextVar[bool] = ContextVar("labelcue_served", default=False)


class Serving:
    """Takes the place of Label Studio's functions; `install` once a process."""

    def __init__(self, cue: LabelCue) -> None:
        self._cue = cue
        self._answer = import_module("tasks.serializers").NextTaskSerializer.to_representation
        self._opened = import_module("tasks.api").TaskAPI.get
        self._evaluate: Any = import_module("tasks.api").evaluate_predictions

    def install(self) -> None:
        """From now on tasks come with what goes with them, and need not have the field of the reason."""
        serializers: Any = import_module("tasks.serializers")
        api: Any = import_module("tasks.api")
        serializers.NextTaskSerializer.to_representation = self._next_task()
        api.TaskAPI.get = self._open_task()
        api.evaluate_predictions = self._evaluated
        for name in DATA_TYPES:
            module: Any = import_module(name)
            module.extract_data_types = _fewer(module.extract_data_types)

    def _next_task(self) -> Any:
        """In the place of what the label stream gets."""

        def to_representation(serializer: Any, task: Any) -> Any:
            answer = self._answer(serializer, task)
            return self._dressed(answer, task.project, getattr(task, MARK, None), served=hasattr(task, MARK))

        return to_representation

    def _open_task(self) -> Any:
        """In the place of GET /api/tasks/N, by which the Data Manager and the stream's history open one."""

        @functools.wraps(self._opened)
        def get(view: Any, request: Any, pk: Any) -> Any:
            project, user = view.task.project, request.user
            connected = bool(self._cue.serves(project.id)) and is_inside(user, project)
            mine = connected and _is_held(view.task, user)
            token = _served.set(mine)
            try:
                response = self._opened(view, request, pk)
            finally:
                _served.reset(token)
            shown = self._cue.about(project.id, user.id, view.task.id, self._cue.ask_s) if mine else None
            response.data = self._dressed(response.data, project, shown, served=connected)
            return response

        return get

    def _evaluated(self, tasks: Any) -> Any:
        """In the place of a call of the ML backend, which nobody need wait for where LabelCue tells it anyway."""
        return None if _served.get() else self._evaluate(tasks)

    def _dressed(self, answer: Any, project: Any, shown: Shown | None, *, served: bool) -> Any:
        why = asks_why(project.label_config)
        if not (served or why):
            return answer
        try:
            return dressed(answer, shown, why=why, suggest=bool(project.show_collab_predictions))
        except Exception as error:  # an annotator must get the task whatever is wrong here
            log.error("The LabelCue plugin failed to show why: %s: %s", type(error).__name__, error)
            return answer


def mark(task: Task, shown: Shown | None) -> None:
    """Let the task carry what goes with it."""
    setattr(task, MARK, shown)


def _is_held(task: Any, user: Any) -> bool:
    return bool(TaskLock.objects.filter(task=task, user=user, expire_at__gt=now()).exists())


def _fewer(extract: Any) -> Any:
    @functools.wraps(extract)
    def extract_data_types(label_config: Any) -> dict[str, Any]:
        return without_ours(extract(label_config))

    return extract_data_types
