"""The Data Manager's columns: rank, priority, uncertainty and reason, read from the mirror."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from data_manager.functions import get_all_columns as _theirs
from data_manager.managers import update_annotation_map
from data_manager.serializers import DataManagerTaskSerializer
from django.conf import settings
from django.db.models import F
from rest_framework import serializers

from labelcue_plugin.activation import STATE
from labelcue_plugin.membership import is_inside
from labelcue_plugin.models import Copy

COLUMNS: dict[str, tuple[str, str, str, Callable[..., serializers.Field]]] = {
    "cue_rank": ("rank", "Cue rank", "Place in LabelCue's queue, 0 is next", serializers.IntegerField),
    "cue_priority": ("priority", "Cue priority", "Relative to the head of the queue", serializers.FloatField),
    "cue_uncertainty": ("uncertainty", "Cue uncertainty", "1 - (p1 - p2) of the model", serializers.FloatField),
    "cue_reason": ("reason", "Cue reason", "Why the task stands where it stands", serializers.CharField),
}
"""Column → field of the mirror, title, help, and how a value is told."""


def install() -> None:
    """Make the columns listed, sortable, filterable and shown."""
    settings.DATA_MANAGER_GET_ALL_COLUMNS = f"{__name__}.get_all_columns"
    update_annotation_map({name: partial(_annotate, name=name) for name in COLUMNS})
    for name, (_, _, _, kind) in COLUMNS.items():
        DataManagerTaskSerializer._declared_fields[name] = kind(read_only=True, required=False)


def get_all_columns(project: Any, *args: Any) -> dict[str, Any]:
    """In the place of Label Studio's, which has none of ours; other projects, and outsiders, keep theirs.

    The first of `args` is the user, where Label Studio knows one.
    """
    found: dict[str, Any] = _theirs(project, *args)
    if STATE.cue is None or not Copy.objects.filter(project=project.id).exists():
        return found
    if args and not is_inside(args[0], project):
        return found
    ours = [
        {
            "id": name,
            "title": title,
            "type": "String" if name == "cue_reason" else "Number",
            "help": said,
            "target": "tasks",
            "visibility_defaults": {"explore": name == "cue_rank", "labeling": False},
            "project_defined": False,
        }
        for name, (_, title, said, _) in COLUMNS.items()
    ]
    return {**found, "columns": [*found["columns"], *ours]}


def _annotate(queryset: Any, name: str) -> Any:
    return queryset.annotate(**{name: F(f"labelcue_place__{COLUMNS[name][0]}")})
