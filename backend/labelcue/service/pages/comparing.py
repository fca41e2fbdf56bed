"""What a form's settings would do to the queue, beside what stands: asked before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template

from labelcue.errors import NotFound
from labelcue.queueing.comparing import PLACES, Comparison, Side, keep_typed, read_typed
from labelcue.queueing.settings import changes, in_words
from labelcue.service.choosing import Choosing
from labelcue.service.pages import choices
from labelcue.service.pages.pictures import pictures
from labelcue.service.pages.reading import Reader
from labelcue.types import TaskId

MIXED = 20
"""Classes or slices that a mix names, the most frequent first."""
TOKEN = "csrf"  # noqa: S105 - the name of a field, no secret


class Comparing:
    """Asks by the functions of the REST API, and shows the answer."""

    def __init__(self, reader: Reader, choosing: Choosing) -> None:
        self._reader = reader
        self._choosing = choosing

    def ask(self, project: int, form: Mapping[str, str]) -> int:
        """Ask what the form would do: the question's number. Raises WrongSetting, NotFound, StoreError."""
        wish = choices.wanted(form, self._choosing.desk(project).catalogue)
        number = self._choosing.ask(project, {}, wish)
        typed = {name: value for name, value in form.items() if name != TOKEN}
        keep_typed(self._reader.service.home.project(project), number, typed)
        return number

    def typed(self, project: int, number: int) -> dict[str, str]:
        """The form that was asked with. Raises NotFound, Corrupt, StoreError."""
        found = read_typed(self._reader.service.home.project(project), number)
        if found is None:
            raise NotFound(
                f"There is no comparison {number} on this page; they are kept for an hour.",
                "Fill in the form of the Strategy page and compare anew.",
            )
        return found

    def render(self, project: int, number: int) -> str:
        """The page of one comparison. Raises NotFound, Corrupt, StoreError."""
        seen = self._reader.project(project)
        typed = self.typed(project, number)
        found = self._choosing.answer(project, number)
        sides = [] if found is None or found.a is None or found.b is None else [found.a, found.b]
        with seen.history as history:
            tasks = {TaskId(seat.task) for side in sides for seat in side.places}
            texts, shown = history.texts(tasks), pictures(seen, history, tasks)
        return render_template(
            "compare.html",
            seen=seen,
            number=number,
            typed=typed,
            found=found,
            sides=list(zip(("As it stands", "As in the form"), sides, strict=False)),
            texts=texts,
            pictures=shown,
            asked=PLACES,
            changed=_changed(found),
            mixes=[] if len(sides) < 2 else _mixes(*sides),
        )


def _changed(found: Comparison | None) -> str:
    """What the form changes, in words; empty where it changes nothing, or nobody knows."""
    if found is None or found.a is None or found.b is None:
        return ""
    changed = changes(found.a.settings, found.b.settings)
    return in_words(changed) if changed else ""


def _mixes(a: Side, b: Side) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """The two mixes as tables: (what, [(name, places as it stands, places as in the form)])."""
    tables = (("Predicted class", a.classes, b.classes), ("Slice", a.slices, b.slices))
    return [(what, _mix(left, right)) for what, left, right in tables if left or right]


def _mix(a: Mapping[str, int], b: Mapping[str, int]) -> list[tuple[str, int, int]]:
    rows = [(name, a.get(name, 0), b.get(name, 0)) for name in dict.fromkeys((*a, *b))]
    return sorted(rows, key=lambda row: -row[1] - row[2])[:MIXED]
