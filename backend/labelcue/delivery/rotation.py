"""Writing a frontier to Label Studio so that a whole one is being served at every moment, whatever fails.

Import the new version beside the old one, switch the project to it, then delete the old one when nobody looks for it
any more. A number is never used twice, also after a crash or where the home folder was lost: the highest is looked for
in Label Studio, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from labelcue.delivery.content import Heard, nobody, predictions
from labelcue.delivery.frontier import highest, number_of, version_of
from labelcue.delivery.record import FrontierRecord
from labelcue.errors import LabelStudioDown, LabelStudioError, ProjectGone, UnsupportedConfig
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.config import parse_config
from labelcue.store.snapshot import Snapshot
from labelcue.types import Json, TaskId, TaskSpec

CHUNK = 200
"""Tasks that are asked for in one request: their ids stand in its address."""
GRACE = 3.0
"""Seconds that a replaced frontier is kept: a request for the next task that had begun before the switch looks for the
old one, and Label Studio tells an annotator that there are no tasks where it has gone meanwhile."""
OPEN = 1800.0
"""The same of a frontier that was shown, whatever its successor shows: a task that was opened with a prediction names
it when it is submitted, and Label Studio refuses the annotation of a task whose prediction has gone."""


class Rotation:
    """The frontiers of one project in Label Studio. One thread; `check_stop` may raise to end between two requests.

    Every method that calls Label Studio raises LabelStudioError, and may simply be called again.
    """

    def __init__(
        self,
        ls: LabelStudio,
        project: int,
        record: FrontierRecord,
        *,
        confident: float | None,
        check_stop: Callable[[], None],
        heard: Heard = nobody,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._heard = heard
        self._ls = ls
        self._project = project
        self._record = record
        self.confident = confident
        """From which confidence a label is shown; None: never."""
        self._check_stop = check_stop
        self._clock = clock
        self._timer = timer
        self._number = 0
        """The highest number that any frontier had."""
        self._stale: dict[str, float] = {}
        """Versions of ours that wait to be deleted, and from which moment of the timer on they may be."""
        self.version = ""
        """The frontier's version; empty before there is one."""
        self.tasks: tuple[TaskId, ...] = ()
        """The frontier's tasks in their order."""
        self.serving = False
        """Label Studio serves this frontier, as far as we know."""
        self.shown = False
        """Annotators may have opened tasks with this frontier's predictions."""
        self.shown_from: float | None = None
        """From which confidence this frontier shows labels; None: never."""

    def resume(self) -> None:
        """Find what an earlier run left: the frontier that is served, others, and the highest number."""
        project = self._ls.project(self._project)
        current = str(project.get("model_version") or "")
        versions = self._ls.model_versions(self._project)
        titles = [str(backend.get("title") or "") for backend in self._ls.backends(self._project)]
        recorded = [str(line.get("version")) for line in self._record.lines()]
        # A backend that somebody gave such a title would answer for that frontier: its number is passed over, too.
        self._number = highest([*versions, *recorded, *titles, current])
        left = [one for one in versions if number_of(one) is not None and one != current]
        # What waits already goes on waiting; a version that nothing was switched to is a crash's, and no page names it.
        self._stale = {one: self._stale.get(one, self._due(self._record.shown_from(one) is not None)) for one in left}
        if number_of(current) is not None and versions.get(current) and current not in titles:
            self._serve(current, self._record.tasks_of(current), self._record.shown_from(current))
            self.noticed(project)

    def noticed(self, project: Mapping[str, Json]) -> None:
        """What Label Studio says of the project: whether it serves this frontier, and shows its predictions."""
        self.serving = bool(self.version) and project.get("model_version") == self.version
        # An admin may have Label Studio show them, too: where there is no label, the editor names the row all the same.
        self.shown |= self.serving and bool(project.get("show_collab_predictions"))

    def rotate(self, snapshot: Snapshot, tasks: Sequence[TaskId]) -> None:
        """Make these tasks the frontier, those left out that Label Studio does not have any more."""
        self._number = max(self._number, snapshot.round.number) + 1
        version = version_of(self._number)
        made = predictions(snapshot, tasks, version, self._spec(), self.confident or 0.0, self._heard)
        ids = self._import(made, version)
        self._check_stop()
        self._record.switching(version, ids, self.confident, self._clock())
        self.serving = False
        # Hidden predictions are named by no annotation. The version in the same request: hiding alone would empty it.
        shown = self.confident is not None
        self._ls.update_project(self._project, model_version=version, show_collab_predictions=shown)
        if self.version:
            self._stale[self.version] = self._due(self.shown)
        self._serve(version, ids, self.confident)
        self._record.serving(version, self._clock())

    def delete_stale(self) -> float | None:
        """Delete the predictions of frontiers that are not served; the seconds until the next may go, if one waits."""
        for version, due in sorted(self._stale.items()):
            if due <= self._timer():
                self._check_stop()
                self._ls.delete_predictions(self._project, version)
                del self._stale[version]
        return min(self._stale.values()) - self._timer() if self._stale else None

    def _due(self, shown: bool) -> float:
        """From which moment on a frontier that is replaced now may be deleted."""
        return self._timer() + (OPEN if shown else GRACE)

    def _serve(self, version: str, tasks: Sequence[TaskId], shown_from: float | None) -> None:
        self.version, self.tasks, self.serving = version, tuple(tasks), True
        self.shown_from, self.shown = shown_from, shown_from is not None

    def _import(self, made: Sequence[dict[str, Json]], version: str) -> list[TaskId]:
        """Write the predictions; their tasks, in order."""
        try:
            self._ls.import_predictions(self._project, made)
        except (LabelStudioDown, ProjectGone):
            raise
        except LabelStudioError:
            # One task that was deleted meanwhile spoils the whole request; what stood before it may be stored.
            alive = self._alive([int(one["task"]) for one in made])
            if len(alive) in (0, len(made)):
                raise
            made = [one for one in made if one["task"] in alive]
            self._ls.delete_predictions(self._project, version)
            self._ls.import_predictions(self._project, made)
        return [TaskId(one["task"]) for one in made]

    def _alive(self, tasks: Sequence[int]) -> set[int]:
        chunks = [tasks[start : start + CHUNK] for start in range(0, len(tasks), CHUNK)]
        return {int(row["id"]) for chunk in chunks for row in self._ls.tasks_of(self._project, chunk, ("id",))}

    def _spec(self) -> TaskSpec | None:
        """What predictions may show, by the label config of this moment; None: nothing."""
        if self.confident is None:
            return None
        try:
            return parse_config(str(self._ls.project(self._project).get("label_config") or ""))
        except UnsupportedConfig:
            return None
