"""What admins do to single tasks: put first, hold back, take either back, ask for another opinion. Each is an event."""

from __future__ import annotations

import re
from collections.abc import Sequence

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.store.fold import Fold
from labelcue.types import Json, Kind, TaskId

MOST = 10_000
"""Tasks of one action."""
ACTIONS = {
    "second": (Kind.SECOND_OPINION, "to be labelled by one more annotator"),
    "pin": (Kind.PIN, "put first"),
    "hold": (Kind.HOLD, "held back"),
    "requeue": (Kind.REQUEUE, "back in the order of the queue"),
}
_NUMBERS = re.compile(r"[\s,;]+")


def bodies(fold: Fold, kind: Kind, tasks: Sequence[TaskId], by: str) -> list[dict[str, Json]]:
    """The events' bodies, for those of the tasks to which it can be done. Raises BadRequest where there is none."""
    known = [task for task in tasks if task in fold.tasks]
    if kind is Kind.SECOND_OPINION:
        labelled = [task for task in known if fold.of_task(task)]
        found: list[dict[str, Json]] = [
            {"task": task, "opinions": fold.annotators(task) + 1, "by": by} for task in labelled
        ]
    else:
        found = [{"task": task, "by": by} for task in known]
    if not found:
        raise BadRequest("That can be done to none of these tasks.", "Look at the numbers; they are Label Studio's.")
    return found


def require_plugin(by_plugin: bool | None) -> None:
    """Raises BadRequest where it is known that the plugin does not serve: nobody else asks another annotator."""
    if by_plugin is False:
        raise BadRequest(
            "Label Studio itself never serves a labelled task again; only the plugin can ask another annotator.",
            "Install labelcue-plugin (plugin/docs/README.md), or open the task in Label Studio and mend its label.",
        )


def tasks_of(text: str) -> list[TaskId]:
    """Task numbers as people type them, each once. Raises BadRequest that names what is none."""
    found = [part.lstrip("#") for part in _NUMBERS.split(text) if part]
    wrong = next((part for part in found if not (part.isascii() and part.isdigit() and 0 < int(part) < ID_LIMIT)), None)
    if not found or wrong is not None or len(found) > MOST:
        what = f"{wrong[:40]!r} is no task's number." if wrong is not None else "No task is named, or too many are."
        raise BadRequest(what, f"Name 1 to {MOST:,} numbers, as in Label Studio, with commas or spaces between.")
    return list(dict.fromkeys(TaskId(int(part)) for part in found))
