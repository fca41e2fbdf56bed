"""What the events of a project amount to: which tasks and annotations live, who holds what, what admins asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import NamedTuple

from labelcue.store.choices import Choice, choices_of
from labelcue.store.facets import Facets
from labelcue.types import Event, Json, Kind, Stream, TaskId, UserId


class Stamp(NamedTuple):
    """What decides between two events about the same thing: the larger one wins."""

    instant: int
    """Microseconds since 1970 of `updated_at`, -1 where it is no ISO date."""
    updated_at: str
    key: str


def stamp(updated_at: object, key: str) -> Stamp:
    """Dates as text do not sort: Label Studio leaves out a fraction of zero, and offsets differ."""
    text = updated_at if isinstance(updated_at, str) else ""
    try:
        when = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        return Stamp(-1, text, key)
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return Stamp(round(when.timestamp() * 1_000_000), text, key)


@dataclass(frozen=True, slots=True)
class TaskState:
    """A live task. Its data stays in the ledger: `ledger.event(position).body["data"]`."""

    position: int
    updated_at: str
    key: str


@dataclass(frozen=True, slots=True)
class AnnotationState:
    """An annotation as it stands; `cancelled` means that its user skipped the task."""

    annotation: int
    task: TaskId
    user: UserId | None
    updated_at: str
    cancelled: bool
    result: list[Json]
    """Label Studio's regions, as they came."""
    key: str = ""
    position: int = 0


class Drawn(NamedTuple):
    """A task that stands, or stood, in the queue by lot."""

    stream: Stream
    propensity: float
    """The chance that it had to be drawn at its place."""
    position: int
    round: int


class PredictionState(NamedTuple):
    """Another model's latest prediction of a task, which stays in the ledger: `ledger.event(position).body`."""

    position: int
    key: str
    version: str
    """Of that model."""


class CropState(NamedTuple):
    """What crops say of another model's prediction, which stays in the ledger: `ledger.event(position).body`."""

    position: int
    of: str
    """The key of the prediction's event."""


class LeaseState(NamedTuple):
    """The latest word on a lease of (task, user); `expires` is None once it was released."""

    position: int
    expires: float | None


@dataclass(slots=True)
class State:
    """Of one project. Fields with an underscore are for the rules that fold events into it, and for nobody else."""

    position: int = 0
    """The highest position seen."""
    tasks: dict[TaskId, TaskState] = field(default_factory=dict)
    """Live tasks; in the order of their first events when those were applied in the ledger's order."""
    annotations: dict[int, AnnotationState] = field(default_factory=dict)
    """Live annotations by id, skips among them; none of a deleted task."""
    gone: bool = False
    """The project was deleted."""
    facets: Facets = field(default_factory=Facets, compare=False)
    """By what fields the live tasks can be sliced."""
    _config: tuple[Stamp, str] | None = None
    _choices: dict[int, Event] = field(default_factory=dict)
    """Events that chose how to queue, by position."""
    _trains: set[str] = field(default_factory=set)
    _leases: dict[tuple[TaskId, UserId | None], LeaseState] = field(default_factory=dict)
    _levers: dict[TaskId, tuple[int, Kind]] = field(default_factory=dict)
    """The latest lever on a task and its position."""
    _asked: dict[TaskId, tuple[int, int]] = field(default_factory=dict)
    """Position of the latest wish for another opinion of a task, and by how many annotators it is to be labelled."""
    _drawn: dict[TaskId, Drawn] = field(default_factory=dict)
    """The latest draw of each task."""
    _predicted: dict[TaskId, PredictionState] = field(default_factory=dict)
    _cropped: dict[TaskId, CropState] = field(default_factory=dict)
    _retired: int = 0
    """Position of the latest event that retired audits."""
    _of_task: dict[TaskId, tuple[int, ...]] = field(default_factory=dict)
    _dead_tasks: set[TaskId] = field(default_factory=set)
    _dead_annotations: set[int] = field(default_factory=set)
    _again: dict[tuple[Kind, int], int] = field(default_factory=dict)
    """(TASK or ANNOTATION, id) -> the position from which it lives again; deletions before that are history."""
    _unseated: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Annotations whose latest event is about a deleted task: (updated_at, key), to beat older events by."""

    @property
    def label_config(self) -> str | None:
        """The label config's XML, None before the first was seen."""
        return self._config[1] if self._config else None

    @property
    def choices(self) -> list[Choice]:
        """Every version of the queue's settings that was saved, the first first."""
        return choices_of(self._choices.values())

    @property
    def train_requests(self) -> int:
        """How often a full refit was asked for."""
        return len(self._trains)

    @property
    def leases(self) -> dict[tuple[TaskId, UserId | None], float]:
        """(task, user) -> Unix seconds when it expires; those that are past are in it until `expire` drops them."""
        return {
            pair: lease.expires
            for pair, lease in self._leases.items()
            if lease.expires is not None and pair[0] not in self._dead_tasks and not self._answered(pair, lease)
        }

    @property
    def levers(self) -> dict[TaskId, Kind]:
        """PIN or HOLD of each live task that has one, in the order in which they were set."""
        found = sorted((position, task, kind) for task, (position, kind) in self._levers.items())
        return {task: kind for _, task, kind in found if kind is not Kind.REQUEUE and task not in self._dead_tasks}

    @property
    def asked(self) -> dict[TaskId, int]:
        """Live tasks of which another opinion was asked for, come or not → by how many annotators they are to be
        labelled; in the order of the wishes."""
        found = {task: self.opinions(task) for task in sorted(self._asked, key=lambda task: self._asked[task])}
        return {task: opinions for task, opinions in found.items() if opinions}

    def opinions(self, task: TaskId) -> int:
        """The same of one task, 0 where nobody asked, or only of a task that had the id before."""
        position, opinions = self._asked.get(task, (0, 0))
        is_past = task in self._dead_tasks or position < self._again.get((Kind.TASK, task), 0)
        return 0 if is_past else opinions

    def is_deleted(self, task: TaskId) -> bool:
        """Whether the task is gone for ever."""
        return task in self._dead_tasks

    def annotators(self, task: TaskId) -> int:
        """How many annotators have labelled a task; one without a user (an import) counts as one of its own."""
        given = (one for one in self.of_task(task) if not one.cancelled)
        return len({one.user if one.user is not None else -one.annotation for one in given})

    @property
    def drawn(self) -> dict[TaskId, Drawn]:
        """Tasks that stand in the queue by lot, or were labelled so; audits until they are retired."""
        return {task: draw for task in sorted(self._drawn) if (draw := self.draw_of(task)) is not None}

    def draw_of(self, task: TaskId) -> Drawn | None:
        """The draw of one task, None where it has none that counts: a task that an admin pins is no fair sample."""
        draw = self.latest_draw(task)
        if draw is None:
            return None
        retired = draw.stream == "audit" and draw.position < self._retired
        pinned = self._levers.get(task, (0, Kind.REQUEUE))[1] is Kind.PIN
        return None if retired or pinned else draw

    def latest_draw(self, task: TaskId) -> Drawn | None:
        """The same, whether or not it counts still."""
        draw = self._drawn.get(task)
        if draw is None or task in self._dead_tasks or draw.position < self._again.get((Kind.TASK, task), 0):
            return None
        return draw

    @property
    def predicted(self) -> list[TaskId]:
        """Live tasks of which another model has said something."""
        return [task for task in self._predicted if self.prediction_of(task) is not None]

    def prediction_of(self, task: TaskId) -> PredictionState | None:
        """What another model said last of a live task; None where it said nothing, or of other data that it had."""
        said, state = self._predicted.get(task), self.tasks.get(task)
        return said if said is not None and state is not None and said.position > state.position else None

    def crops_of(self, task: TaskId) -> CropState | None:
        """What crops say of the prediction that stands; None where they say nothing, or of an earlier one."""
        said, state = self._cropped.get(task), self.prediction_of(task)
        return said if said is not None and state is not None and said.of == state.key else None

    def of_task(self, task: TaskId) -> list[AnnotationState]:
        """The live annotations of a task, skips among them, by ascending id."""
        return [self.annotations[number] for number in self._of_task.get(task, ())]

    def expire(self, now: float) -> set[TaskId]:
        """Drop leases that are over at `now` (Unix seconds), and what is remembered of releases; the tasks set free.

        For a fold that follows the ledger in its order: an older lease that is applied afterwards would come back.
        """
        free = {task for (task, _), expires in self.leases.items() if expires <= now}
        for pair in [pair for pair, lease in self._leases.items() if lease.expires is None or lease.expires <= now]:
            del self._leases[pair]
        return free

    def digest(self) -> str:
        """SHA-256 of the state without positions: equal for ledgers that got the same news in another order."""
        state = {
            "tasks": sorted((task, one.updated_at, one.key) for task, one in self.tasks.items()),
            "annotations": [
                (number, one.task, one.user, one.updated_at, one.cancelled, one.result, one.key)
                for number, one in sorted(self.annotations.items())
            ],
            "dead": [sorted(self._dead_tasks), sorted(self._dead_annotations), sorted(self._unseated.items())],
            "project": [self.label_config, sorted(self._trains), self.gone],
            "choices": [(one.version, one.settings, one.by, one.token) for one in self.choices],
            "asked": sorted(self.asked.items()),
            "drawn": [(task, draw.stream, draw.propensity, draw.round) for task, draw in self.drawn.items()],
            "predicted": sorted((task, self._predicted[task].key) for task in self.predicted),
            "cropped": sorted((task, one.of) for task, one in self._cropped.items() if self.crops_of(task) is not None),
            "levers": sorted((task, kind.value) for task, kind in self.levers.items()),
            "leases": sorted(
                (task, -1 if user is None else user, until) for (task, user), until in self.leases.items()
            ),
        }
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

    def is_dead(self, task: TaskId) -> bool:
        """Whether the task was deleted, and does not live again."""
        return task in self._dead_tasks

    def _revive(self, event: Event, number: int) -> bool:
        """Whether the event gives a deleted id its life back."""
        if not event.body.get("again"):
            return False
        self._again[event.kind, number] = max(event.position, self._again.get((event.kind, number), 0))
        return True

    def _is_history(self, event: Event, kind: Kind, number: int) -> bool:
        """Whether what the event deletes lived again later."""
        return event.position < self._again.get((kind, number), 0)

    def _answered(self, pair: tuple[TaskId, UserId | None], lease: LeaseState) -> bool:
        """Whether the user has annotated the task since."""
        mine = (self.annotations[number] for number in self._of_task.get(pair[0], ()))
        return any(one.user == pair[1] and one.position > lease.position for one in mine)

    def _unseat(self, number: int) -> AnnotationState | None:
        """Take an annotation out of the live ones."""
        state = self.annotations.pop(number, None)
        if state is not None:
            rest = tuple(other for other in self._of_task[state.task] if other != number)
            if rest:
                self._of_task[state.task] = rest
            else:
                del self._of_task[state.task]
        return state
