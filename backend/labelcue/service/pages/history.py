"""What the ledger says of one project, kept up to date: tasks, who labelled what and when, levers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from labelcue.embedders.dialogues import told
from labelcue.embedders.text import text_of
from labelcue.errors import LabelCueError, NotFound, TaskUnreadable
from labelcue.labels import kind_for
from labelcue.labelstudio.config import parse_config, picture_field
from labelcue.labelstudio.regions import label_of
from labelcue.store.base import Ledger
from labelcue.store.fold import AnnotationState, Fold, stamp
from labelcue.types import Json, Label, TaskId, TaskSpec, UserId

PAUSE_S = 600.0
"""A longer gap between two labels is a pause and no work."""


class History:
    """A fold that follows the ledger. Thread-safe: use it only between `follow` and the end of `with`."""

    def __init__(self, project: int, ledger: Ledger) -> None:
        self._project = project
        self._ledger = ledger
        self._lock = threading.RLock()
        self._spec: tuple[str, TaskSpec | None] = ("", None)
        self._picture: tuple[str, str] = ("", "")
        self.fold = Fold()

    def __enter__(self) -> History:
        """Read what is new since the last time. Raises StoreError."""
        self._lock.acquire()
        try:
            if self._ledger.position(self._project) > self.fold.position:
                for event in self._ledger.read(self._project, after=self.fold.position):
                    self.fold.apply(event)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._lock.release()

    @property
    def spec(self) -> TaskSpec | None:
        """What annotators are asked, None where there is no label config that can be learned."""
        xml = self.fold.label_config or ""
        if self._spec[0] != xml:
            try:
                self._spec = (xml, parse_config(xml))
            except LabelCueError:
                self._spec = (xml, None)
        return self._spec[1]

    @property
    def picture_field(self) -> str:
        """The field of the tasks' data that names their picture; empty where they have none."""
        xml = self.fold.label_config or ""
        if self._picture[0] != xml:
            self._picture = (xml, picture_field(xml))
        return self._picture[1]

    def labels(self) -> dict[TaskId, dict[UserId, Label]]:
        """Each labelled task's labels by annotator; one without a user counts as a user of its own, below 0."""
        spec, found = self.spec, dict[TaskId, dict[UserId, Label]]()
        if spec is None:
            return found
        for one in sorted(self._answers(), key=lambda one: stamp(one.updated_at, one.key)):
            label = _label(spec, one)
            if label is not None:
                found.setdefault(one.task, {})[one.user if one.user is not None else -one.annotation] = label
        return found

    def labelled(self) -> int:
        """Tasks with an annotation that is no skip."""
        return len({one.task for one in self._answers()})

    def annotators(self) -> Counter[UserId]:
        """Annotations of each user, skips left out."""
        return Counter(one.user for one in self._answers() if one.user is not None)

    def label_times(self) -> list[float]:
        """Unix seconds of every annotation that is no skip, as Label Studio dates them, ascending."""
        stamps = (stamp(one.updated_at, one.key).instant for one in self._answers())
        return sorted(instant / 1e6 for instant in stamps if instant >= 0)

    def texts(self, tasks: Iterable[TaskId]) -> dict[TaskId, str]:
        """What annotators see of these tasks, as plain text; why not, where that cannot be said."""
        return {task: self._text(task) for task in tasks}

    def data(self, task: TaskId) -> dict[str, Json]:
        """The task's data; raises NotFound."""
        state = self.fold.tasks.get(task)
        if state is None:
            raise NotFound(f"Task {task} is not in the ledger.", "It is new or deleted.")
        return dict(self._ledger.event(state.position).body["data"])

    def value(self, task: TaskId, field: str) -> Json:
        """What the task's data has there; None where it has nothing, or there is no such task."""
        try:
            return self.data(task).get(field)
        except NotFound:
            return None

    def _text(self, task: TaskId) -> str:
        try:
            data, spec = self.data(task), self.spec
            if spec is None:
                return " · ".join(str(value) for value in data.values() if isinstance(value, str))
            return text_of(told(data, spec), spec.field, html=spec.object == "HyperText")
        except (NotFound, TaskUnreadable) as error:
            return f"({error.message})"

    def _answers(self) -> Iterable[AnnotationState]:
        return (one for one in self.fold.annotations.values() if not one.cancelled)


def hourly(times: Sequence[float], now: float) -> tuple[int, float | None]:
    """Labels of the last hour, and labels an hour of work: pauses of more than `PAUSE_S` left out; None below two."""
    recent = sum(1 for at in times if now - 3600 < at <= now)
    gaps = np.diff(np.asarray(times, dtype=np.float64))
    worked = gaps[gaps <= PAUSE_S]
    busy = float(worked.sum())
    return recent, (3600 * len(worked) / busy if busy > 0 else None)


def _label(spec: TaskSpec, one: AnnotationState) -> str | None:
    """In words."""
    try:
        answer = label_of(spec, one.result)
        return None if answer is None else kind_for(spec).text(answer)
    except TaskUnreadable:
        return None  # The status names it under `annotation_problems`; here it is no label.
