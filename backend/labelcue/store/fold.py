"""Events to state. Pure, and the same for any order and any repetition of the same events.

* A task, an annotation or the label config: the event with the latest `updated_at` wins, ties go to the larger key.
* Deletions are for ever, also where what they delete arrives later. An annotation of a deleted task does not count.
* Except that Label Studio on SQLite gives ids of deleted tasks and annotations to the next import. Reconcile sees that
  and says so by an event with `again`: the id lives once more from that position on, whatever was deleted before it.
* A lease or release of (task, user), a pin or hold of a task, the opinions that are asked for of a task, a draw by lot,
  another model's prediction of a task and what crops say of it, and the settings of the queue: the event with the
  highest position wins. These begin here, not in Label Studio, so that the ledger's order is the true one.
* An annotation ends its user's older lease of the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from labelcue.store.state import (
    AnnotationState,
    CropState,
    Drawn,
    LeaseState,
    PredictionState,
    Stamp,
    State,
    TaskState,
    stamp,
)
from labelcue.types import Event, Kind, TaskId

__all__ = ["AnnotationState", "Drawn", "Fold", "Stamp", "TaskState", "fold", "stamp"]


@dataclass(slots=True)
class Fold(State):
    """The state of one project. Two folds of the same events are equal, whatever the order they came in."""

    def apply(self, event: Event) -> set[TaskId]:
        """Take in one event; the tasks whose state it changed."""
        self.position = max(self.position, event.position)
        return _RULES[event.kind](self, event)


def fold(events: Iterable[Event]) -> Fold:
    """The state after all of `events`."""
    state = Fold()
    for event in events:
        state.apply(event)
    return state


def _task(state: State, event: Event) -> set[TaskId]:
    task = TaskId(event.body["task"])
    if state._revive(event, task):
        state._dead_tasks.discard(task)
    if task in state._dead_tasks:
        return set()
    old, new = state.tasks.get(task), stamp(event.body["updated_at"], event.key)
    if old is not None and stamp(old.updated_at, old.key) >= new:
        return set()
    state.tasks[task] = TaskState(event.position, new.updated_at, new.key)
    state.facets.observe(task, event.body["data"])
    return {task}


def _task_deleted(state: State, event: Event) -> set[TaskId]:
    task = TaskId(event.body["task"])
    if task in state._dead_tasks or state._is_history(event, Kind.TASK, task):
        return set()
    state._dead_tasks.add(task)
    state.tasks.pop(task, None)
    state.facets.forget(task)
    for number in state._of_task.get(task, ()):
        one = state._unseat(number)
        if one is not None:
            state._unseated[number] = (one.updated_at, one.key)
    return {task}


def _annotation(state: State, event: Event) -> set[TaskId]:
    body, number, task = event.body, int(event.body["annotation"]), TaskId(event.body["task"])
    new = stamp(body["updated_at"], event.key)
    live = state.annotations.get(number)
    last = (live.updated_at, live.key) if live else state._unseated.get(number)
    if state._revive(event, number):
        state._dead_annotations.discard(number)
        # Reconcile has just seen it live there: that is newer than whatever stood, or was buried, before.
        last = last if live is not None and live.position >= event.position else None
    if number in state._dead_annotations or (last is not None and stamp(*last) >= new):
        return set()
    state._unseat(number)
    state._unseated.pop(number, None)
    touched = {live.task} if live else set()
    if task in state._dead_tasks:
        state._unseated[number] = (new.updated_at, new.key)
        return touched
    state.annotations[number] = AnnotationState(
        number,
        task,
        body["user"],
        new.updated_at,
        bool(body["cancelled"]),
        body["result"] or [],
        event.key,
        event.position,
    )
    state._of_task[task] = tuple(sorted((*state._of_task.get(task, ()), number)))
    return touched | {task}


def _annotation_deleted(state: State, event: Event) -> set[TaskId]:
    number = int(event.body["annotation"])
    if state._is_history(event, Kind.ANNOTATION, number):
        return set()
    state._dead_annotations.add(number)
    state._unseated.pop(number, None)
    one = state._unseat(number)
    return {one.task} if one else set()


def _label_config(state: State, event: Event) -> set[TaskId]:
    new = stamp(event.body["updated_at"], event.key)
    if state._config is None or state._config[0] < new:
        state._config = (new, str(event.body["label_config"]))
    return set()


def _choice(state: State, event: Event) -> set[TaskId]:
    state._choices[event.position] = event
    return set()


def _train(state: State, event: Event) -> set[TaskId]:
    state._trains.add(event.key)
    return set()


def _lease(state: State, event: Event) -> set[TaskId]:
    """A release has no `expires`."""
    task = TaskId(event.body["task"])
    pair, old = (task, event.body["user"]), state._leases.get((task, event.body["user"]))
    if old is not None and old.position >= event.position:
        return set()
    expires = event.body["expires"] if event.kind is Kind.LEASE else None
    state._leases[pair] = LeaseState(event.position, expires)
    return set() if task in state._dead_tasks else {task}


def _lever(state: State, event: Event) -> set[TaskId]:
    task = TaskId(event.body["task"])
    old = state._levers.get(task)
    if old is not None and old[0] >= event.position:
        return set()
    state._levers[task] = (event.position, event.kind)
    return set() if task in state._dead_tasks else {task}


def _second_opinion(state: State, event: Event) -> set[TaskId]:
    task = TaskId(event.body["task"])
    old = state._asked.get(task)
    if old is not None and old[0] >= event.position:
        return set()
    state._asked[task] = (event.position, int(event.body["opinions"]))
    return set() if task in state._dead_tasks else {task}


def _draw(state: State, event: Event) -> set[TaskId]:
    task, body = TaskId(event.body["task"]), event.body
    old = state._drawn.get(task)
    if old is not None and old.position >= event.position:
        return set()
    state._drawn[task] = Drawn(body["stream"], float(body["propensity"]), event.position, int(body["round"]))
    return {task}


def _prediction(state: State, event: Event) -> set[TaskId]:
    task = TaskId(event.body["task"])
    old = state._predicted.get(task)
    if old is not None and old.position >= event.position:
        return set()
    state._predicted[task] = PredictionState(event.position, event.key, str(event.body["version"]))
    return {task} if task in state.tasks else set()


def _crops(state: State, event: Event) -> set[TaskId]:
    task = TaskId(event.body["task"])
    old = state._cropped.get(task)
    if old is not None and old.position >= event.position:
        return set()
    state._cropped[task] = CropState(event.position, str(event.body["of"]))
    return {task} if task in state.tasks else set()


def _retire(state: State, event: Event) -> set[TaskId]:
    if event.position <= state._retired:
        return set()
    state._retired = event.position
    return {task for task, draw in state._drawn.items() if draw.stream == "audit" and draw.position < event.position}


def _mark(_state: State, _event: Event) -> set[TaskId]:
    """A name changes nothing."""
    return set()


def _project_deleted(state: State, event: Event) -> set[TaskId]:
    state.gone = True
    return set()


_RULES: dict[Kind, Callable[[State, Event], set[TaskId]]] = {
    Kind.TASK: _task,
    Kind.TASK_DELETED: _task_deleted,
    Kind.ANNOTATION: _annotation,
    Kind.ANNOTATION_DELETED: _annotation_deleted,
    Kind.LABEL_CONFIG: _label_config,
    Kind.STRATEGY: _choice,
    Kind.SETTINGS: _choice,
    Kind.DRAW: _draw,
    Kind.RETIRE: _retire,
    Kind.PREDICTION: _prediction,
    Kind.CROPS: _crops,
    Kind.TRAIN: _train,
    Kind.LEASE: _lease,
    Kind.RELEASE: _lease,
    Kind.PIN: _lever,
    Kind.HOLD: _lever,
    Kind.REQUEUE: _lever,
    Kind.SECOND_OPINION: _second_opinion,
    Kind.MARK: _mark,
    Kind.PROJECT_DELETED: _project_deleted,
}
