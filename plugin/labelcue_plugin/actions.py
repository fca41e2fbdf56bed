"""What admins can do from the Data Manager's menu."""

from __future__ import annotations

from typing import Any

from core.permissions import all_permissions
from data_manager.actions import register_action
from django.db import DatabaseError
from rest_framework.exceptions import NotFound, ValidationError

from labelcue_plugin.activation import STATE
from labelcue_plugin.membership import is_inside
from labelcue_plugin.models import Copy
from labelcue_plugin.opinions import Spoken, labelled, reopen, spoken_of

SECONDS = 5.0
MOST = 10_000
"""Tasks of one action: as many as LabelCue takes."""


def labelcue_pin(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Put the selected tasks first in the queue."""
    tasks = _selected(queryset)
    _act(project, "pin", tasks, **more)
    return _said(f"{len(tasks)} tasks come first, from the next round on.")


def labelcue_hold(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Keep the selected tasks out of the queue."""
    tasks = _selected(queryset)
    _act(project, "hold", tasks, **more)
    return _said(f"{len(tasks)} tasks are held back.")


def labelcue_requeue(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Let LabelCue place the selected tasks again; what is labelled or skipped goes to one more annotator."""
    tasks = _selected(queryset)
    _act(project, "requeue", tasks, **more)
    spoken = spoken_of(project, tasks)
    finished = labelled(spoken)
    back = {task: said for task, said in spoken.items() if task in finished or not said.opinions}
    told = _open_again(project, back, **more) if back else ""
    return _said(f"{len(tasks)} tasks stand where LabelCue places them.{told and ' Of these '}{told}")


def labelcue_second_opinion(project: Any, queryset: Any, **more: Any) -> dict[str, Any]:
    """Let one more annotator label each of the selected tasks."""
    _serves(project, more.get("request"))
    tasks = _selected(queryset)
    spoken = spoken_of(project, tasks)
    if not spoken:
        raise ValidationError("Nobody has labelled any of these tasks: they wait in the queue for a first opinion.")
    fresh = len(tasks) - len(spoken)
    left = f" {fresh} have no label yet and wait in the queue for their first." if fresh else ""
    return _said(f"Of {len(tasks)} tasks {_open_again(project, spoken, **more)}{left}")


def labelcue_rerank(project: Any, _queryset: Any, **more: Any) -> dict[str, Any]:
    """Refit and rank everything anew."""
    _act(project, "rerank", [], **more)
    return _said("LabelCue ranks the project anew; the queue follows within seconds.")


def _open_again(project: Any, spoken: dict[int, Spoken], **more: Any) -> str:
    """LabelCue is told first: a wish for what Label Studio does not serve harms nobody, and asking again mends it."""
    asked = {task: said for task, said in spoken.items() if said.is_left}
    for opinions in sorted({said.opinions for said in asked.values()}):
        tasks = [task for task, said in asked.items() if said.opinions == opinions]
        _act(project, "second_opinion", tasks, opinions=opinions + 1, **more)
    try:
        opened = reopen(project, asked)
    except DatabaseError as error:
        raise ValidationError(
            f"Label Studio's database did not let all of the tasks be opened ({type(error).__name__}); "
            "nothing is lost: do the same again."
        ) from error
    told = f"{len(opened)} wait for one more annotator now, and come first for those who have not labelled them."
    if len(asked) < len(spoken):
        told += f" {len(spoken) - len(asked)} were left: everybody in the organization has labelled or skipped them."
    if len(opened) < len(asked):
        told += f" {len(asked) - len(opened)} stay labelled, since Label Studio counts them so."
    return told


def _said(detail: str) -> dict[str, Any]:
    # Label Studio's page keeps the detail to itself; of this it says that the action is being processed, as it is.
    return {"response_code": 200, "async": True, "detail": detail}


def _serves(project: Any, request: Any) -> None:
    """Raises NotFound for outsiders."""
    if request is None or not is_inside(request.user, project):
        raise NotFound("There is no such project.")
    if STATE.cue is None or not Copy.objects.filter(project=project.id).exists():
        raise ValidationError("LabelCue does not serve this project.")


def _act(
    project: Any, action: str, tasks: list[int], opinions: int | None = None, request: Any = None, **_: Any
) -> None:
    """Raises ValidationError, whose words the page shows, where LabelCue does not do it; NotFound for outsiders."""
    _serves(project, request)
    cue = STATE.cue
    if cue is None or not cue.act(project.id, action, tasks, request.user.id, max(SECONDS, cue.wait_s), opinions):
        raise ValidationError("LabelCue did not take it up; its log and `labelcue doctor` say why.")


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
        (
            labelcue_requeue,
            "send back to the queue",
            "LabelCue places the selected tasks again; those that are labelled or skipped go to one more annotator.",
        ),
        (
            labelcue_second_opinion,
            "ask for a second opinion",
            "One more annotator labels each of the selected tasks, none who has labelled or skipped it before.",
        ),
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
