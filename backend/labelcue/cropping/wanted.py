"""Which boxes are to be learned from, and which to be judged: by the ledger, and by the images that are embedded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labelcue.embedders import digest_of, text_of
from labelcue.errors import UnsupportedConfig
from labelcue.labelstudio.boxes import Box, box_of, class_of, has_boxes
from labelcue.labelstudio.config import parse_config
from labelcue.pool.vectors import VectorFile
from labelcue.store.base import Ledger
from labelcue.store.fold import Fold
from labelcue.types import Json, Kind, Label, TaskId, TaskSpec

FOLLOWED = (
    Kind.TASK,
    Kind.TASK_DELETED,
    Kind.ANNOTATION,
    Kind.ANNOTATION_DELETED,
    Kind.LABEL_CONFIG,
    Kind.PREDICTION,
    Kind.CROPS,
    Kind.DRAW,
    Kind.RETIRE,
    Kind.PIN,
    Kind.HOLD,
    Kind.REQUEUE,
)
PLACES = 10_000
"""Steps to which a box's sides are rounded, so that the same box is embedded once."""


class Crop(NamedTuple):
    """A part of a task's image."""

    digest: bytes
    """Of the image's content and the box, 16 bytes: what its vector is kept under."""
    box: Box
    label: Label | None


class Wanted:
    """One project's boxes. One thread."""

    def __init__(self, ledger: Ledger, project: int, vectors: VectorFile, most: int) -> None:
        """`vectors` of the whole images, whose digests name their content; `most` boxes of a task count."""
        self._ledger, self._project, self._vectors, self._most = ledger, project, vectors, most
        self.fold = Fold()
        self.spec: TaskSpec | None = None
        """None while the label config has no boxes."""
        self._xml = ""
        self._rows: dict[TaskId, int] = {}
        """The latest row of each task."""
        self._read = 0
        self.taught: dict[TaskId, list[Crop]] = {}
        """What annotators have boxed, audits left out: they measure the model."""
        self.judged: dict[TaskId, None] = {}
        """Tasks that wait to be judged: nobody has labelled them, and the other model has spoken of them."""

    def follow(self) -> list[TaskId]:
        """Take up what is new; tasks of which something else is to be learned now. Raises StoreError."""
        touched = self._news() | self._grown()
        if self.spec is None:
            return []
        before = {task: self.taught.pop(task, []) for task in touched}
        for task in touched:
            crops = self._taught(task, self.spec)
            if crops:
                self.taught[task] = crops
            self._queue(task)
        return [task for task, crops in before.items() if self.taught.get(task, []) != crops]

    def judge_all(self) -> None:
        """Everything anew, as there is another model."""
        for task in self.fold.predicted:
            self._queue(task)

    def predicted(self, task: TaskId) -> list[Crop | None]:
        """Of each region of the other model's prediction that may be judged; None for the others."""
        state = self.fold.prediction_of(task)
        if state is None or self.spec is None or task not in self._rows:
            return []
        crops = self._crops(task, self._own(self._ledger.event(state.position).body["result"]), self.spec)
        return [one if place < self._most and one and one.label else None for place, one in enumerate(crops)]

    def address(self, task: TaskId) -> str:
        """Where its image is. Raises TaskUnreadable."""
        data = self._ledger.event(self.fold.tasks[task].position).body["data"]
        return text_of(data, self.spec.field if self.spec else "")

    def _news(self) -> set[TaskId]:
        """Tasks that events touched."""
        touched: set[TaskId] = set()
        last = self._ledger.position(self._project)
        if last <= self.fold.position:
            return touched
        for event in self._ledger.read(self._project, after=self.fold.position, upto=last, kinds=FOLLOWED):
            changed = self.fold.apply(event)
            if event.kind is not Kind.CROPS:  # our own words change nothing of what is to be judged
                touched |= {*self.fold.tasks, *self.taught} if event.kind is Kind.RETIRE else changed
        self.fold.position = max(self.fold.position, last)
        if self.fold.label_config and self.fold.label_config != self._xml:
            self._xml = self.fold.label_config
            self.spec = _parsed(self._xml)
            touched = {*self.fold.tasks, *self.taught}
        return touched

    def _grown(self) -> set[TaskId]:
        """Tasks whose images were embedded since."""
        fresh = [TaskId(int(task)) for task in self._vectors.ids[self._read :]]
        self._rows.update(zip(fresh, range(self._read, self._read + len(fresh)), strict=True))
        self._read += len(fresh)
        return set(fresh)

    def _queue(self, task: TaskId) -> None:
        """To be judged, or no more."""
        open_still = self.fold.prediction_of(task) is not None and not self.fold.of_task(task)
        if open_still and task in self._rows:
            self.judged[task] = None
        else:
            self.judged.pop(task, None)

    def _taught(self, task: TaskId, spec: TaskSpec) -> list[Crop]:
        draw = self.fold.draw_of(task)
        if task not in self._rows or task not in self.fold.tasks or (draw is not None and draw.stream == "audit"):
            return []
        given = [self._own(state.result) for state in self.fold.of_task(task) if not state.cancelled]
        crops = [one for own in given for one in self._crops(task, own[: self._most], spec) if one is not None]
        return [one for one in crops if one.label is not None]

    def _own(self, result: Json) -> list[Mapping[str, Json]]:
        name = self.spec.from_name if self.spec else None
        known = result if isinstance(result, list) else []
        return [one for one in known if isinstance(one, Mapping) and one.get("from_name") == name]

    def _crops(self, task: TaskId, regions: Iterable[Mapping[str, Json]], spec: TaskSpec) -> list[Crop | None]:
        content = self._vectors.digest_of_row(self._rows[task])
        return [_crop(content, box_of(spec, region), class_of(spec, region)) for region in regions]


def _crop(content: bytes, box: Box | None, label: Label | None) -> Crop | None:
    if box is None:
        return None
    sides = [round(side * PLACES) for side in box]
    named = content + ",".join(map(str, sides)).encode()
    return Crop(digest_of(named), Box(*(side / PLACES for side in sides)), label)


def _parsed(xml: str) -> TaskSpec | None:
    try:
        spec = parse_config(xml)
    except UnsupportedConfig:  # the rounds tell of it
        return None
    return spec if has_boxes(spec) and not spec.parts else None
