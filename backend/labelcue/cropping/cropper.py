"""One project's crops: embeds what annotators boxed, learns from it, and judges the boxes of another model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from threading import Event as Signal

import numpy as np
import structlog

from labelcue.cropping.classifier import BoxModel, known, learn
from labelcue.cropping.vectors import CropVectors
from labelcue.cropping.wanted import Crop, Wanted
from labelcue.errors import LabelCueError, StoreError, TaskUnreadable
from labelcue.labelstudio.backoff import Backoff, repeat
from labelcue.labelstudio.judging import Verdict
from labelcue.labelstudio.values import digest
from labelcue.pool.vectors import VectorFile
from labelcue.store.base import Ledger
from labelcue.types import Event, Json, Kind, Label, TaskId

log = structlog.get_logger(__name__)
LOOK_S = 1.0
"""Seconds between two looks at the ledger."""
TOLD_S = 1.0
"""Seconds between two counts, while there is more to do."""
REST_S = 60.0
"""Seconds without a crop after which the embedder's memory is given back."""
TASKS, CROPS = 64, 32
"""Of one step: so many tasks, and no further one once so many crops are to be embedded."""
MOST = 4000
"""Boxes that are learned from; a random share of more. So many vectors take 20 MB, and seconds."""
GROWTH = 1.2
"""It learns anew when there are so many times as many boxes: what waits is then judged anew."""
NEWS = 0.1
"""Change of a probability that is worth an event."""
MOST_PROBLEMS = 100
"""Reasons that are told by task; of the others only the number."""


class Cropper:
    """`run` and `step` belong to one thread; `status` may be called from any."""

    def __init__(
        self,
        ledger: Ledger,
        project: int,
        images: VectorFile,
        crops: Callable[[], CropVectors],
        *,
        most: int = 20,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """`images`: vectors of whole images; `crops` opens those of crops; `most` boxes of a task; `busy`: whether
        there is no reason to begin now, as images are still embedded."""
        self._ledger, self._project, self._busy = ledger, project, busy
        self._wanted = Wanted(ledger, project, images, most)
        self._open = crops
        self._crops: CropVectors | None = None
        self._unread: dict[TaskId, None] = {}
        """Tasks with boxes of annotators that may have no vector yet."""
        self._model: BoxModel | None = None
        self._learned = 0
        """Boxes that it was learned from."""
        self._basis: tuple[tuple[Label, ...], int] = (), 0
        """Classes with boxes enough when it was learned, and how many boxes there were."""
        self._changed = False
        self._used = time.monotonic()
        self._told = -float("inf")
        self._backoff = Backoff(np.random.default_rng())
        self._status: dict[str, Json] = {}

    def status(self) -> dict[str, Json]:
        """Boxes that are `learned` from and `kept` as vectors, `classes` that are told apart, tasks that are `judged`
        and `waiting`, those whose image gives no crops (`missing`, the first hundred reasons in `problems`), and the
        `error`; empty while there are no boxes to learn from."""
        return self._status

    def run(self, stop: Signal) -> None:
        """Work until `stop`. Failures are waited out, longer each time."""
        repeat(self._turn, stop, self._backoff, self._failing)

    def step(self) -> bool:
        """Some crops, a model, or some verdicts; False where nothing waits. Raises LabelCueError."""
        if self._busy():
            return False
        self._follow()
        if self._wanted.spec is None or self._wanted.fold.gone:
            return False
        if self._crops is None:
            self._crops = self._open()
        if self._unread:
            self._embed(self._crops, {task: self._wanted.taught.get(task, []) for task in islice(self._unread, TASKS)})
            return True
        self._learn(self._crops)
        if self._model is None or not self._wanted.judged:
            return False
        self._judge(self._crops, self._model)
        return True

    def _turn(self) -> float:
        try:
            busy = self.step()
        except OSError as error:
            raise StoreError(str(error)) from error
        self._tell("")
        if not busy:
            self._rest()
        return 0.0 if busy else LOOK_S

    def _failing(self, error: LabelCueError, seconds: float) -> None:
        self._tell(str(error))
        log.warning("crops are not learned", project=self._project, error=str(error), again_in_s=round(seconds, 1))

    def _follow(self) -> None:
        news = self._wanted.follow()
        self._unread.update(dict.fromkeys(news))
        self._changed = self._changed or bool(news)

    def _embed(self, crops: CropVectors, wanted: Mapping[TaskId, Sequence[Crop]]) -> None:
        """Boxes of annotators."""
        done = self._made(crops, wanted)
        for task in done:
            self._unread.pop(task, None)

    def _made(self, crops: CropVectors, wanted: Mapping[TaskId, Sequence[Crop]]) -> list[TaskId]:
        """Of the first of these tasks all crops are embedded that can be; which ones."""
        done: list[TaskId] = []
        coming: dict[TaskId, tuple[str, list[Crop]]] = {}
        for task, every in wanted.items():
            if sum(len(some) for _, some in coming.values()) >= CROPS:
                break
            missing = crops.missing(every)
            done.append(task)
            if missing:
                try:
                    coming[task] = self._wanted.address(task), missing
                except TaskUnreadable as error:
                    crops.give_up(task, missing, str(error))
        if coming:
            self._used = time.monotonic()
            crops.embed(coming)
        return done

    def _learn(self, crops: CropVectors) -> None:
        """Anew, where there is much more to learn from, or less, or of other classes."""
        spec, taught = self._wanted.spec, self._wanted.taught
        if not self._changed or spec is None:
            return
        self._changed = False
        every = [one for task in sorted(taught) for one in taught[task]]
        classes, (before, count) = known(_labels(every), spec.classes), self._basis
        if classes == before and count / GROWTH < len(every) < count * GROWTH:
            return
        self._basis = classes, len(every)
        boxes = crops.have(every)
        self._learned, classes = len(boxes), known(_labels(boxes), spec.classes)
        rng = np.random.default_rng(len(boxes))
        some = [boxes[place] for place in np.sort(rng.permutation(len(boxes))[:MOST])]
        self._model = learn(crops.of(some), _labels(some), classes, self._model, rng) if classes else None
        if self._model is not None:
            self._wanted.judge_all()

    def _judge(self, crops: CropVectors, model: BoxModel) -> None:
        """Some of the tasks that wait."""
        boxes = {task: self._wanted.predicted(task) for task in islice(self._wanted.judged, TASKS)}
        done = self._made(crops, {task: [one for one in own if one is not None] for task, own in boxes.items()})
        events = [event for task in done if (event := self._event(task, _verdicts(crops, model, boxes[task])))]
        self._ledger.append(events)
        for task in done:
            self._wanted.judged.pop(task, None)

    def _event(self, task: TaskId, verdicts: Sequence[Verdict | None]) -> Event | None:
        """Where it is news."""
        fold = self._wanted.fold
        of, before = fold.prediction_of(task), fold.crops_of(task)
        said = [None if one is None else list(one) for one in verdicts]
        if of is None or not _news(self._ledger.event(before.position).body["said"] if before else [], said):
            return None
        key = f"crops:{task}:{digest([of.key, said])}@{before.position if before else of.position}"
        return Event(self._project, Kind.CROPS, key, {"task": int(task), "of": of.key, "said": said})

    def _rest(self) -> None:
        if self._crops is not None and time.monotonic() - self._used > REST_S:
            self._crops.rest()

    def _tell(self, error: str) -> None:
        crops, wanted = self._crops, self._wanted
        waits = len(self._unread) + (len(wanted.judged) if self._model else 0)
        if (crops is None or (waits and time.monotonic() - self._told < TOLD_S)) and not error:
            return
        self._told = time.monotonic()
        problems = {} if crops is None else dict(crops.problems)
        self._status = {
            "learned": self._learned if self._model else 0,
            "classes": len(self._model.classes) if self._model else 0,
            "kept": 0 if crops is None else crops.rows,
            "judged": sum(wanted.fold.crops_of(task) is not None for task in wanted.fold.predicted),
            "waiting": waits,
            "missing": len(problems),
            "problems": {str(task): why for task, why in islice(problems.items(), MOST_PROBLEMS)},
            "error": error,
        }


def _labels(boxes: Sequence[Crop]) -> list[Label]:
    return [one.label for one in boxes if one.label is not None]


def _verdicts(crops: CropVectors, model: BoxModel, boxes: Sequence[Crop | None]) -> list[Verdict | None]:
    """One for each region."""
    there = {place: one for place, one in enumerate(boxes) if one is not None and crops.have([one])}
    said = model.judge(crops.of(list(there.values())), [one.label for one in there.values()]) if there else []
    found = dict(zip(there, said, strict=True))
    return [found.get(place) for place in range(len(boxes))]


def _news(before: Sequence[Json], after: Sequence[Json]) -> bool:
    """Whether any verdict is there, or gone, or of another class, or clearly another number."""
    if len(before) != len(after):
        return any(before) or any(after)
    return any(_moved(old, new) for old, new in zip(before, after, strict=True))


def _moved(old: Json, new: Json) -> bool:
    if old is None or new is None:
        return old is not new
    return bool(old[0] != new[0] or max(abs(old[1] - new[1]), abs(old[2] - new[2])) >= NEWS)
