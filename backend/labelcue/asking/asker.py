"""Asks for second opinions: the share that the settings want, and what admins asked for on a page.

A labelled task is served again only where the plugin opens it. So this asks the plugin, by the action that the Data
Manager's menu has, as the user whose token the project was connected with. The tasks are those where ActiveLab (by
cleanlab) says that one more label tells most, the first first: the learner's insights list them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Signal

import numpy as np
import structlog

from labelcue.asking.wishes import AT_ONCE, FOLLOWED, Wishes
from labelcue.errors import LabelCueError, LabelStudioDown, LabelStudioError, ProjectGone
from labelcue.labelstudio.backoff import Backoff, repeat
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.way import way_of
from labelcue.queueing.history import History, versions_of
from labelcue.queueing.settings import QueueSettings
from labelcue.store.base import Ledger
from labelcue.store.choices import Choice
from labelcue.types import Json, Kind, TaskId

log = structlog.get_logger(__name__)
LOOK_S = 1.0
"""Seconds between two looks at the ledger, which cost nothing where it is not longer."""
WAY_S = 60.0
"""Seconds for which it counts that the plugin serves, or does not."""
REFUSALS = 3
"""So often in a row Label Studio may refuse the same tasks before they are left."""


class Asker:
    """One project's. `run` and `step` belong to one thread; `status` may be called from any."""

    def __init__(
        self,
        ls: LabelStudio,
        ledger: Ledger,
        project: int,
        base: QueueSettings,
        insights: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: np.random.Generator | None = None,
    ) -> None:
        """`insights`: the file with the tasks where a second opinion tells most."""
        self._ls, self._ledger, self._project = ls, ledger, project
        self._base, self._insights, self._clock = base, insights, clock
        self._history, self._wishes = History(project), Wishes()
        self._position = self._looked = 0
        self._used = False
        self._tried: dict[TaskId, int] = {}
        """Tasks that Label Studio was asked to open → the position of the wish, 0 for the share's."""
        self._refused = 0
        self._way: tuple[float, bool, str] | None = None
        self._listed: tuple[int, list[TaskId]] = (0, [])
        self._backoff = Backoff(rng or np.random.default_rng())
        self._status: dict[str, Json] = {"share": 0.0, "asked": 0, "waiting": 0, "reason": "", "error": ""}

    def status(self) -> dict[str, Json]:
        """`share` wanted, `asked` since that was set, `waiting` for an annotator; `reason` why none are asked for, and
        `error`."""
        return dict(self._status)

    def run(self, stop: Signal) -> None:
        """Look every second until `stop` or until the project is gone. Failures are waited out, longer each time."""
        repeat(self._turn, stop, self._backoff, self._failing)

    def step(self) -> None:
        """Follow the ledger, and have opened what is to be. Raises LabelStudioError, StoreError."""
        share, since = self._follow()
        pages = [task for task, at in self._wishes.unopened.items() if self._tried.get(task) != at]
        lacking = self._wishes.lacking(share, since) if share else 0
        chosen = self._chosen(lacking) if lacking else []
        reason = "" if chosen or not lacking else "No labelled task is listed for one: insights come after rounds."
        if (pages or chosen) and (closed := self._closed()):
            pages, chosen, reason = [], [], closed
        self._open(pages[:AT_ONCE] or chosen)
        self._status = {
            "share": share,
            "asked": self._wishes.asked(since) if share else 0,
            "waiting": len(self._wishes.waiting),
            "reason": reason,
            "error": "",
        }

    def _turn(self) -> float:
        self.step()
        return LOOK_S

    def _failing(self, error: LabelCueError, _: float) -> None:
        self._status = {**self._status, "error": error.message}

    def _follow(self) -> tuple[float, int]:
        """Read what is new; the share that is wanted, and the position since which it is."""
        choices = self._history.choices(self._ledger)
        share = versions_of(choices, self._base)[-1].settings.second_opinions
        last = self._ledger.position(self._project)
        if self._is_used(share, last) and last > self._position:
            for event in self._ledger.read(self._project, after=self._position, upto=last, kinds=FOLLOWED):
                self._wishes.take(event)
            self._position = last
        return share, wanted_since(choices)

    def _is_used(self, share: float, last: int) -> bool:
        """Whether anybody ever wanted a second opinion; where nobody did, no annotation need be read."""
        if not self._used and last > self._looked:
            asked = self._ledger.read(self._project, after=self._looked, upto=last, kinds=(Kind.SECOND_OPINION,))
            self._used = share > 0 or any(True for _ in asked)
            self._looked = last
        return self._used

    def _chosen(self, number: int) -> list[TaskId]:
        """The first tasks of the list that nobody has been asked about."""
        waiting = self._wishes.waiting
        free = [task for task in self._second() if task not in waiting and task not in self._tried]
        return free[:number]

    def _second(self) -> list[TaskId]:
        """Where one more label tells most, by the latest insights; none before the first."""
        try:
            mark = self._insights.stat().st_mtime_ns
            if mark != self._listed[0]:
                said = json.loads(self._insights.read_bytes())
                self._listed = (mark, [TaskId(int(task)) for task in said["spending"]["second"]])
                # The list is made anew of labels that have come meanwhile: a task may be worth a third opinion.
                self._tried = {task: at for task, at in self._tried.items() if at}
        except (OSError, ValueError, KeyError, TypeError):
            return []  # Written anew after the next round.
        return self._listed[1]

    def _closed(self) -> str:
        """Why Label Studio opens no labelled task; '' where it does."""
        now = self._clock()
        if self._way is None or now - self._way[0] > WAY_S:
            way = way_of(self._ls, self._project)
            self._way = (now, way.by_plugin, way.words)
        _, by_plugin, words = self._way
        return "" if by_plugin else f"Only the plugin can open a labelled task again, and the queue is served {words}."

    def _open(self, tasks: Sequence[TaskId]) -> None:
        """Ask the plugin; what it leaves, as everybody has labelled it, is not asked for again."""
        if not tasks:
            return
        positions = self._wishes.unopened
        try:
            self._ls.ask_again(self._project, tasks)
            self._refused = 0
        except (LabelStudioDown, ProjectGone):
            raise
        except LabelStudioError as error:
            self._refused += 1
            if self._refused < REFUSALS:
                raise
            self._refused = 0
            log.warning("second opinions were refused", project=self._project, tasks=len(tasks), reason=error.message)
        self._tried |= {task: positions.get(task, 0) for task in tasks}
        log.info("second opinions", project=self._project, tasks=len(tasks))


def wanted_since(choices: Sequence[Choice]) -> int:
    """The position in the ledger at which the share that stands was set."""
    position, before = 0, 0.0
    for one in choices:
        share = one.settings.get("second_opinions") or 0.0
        if share != before:
            position = one.position
        before = share
    return position
