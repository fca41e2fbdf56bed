"""Filters of Label Studio's Data Manager, which choose tasks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def where(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    """One condition on a column of tasks, as `where("total_annotations", "equal", "Number", 0)`."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def all_of(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every one of these conditions must hold; none at all holds for every task."""
    return {"conjunction": "and", "items": list(items)}
