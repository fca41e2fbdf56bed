"""Whether the plugin serves the project: then the frontier is what is left to annotators where all else has failed.

Writing it keeps Label Studio busy, on SQLite with everybody else waiting. So while annotators work, a new order alone
is no reason to.
"""

from __future__ import annotations

from collections.abc import Callable

from labelcue.errors import LabelStudioDown, LabelStudioError, ProjectGone
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.way import way_of

ASKED_EVERY = 60.0
"""Seconds between two questions."""
RARELY = 600.0
"""Seconds for which an order may be old that only serves where LabelCue is down and the plugin knows no other."""


class Plugged:
    """What Label Studio says of its plugin, asked now and then."""

    def __init__(self, ls: LabelStudio, project: int, timer: Callable[[], float]) -> None:
        self._ls = ls
        self._project = project
        self._timer = timer
        self._ask_at = timer()
        self.serves = False
        """What it said last."""

    def look(self) -> None:
        """Ask, if it is time to. Raises LabelStudioDown, ProjectGone."""
        if self._timer() < self._ask_at:
            return
        self._ask_at = self._timer() + ASKED_EVERY
        try:
            self.serves = way_of(self._ls, self._project).by_plugin
        except (LabelStudioDown, ProjectGone):
            raise
        except LabelStudioError:  # whatever is wrong with the plugin, the frontier must be there
            self.serves = False

    def can_wait(self, rate: float, since: float) -> bool:
        """Whether a new order need not be written: the plugin serves, annotators use up tasks at `rate` (a second), and
        the frontier was written `since` seconds ago."""
        return self.serves and rate > 0 and since < RARELY
