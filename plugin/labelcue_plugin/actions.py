"""What admins can do from the Data Manager's menu."""

from __future__ import annotations

from typing import Any

from core.permissions import all_permissions
from data_manager.actions import register_action

from labelcue_plugin.activation import STATE
from labelcue_plugin.models import Copy

SECONDS = 5.0


def labelcue_rerank(project: Any, _queryset: Any, **_more: Any) -> dict[str, Any]:
    """Ask LabelCue to refit and rank everything anew."""
    served = Copy.objects.filter(project=project.id).exists()
    done = served and STATE.cue is not None and STATE.cue.act(project.id, "rerank", SECONDS)
    said = "LabelCue ranks the project anew; the queue follows within seconds." if done else _why(served)
    return {"response_code": 200, "detail": said}


def _why(served: bool) -> str:
    return (
        "LabelCue does not answer; its log and `labelcue doctor` say why." if served else "LabelCue does not serve it."
    )


def install() -> None:
    """Add them to the menu."""
    register_action(
        labelcue_rerank,
        "LabelCue: rank anew",
        95,
        permission=all_permissions.projects_change,
        dialog={
            "title": "Rank anew",
            "text": "LabelCue refits its model from nothing and makes the queue anew. Annotators are not interrupted.",
            "type": "confirm",
        },
    )
