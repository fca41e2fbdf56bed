"""Frozen values that cross a border between rooms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple, NewType, TypeAlias

import numpy as np
from numpy.typing import NDArray

TaskId = NewType("TaskId", int)
"""Label Studio's task id. Rows of a matrix never leave `pool/` and `engine.py`."""

UserId: TypeAlias = int
Label: TypeAlias = str
"""The name of a class."""
Span: TypeAlias = tuple[int, int, Label]
"""Where a span of a text begins, the first place behind it, and its class."""
Answer: TypeAlias = str | frozenset[Any] | float | tuple[tuple[str, Any], ...]
"""What one annotator says of an item: a class, a set of classes or of spans, a number, or of several controls (name,
answer) pairs, by the kind of label."""
Json: TypeAlias = Any
Stream: TypeAlias = Literal["audit", "explore"]
"""What a place by lot is for: to measure the model, which never learns from it, or to learn from it."""
Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


class Kind(str, Enum):
    """What an event says. The body's keys are in brackets."""

    TASK = "task"
    """A task exists [task, data, updated_at]."""
    TASK_DELETED = "task_deleted"
    """A task is gone for ever; ids are not used again [task]."""
    ANNOTATION = "annotation"
    """An annotation as it stands [annotation, task, user, updated_at, cancelled, result]."""
    ANNOTATION_DELETED = "annotation_deleted"
    """An annotation is gone for ever [annotation]."""
    LABEL_CONFIG = "label_config"
    """The label config as it stands [label_config, updated_at]."""
    STRATEGY = "strategy"
    """The admin chose how to queue [name, params, by]; ledgers have it from before there were settings."""
    SETTINGS = "settings"
    """An admin saved the settings of the queue [version, settings, was, by, back_to, token]."""
    DRAW = "draw"
    """A task stands in the queue by lot [task, stream, propensity, round]: `audit`, which nobody learns from, or
    `explore`."""
    RETIRE = "retire"
    """An admin lets the model learn from all audits that were drawn before [by]."""
    TRAIN = "train"
    """Somebody asked for a full refit []."""
    LEASE = "lease"
    """A task was handed out [task, user, expires, seconds]."""
    RELEASE = "release"
    """A lease ended without an annotation [task, user]."""
    PIN = "pin"
    """An admin puts a task first [task]."""
    HOLD = "hold"
    """An admin holds a task back [task]."""
    REQUEUE = "requeue"
    """An admin takes a pin or a hold back [task]."""
    SECOND_OPINION = "second_opinion"
    """An admin wants a task labelled by so many annotators, one more than have [task, opinions, by]."""
    PREDICTION = "prediction"
    """Another model's prediction of a task as it stands, null where it made none [task, version, score, result]."""
    CROPS = "crops"
    """What the labels of boxes teach of the boxes of such a prediction, `of` its key: of each region nothing, or the
    likeliest class, its probability, and that of the model's own class [task, of, said]."""
    MARK = "mark"
    """An admin named a position of the ledger: a snapshot [name, upto, sha256, rows, by]."""
    PROJECT_DELETED = "project_deleted"
    """The project is gone from Label Studio []."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger. `key` makes it idempotent within its project: the same key is stored once."""

    project: int
    kind: Kind
    key: str
    body: Mapping[str, Json]
    position: int = 0
    """Place in the ledger, from 1, given by the store; 0 before it was appended."""
    at: float = 0.0
    """Unix seconds when the store received it."""


class Turns(NamedTuple):
    """Where a dialogue stands: a list of objects, each of them what somebody says."""

    field: str
    """The key of the task's data that holds the list."""
    author: str
    """The key of each turn's author."""
    text: str
    """The key of what is said."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What one project asks of its annotators, read from its label config."""

    from_name: str
    to_name: str
    control: str
    """The control's tag, as `Choices`."""
    object: str
    """The object's tag, as `Text`."""
    field: str
    """The key of the task's data that is shown, as `text` for `value="$text"`."""
    classes: tuple[Label, ...]
    xml: str = dataclasses.field(repr=False)
    kind: str = "class"
    """The kind of label that it gives, as in the room `labels`."""
    bounds: tuple[float, float] | None = None
    """Where its numbers lie, where the config says so."""
    others: tuple[tuple[str, str], ...] = ()
    """Fields and tags of further objects that are labelled together with the first."""
    weight: float = 1.0
    """How much doubt of it counts, beside that of the other parts."""
    parts: tuple[TaskSpec, ...] = ()
    """The controls, where several are learned together, in the config's order."""
    inline: bool = False
    """Whether a HyperText is shown within the page, and not in a frame of its own."""
    combine: str = "mean"
    """How the parts' doubts combine."""
    turns: tuple[Turns, ...] = ()
    """The dialogues among what is labelled."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the surrogate says of one task."""

    task: TaskId
    probabilities: tuple[float, ...]
    """One for each class of `classes`, calibrated, summing to 1; of sets each by itself; of numbers none."""
    classes: tuple[Label, ...]
    version: str
    said: tuple[Answer, float] | None = None
    """What is predicted and how surely, 0 to 1, where that is no single class."""
    each: tuple[float, ...] = ()
    """How sure each part of it is, as each span in their order, where it has parts."""

    @property
    def confidence(self) -> float:
        """The probability of what is predicted."""
        return max(self.probabilities) if self.said is None else self.said[1]

    @property
    def label(self) -> Answer:
        """The predicted class, set or number."""
        return self.classes[int(np.argmax(self.probabilities))] if self.said is None else self.said[0]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of the queue."""

    id: TaskId
    priority: float
    """0 to 1, relative to the head of the queue."""
    uncertainty: float
    """Margin uncertainty 1 - (p1 - p2), 0 to 1; 1 while nothing is trained."""
    novelty: float
    """Cosine distance to the nearest labelled, leased or earlier placed item, 0 to 1."""
    reason: str
    propensity: float | None = None
    """The chance that it had to be drawn at its place, given those before it; None where the order is not drawn."""


@dataclass(frozen=True, slots=True)
class Round:
    """The inputs of one round of the learner: replaying the rounds of a ledger gives the same bits."""

    project: int
    number: int
    """From 1, growing by 1; the model's version is `cue-<number>`."""
    position: int
    """The last event of the ledger that the round knows."""
    rows: int
    """The rows of the vector store that the round knows."""
    embedder: str
    strategy: str
    params: Mapping[str, Json]
    seed: int
    full: bool
    """True: refit from zero and choose the regularisation again; False: warm start."""
    at: float = 0.0
    surrogate: str = "logistic@1"
    levers: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """The settings of the queue beside strategy, parameters and surrogate; empty where LabelCue had none yet."""
