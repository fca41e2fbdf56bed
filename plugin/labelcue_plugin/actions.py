"""What admins can do from the Data Manager's menu."""

from __future__ import annotations

from typing import Any

from core.permissions import all_permissions
from data_manager.actions import register_action
from rest_framework.exceptions import NotFound, ValidationError

from labelcue_plugin.activation import STATE
from labelcue_plugin.membership import is_inside
from labelcue_plugin.models import Copy

SECONDS = 5.0
MOST = 10_000
"""Tasks of one action: as many as LabelCue takes."""


def labelcue_pin(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Put the selected tasks first in the queue."""
    return _act(project, "pin", _selected(queryset), "{} tasks come first, from the next round on.", **more)


def labelcue_hold(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Keep the selected tasks out of the queue."""
    return _act(project, "hold", _selected(queryset), "{} tasks are held back.", **more)


def labelcue_requeue(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Let LabelCue place the selected tasks again."""
    return _act(project, "requeue", _selected(queryset), "{} tasks stand where LabelCue places them.", **more)


def labelcue_rerank(project: Any, _queryset: Any, **more: Any) -> dict[str, Any]:
    """Refit and rank everything anew."""
    return _act(project, "rerank", [], "LabelCue ranks the project anew; the queue follows within seconds.", **more)


def _act(project: Any, action: str, tasks: list[int], said: str, **more: Any) -> dict[str, Any]:
    """Raises ValidationError, whose words the page shows, where LabelCue does not do it; NotFound for outsiders."""
    request = more.get("request")
    if request is None or not is_inside(request.user, project):
        raise NotFound("There is no such project.")
    if STATE.cue is None or not Copy.objects.filter(project=project.id).exists():
        raise ValidationError("LabelCue does not serve this project.")
    if not STATE.cue.act(project.id, action, tasks, request.user.id, SECONDS):
        raise ValidationError("LabelCue did not take it up; its log and `labelcue doctor` say why.")
    return {"response_code": 200, "detail": said.format(len(tasks))}


def _selected(queryset: Any) -> list[int]:
    tasks = list(queryset.values_list("id", flat=True)[: MOST + 1])
    if not 0 < len(tasks) <= MOST:
        raise ValidationError(f"Select 1 to {MOST} tasks.")
    return tasks


def install() -> None:
    """Add them to the menu, for those who may change the project."""
    texts: tuple[tuple[Any, str, str], ...] = (
        (labelcue_pin, "put first", "The selected tasks come first, for all annotators, until they are sent back."),
        (labelcue_hold, "hold back", "The selected tasks are not served until they are sent back to the queue."),
        (labelcue_requeue, "send back to the queue", "LabelCue places the selected tasks again."),
        (labelcue_rerank, "rank anew", "LabelCue refits its model and makes the whole queue anew."),
    )
    for place, (entry, title, text) in enumerate(texts):
        register_action(
            entry,
            f"LabelCue: {title}",
            95 + place,
            permission=all_permissions.projects_change,
            dialog={"title": f"LabelCue: {title}", "text": text, "type": "confirm"},
        )
