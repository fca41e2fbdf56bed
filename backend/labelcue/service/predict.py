"""Tasks → predictions: one for each, in their order, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import structlog
from numpy.typing import NDArray

from labelcue.embedders.words import Words
from labelcue.errors import LabelCueError
from labelcue.labels import REGIONS, SPANS, kind_for
from labelcue.labels.tagging import Tagger, tag
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.predicted import regions_of
from labelcue.labelstudio.regions import prediction
from labelcue.labelstudio.values import ID_LIMIT
from labelcue.service.context import NO_VERSION, Service
from labelcue.service.fresh import FreshVectors
from labelcue.service.fresh_words import FreshWords
from labelcue.store.snapshot import Snapshot
from labelcue.types import Json, Label, Scores, TaskId, TaskSpec

log = structlog.get_logger(__name__)
NO_ID = "the task is not an object with an id"
UNTRAINED = "there is no model yet: tasks of two classes have to be labelled first"
_TINY = (
    '<View><Text name="t" value="$t"/>'
    '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>'
)


@dataclass(frozen=True, slots=True)
class _Model:
    """What a snapshot says, cut to the classes that the request's label config has."""

    project: int
    snapshot: Snapshot
    spec: TaskSpec
    classes: tuple[Label, ...]
    columns: tuple[int, ...]

    def scores(self, task: TaskId, probabilities: NDArray[np.floating]) -> Scores | None:
        """Over the classes that are left, summing to 1; None where nothing is left of them."""
        kind = self.snapshot.labels_are
        if not kind.exclusive:
            chosen = kind.cut(self.snapshot.classes, probabilities.astype(np.float32), self.columns)
            said, each = kind.guess(self.classes, chosen), kind.each(self.classes, chosen)
            return Scores(task, (), self.classes, self.snapshot.version, said, each)
        kept = np.asarray(probabilities, dtype=np.float64)[list(self.columns)]
        total = float(kept.sum())
        if not np.isfinite(total) or total <= 0:
            return None
        return Scores(task, tuple((kept / total).tolist()), self.classes, self.snapshot.version)


class Predictor:
    """Answers /predict from the latest snapshot; tasks that it does not know are embedded on the fly."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._fresh = FreshVectors(service.home, service.settings)
        self._words = FreshWords(service.settings)
        self._parse = lru_cache(maxsize=16)(parse_config)

    def warm(self) -> Iterator[None]:
        """Load what the first prediction would have to wait a second for."""
        spec = parse_config(_TINY)
        prediction(spec, Scores(TaskId(1), (1.0, 0.0), spec.classes, NO_VERSION))
        yield

    def check(self, xml: str) -> None:
        """Raises UnsupportedConfig."""
        self._parse(xml)

    def predict(self, project: int | None, tasks: Sequence[Json], xml: Json) -> tuple[list[dict[str, Json]], str]:
        """The predictions and the model's version."""
        try:
            model = self._model(project, xml)
        except LabelCueError as error:
            log.warning("no predictions", project=project, reason=str(error))
            model = str(error)
        if isinstance(model, str):
            version = self._version(project)
            return [_empty(model if _id(task) else NO_ID, version) for task in tasks], version
        return self._answer(model, tasks), model.snapshot.version

    def _version(self, project: int | None) -> str:
        try:
            return NO_VERSION if project is None else self._service.version(project)
        except LabelCueError:  # told already: it is why there are no predictions
            return NO_VERSION

    def _model(self, project: int | None, xml: Json) -> _Model | str:
        """What to answer from, or why there is nothing. Raises LabelCueError."""
        if project is None:
            return "the request names no project"
        self._service.require(project)
        if not isinstance(xml, str):
            return "the request carries no label config"
        spec = self._parse(xml)
        snapshot = self._service.snapshot(project)
        if snapshot is None or not snapshot.trained:
            return UNTRAINED
        columns = tuple(place for place, label in enumerate(snapshot.classes) if label in spec.classes)
        if spec.kind != snapshot.labels_are.name or (spec.parts and kind_for(spec).as_json() != dict(snapshot.kind)):
            return "the model was trained for labels of another kind; the learner has yet to read this label config"
        if not columns and snapshot.labels_are.named:
            return "the model knows none of the labels of this label config; the learner has yet to read it"
        return _Model(project, snapshot, spec, tuple(snapshot.classes[place] for place in columns), columns)

    def _answer(self, model: _Model, tasks: Sequence[Json]) -> list[dict[str, Json]]:
        ids = [_id(task) for task in tasks]
        known = _rows(model.snapshot, [task for task in ids if task])
        unknown = {task: body.get("data") for task, body in zip(ids, tasks, strict=True) if task and task not in known}
        found: dict[TaskId, NDArray[np.floating]] = {**known}
        if model.spec.kind == SPANS:
            texts = self._words.read(unknown, model.spec)
            found |= {task: spans_in(model.snapshot, words) for task, words in texts.words.items()}
            return [_one(model, task, found, texts.reasons) for task in ids]
        fresh = self._fresh.embed(model.project, model.snapshot.round.embedder, unknown, model.spec)
        reasons = dict(fresh.reasons)
        for task, vector in fresh.vectors.items():
            if len(vector) == model.snapshot.weights.shape[1]:
                found[task] = probabilities(model.snapshot, vector)
            else:
                reasons[task] = "its vector does not fit the model; the learner has yet to catch up"
        answers = [_one(model, task, found, reasons) for task in ids]
        if model.spec.kind == REGIONS:
            for named, answer in zip(ids, answers, strict=True):
                self._mark(model, named, answer)
        return answers

    def _mark(self, model: _Model, task: TaskId | None, answer: dict[str, Json]) -> None:
        """Regions are another model's: LabelCue tells how unsure they are."""
        event = self._service.marked.of(self._service.ledger, model.project, task) if task is not None else None
        answer["result"] = [] if event is None else regions_of(model.spec, event.body)


def _one(
    model: _Model,
    task: TaskId | None,
    found: Mapping[TaskId, NDArray[np.floating]],
    reasons: Mapping[TaskId, str],
) -> dict[str, Json]:
    version = model.snapshot.version
    if task is None:
        return _empty(NO_ID, version)
    if task not in found:
        return _empty(reasons.get(task, "the task has no vector"), version)
    scores = model.scores(task, found[task])
    if scores is None:
        return _empty("the model gives no weight to any label of this label config", version)
    return prediction(model.spec, scores)


def probabilities(snapshot: Snapshot, vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """(k,) what the snapshot's model says of one vector (d,), as its kind of label has it."""
    kind = snapshot.labels_are
    said: NDArray[np.float64] = kind.settle(kind.say(vector[None].astype(np.float32), snapshot))[0].astype(np.float64)
    return said


def spans_in(snapshot: Snapshot, words: Words) -> NDArray[np.floating]:
    """(k,) what the snapshot's model says of one text, with its spans."""
    made = tag(
        Tagger.of(snapshot.extra),
        words.states.astype(np.float32),
        words.offsets.astype(np.int64),
        np.array([len(words.offsets)]),
    )
    return np.concatenate([made.said[0], made.found[:, 1:].ravel()])


def _rows(snapshot: Snapshot, tasks: Sequence[TaskId]) -> dict[TaskId, NDArray[np.floating]]:
    """The published probabilities of those tasks that the snapshot knows."""
    if not len(snapshot.ids) or not tasks:
        return {}
    wanted = np.asarray(tasks, dtype=np.int64)
    places = np.minimum(np.searchsorted(snapshot.ids, wanted), len(snapshot.ids) - 1)
    hits = snapshot.ids[places] == wanted
    return {task: snapshot.said(int(place)) for task, place, hit in zip(tasks, places, hits, strict=True) if hit}


def _id(task: Json) -> TaskId | None:
    value = task.get("id") if isinstance(task, dict) else None
    return TaskId(value) if type(value) is int and 0 < value < ID_LIMIT else None


def _empty(reason: str, version: str) -> dict[str, Json]:
    return {"result": [], "score": 0.0, "model_version": version, "reason": reason}
