"""The fields of the tasks' data by which a pool can be sliced: those with few, short values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from labelcue.errors import Corrupt, StoreError
from labelcue.store.atomic import replace_file
from labelcue.types import Json, TaskId

MOST = 1000
"""Values of a field, beyond which it is no slice but a text or a name."""
LONGEST = 100
"""Characters of a value."""


class Facets:
    """The values of each fit field by task. A field that was unfit once stays so."""

    def __init__(self) -> None:
        self.unfit: set[str] = set()
        """Fields with too many values, or too long ones."""
        self.changes = 0
        """Grows with whatever is observed."""
        self._values: dict[str, dict[str, str]] = {}
        """Field → its values, each kept once however many tasks have it."""
        self._of: dict[str, dict[TaskId, str]] = {}

    def observe(self, task: TaskId, data: Json) -> None:
        """Take in a task's data, in place of what it had before."""
        self.forget(task)
        for field, value in data.items() if isinstance(data, dict) else ():
            if field in self.unfit or isinstance(value, type(None)):
                continue
            text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, (int, float)) else None
            known = self._values.setdefault(field, {})
            if text is None or len(text) > LONGEST or (text not in known and len(known) >= MOST):
                self.unfit.add(field)
                self._of.pop(field, None)
                del self._values[field]
            elif text:
                self._of.setdefault(field, {})[task] = known.setdefault(text, text)

    def forget(self, task: TaskId) -> None:
        """Drop a task."""
        self.changes += 1
        for of in self._of.values():
            of.pop(task, None)

    def of(self, field: str) -> Mapping[TaskId, str]:
        """Task → the value of a field; empty for one that is unfit or that no task has."""
        return self._of.get(field, {})

    def counts(self) -> dict[str, dict[str, int]]:
        """Field → value → number of tasks, the most frequent first."""
        return {field: dict(Counter(of.values()).most_common()) for field, of in sorted(self._of.items()) if of}


def write_facets(path: Path, facets: Facets) -> None:
    """Swap the file whole: how often each field has each value. Raises StoreError."""
    body = {"fields": facets.counts(), "unfit": sorted(facets.unfit)}
    replace_file(path, json.dumps(body, separators=(",", ":")).encode(), durable=False)


def read_facets(path: Path) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Field → value → number of tasks, and the fields that are no slices; both empty before the learner's first look.

    Raises Corrupt, StoreError.
    """
    try:
        body = json.loads(path.read_bytes())
        return {str(field): dict(values) for field, values in body["fields"].items()}, list(body["unfit"])
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{path} holds no facets.", "Delete it: the learner writes it anew.") from error
