"""Which sources of Label Studio's functions this plugin knows.

The plugin takes the place of some inner functions and calls others. Each is recognised by a digest of its source; a
release in which one differs is left alone until somebody has looked at it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

KNOWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "projects.functions.next_task:get_next_task": frozenset(
            {"b5c4c488896e1ad0", "eb9d4c2f700a582f", "b42726c09ff000e4", "bdb9f480d2669eab"}
        ),
        "projects.functions.next_task:get_next_task_without_dm_queue": frozenset(
            {"72b8b00d29bcd327", "109464e6a7f4509c", "d8ff09d8a77817f5"}
        ),
        "projects.functions.next_task:get_task_from_qs_with_sampling": frozenset({"efc1d7041c1bc1b6"}),
        "projects.functions.next_task:_get_first_unlocked": frozenset({"fa6a83b17062d6df"}),
        "projects.functions.next_task:_try_breadth_first": frozenset(
            {"dd9e537f6ebc7f45", "10250aa96d6b5803", "487e50b169e99d6a"}
        ),
        "tasks.models:Task.has_lock": frozenset({"2380243d8dad7eb6", "34e5bed7307c339f", "4ac185e35fd35900"}),
        "tasks.models:Task.set_lock": frozenset({"e9f97bb6af56bd28"}),
        "data_manager.actions.next_task:next_task": frozenset({"5dfc24a44b69ca20", "2f310de85bc0f8be"}),
        "projects.api:ProjectNextTaskAPI.get": frozenset({"969ae62260ffab99", "d56984e6555aab04"}),
        "tasks.serializers:BaseTaskSerializer.to_representation": frozenset({"15bf97201d280a52", "57ec016e62c29c22"}),
        "tasks.serializers:NextTaskSerializer.get_predictions": frozenset({"802fa171cd2c75bd"}),
        "tasks.api:TaskAPI.get": frozenset({"a1f80139243b6fac", "603c8c5fe19ed71a", "c044d46dfc6fb4ee"}),
        "tasks.validation:TaskValidator.check_data": frozenset({"0801ae14776056df"}),
        "core.label_config:extract_data_types": frozenset({"15f968604a189898"}),
    }
)
"""`module:function` → digests of its source in 1.20.0, 1.21.0, 1.22.0 and 1.23.0 to 1.23.2, each once."""


def digest(source: str) -> str:
    """A digest of source text that does not depend on empty lines, comments of their own, or blanks at ends."""
    lines = (line.rstrip() for line in source.splitlines())
    kept = "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def strangers(functions: Mapping[str, Callable[..., Any] | None]) -> list[str]:
    """The names of those functions that are missing, or whose source is none of the known ones."""
    return [name for name, function in functions.items() if not _is_known(name, function)]


def _is_known(name: str, function: Callable[..., Any] | None) -> bool:
    if function is None:
        return False
    try:
        source = inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        return False
    return digest(source) in KNOWN.get(name, frozenset())
