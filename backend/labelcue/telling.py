"""Fold → engine: what annotators said of each task, in the engine's words."""

from __future__ import annotations

from collections.abc import Mapping, Set

from labelcue.engine import Cue
from labelcue.errors import TaskUnreadable
from labelcue.labelstudio.regions import label_of
from labelcue.pool.levers import Draw, Pace, Shares
from labelcue.queueing.settings import QueueSettings
from labelcue.store.fold import Fold, stamp
from labelcue.types import Answer, Json, Kind, TaskId, TaskSpec, UserId


class Teller:
    """Makes an engine's view of tasks equal to the fold's, in an order that replays."""

    def __init__(self, fold: Fold, seed: int) -> None:
        """`seed` is that of draws by lot, for as long as the project lives."""
        self._fold = fold
        self._seed = seed
        self._since = 0
        self._sliced: tuple[object, ...] = ()
        """What the slices depend on that were told last."""
        self.problems: dict[TaskId, str] = {}
        """Tasks whose annotations cannot be used, and why."""
        self._told: Cue | None = None
        self._pinned: set[TaskId] = set()
        """Tasks that are pinned in the engine that was told last."""

    def annotated(self) -> set[TaskId]:
        """Tasks of which there is something to tell: an annotation, skips among them, a lever, or a draw by lot."""
        annotated = {state.task for state in self._fold.annotations.values()}
        return annotated | self._fold.levers.keys() | self._fold.drawn.keys()

    def is_learned(self, task: TaskId, spec: TaskSpec) -> bool:
        """Whether the model learns from the task: it has a label, and is no audit."""
        draw = self._fold.draw_of(task)
        return bool(self.labels(task, spec)) and (draw is None or draw.stream != "audit")

    def steer(self, cue: Cue, levers: Mapping[str, Json], known: Set[TaskId], since: int) -> None:
        """The shares of a round's record; of the slices of these tasks, all of which the engine has. `since`: as in
        `tell`."""
        wanted = QueueSettings.model_validate({"audit": 0, **levers})
        shares = Shares(wanted.audit, wanted.explore, wanted.classes, wanted.slices)
        facets, field = self._fold.facets, wanted.slice_field if wanted.slices else ""
        state = (cue, field, facets.changes, len(known))
        of = None
        if state != self._sliced:
            values = facets.of(field)
            of = {task: values[task] for task in values.keys() & known}
            self._sliced = state
        cue.steer(shares, of, self._seed, self._pace(shares, since))

    def tell(self, cue: Cue, touched: set[TaskId], spec: TaskSpec, since: int) -> set[TaskId]:
        """Labels, skips, levers, draws and removals of these tasks, all of which the engine has; those removed.

        `since`: the position in the ledger from which on it counts who was served under the shares of the queue.
        """
        tasks = sorted(touched)
        gone = [task for task in tasks if task not in self._fold.tasks]
        labels: dict[int | str, Answer | Mapping[UserId, Answer]] = {}
        done: list[TaskId] = []
        free: list[TaskId] = []
        for task in tasks:
            if task not in self._fold.tasks:
                continue
            given = self.labels(task, spec)
            if given:
                labels[task] = given
            elif self._fold.of_task(task):
                done.append(task)
            else:
                free.append(task)
        cue.remove(gone)
        cue.unlabel(done + free)
        cue.unskip(free)
        cue.skip(done)
        cue.label(labels)
        here = set(tasks) - set(gone)
        self._tell_levers(cue, here, set(gone))
        self._tell_account(cue, here, since)
        return set(gone)

    def _tell_levers(self, cue: Cue, tasks: set[TaskId], gone: set[TaskId]) -> None:
        """Pins are told anew, all of them, so that their order is that of the events however they came."""
        levers = self._fold.levers
        held = {task for task in tasks if levers.get(task) is Kind.HOLD}
        cue.unhold(sorted(tasks - held))
        cue.hold(sorted(held))
        before = self._pinned - gone if cue is self._told else set[TaskId]()
        pinned = (before - tasks) | {task for task in tasks if levers.get(task) is Kind.PIN}
        if before or pinned:
            cue.unpin(sorted(before))
            cue.pin([task for task in levers if task in pinned])
        self._told, self._pinned = cue, pinned

    def _tell_account(self, cue: Cue, tasks: set[TaskId], since: int) -> None:
        """Who was served counts by the ledger, so that a restart counts the same."""
        if since != self._since:
            cue.recount()
        self._since = since
        draws = {task: draw for task in tasks if (draw := self._fold.draw_of(task)) is not None}
        served = [task for task in tasks - self._pinned if self._is_since(task, since)]
        cue.account(sorted(tasks), served, {task: Draw(one.stream, one.propensity) for task, one in draws.items()})

    def _pace(self, shares: Shares, since: int) -> Pace:
        """Of the latest labels, about as many as hold two of the rarest draw: more would make an import, which passes
        the queue by, a debt that is paid back by draws alone."""
        given = [share for share in (shares.audit, shares.explore) if share]
        lately: dict[TaskId, None] = {}
        for state in reversed(self._fold.annotations.values()) if given else ():
            if state.position <= since or len(lately) >= round(2 / min(given)):
                break
            lately[state.task] = None
        draws = [draw.stream if (draw := self._fold.latest_draw(task)) else "" for task in lately]
        return Pace(draws.count("audit"), draws.count("explore"), draws.count(""))

    def _is_since(self, task: TaskId, position: int) -> bool:
        return any(state.position > position for state in self._fold.of_task(task))

    def labels(self, task: TaskId, spec: TaskSpec) -> dict[UserId, Answer]:
        """Each annotator's label; what cannot be used becomes a problem of the task."""
        given: dict[UserId, Answer] = {}
        self.problems.pop(task, None)
        for state in sorted(self._fold.of_task(task), key=lambda one: stamp(one.updated_at, one.key)):
            if state.cancelled:
                continue
            try:
                label = label_of(spec, state.result)
            except TaskUnreadable as error:
                self.problems[task] = f"annotation {state.annotation}: {error}"
                continue
            if label is not None:
                # An annotation without a user (an import) counts as a user of its own.
                given[state.user if state.user is not None else -state.annotation] = label
        return given
