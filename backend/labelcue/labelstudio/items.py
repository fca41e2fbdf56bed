"""A task, an annotation, a label config of Label Studio as an event of the ledger. Pure.

The same task or annotation gives the same key, whichever way it came: what webhooks and reconcile both bring is
stored once. A key hashes what matters for a label and nothing else; region ids, lead times and the like do not count.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictBool, StrictStr, ValidationError

from labelcue.errors import BadRequest
from labelcue.labelstudio.values import ID_LIMIT, Id, Trimmer, digest, timestamp, whole_text
from labelcue.types import Event, Json, Kind

LONGEST_STRING = 100_000
"""Characters of one string of a task's data; longer ones are cut."""
LARGEST_DATA = 1_000_000
"""Characters of a task's data, about; what is beyond is left out."""
LARGEST_RESULT = 1_000_000
"""Characters of an annotation's result, about; a larger annotation is refused."""
LARGEST_PREDICTION = 200_000
"""Characters of another model's prediction, about; a larger one is refused."""
REGION = ("id", "from_name", "to_name", "type", "value", "score", "original_width", "original_height", "image_rotation")
"""What is kept of a predicted region."""
LARGEST_CONFIG = 1_000_000
"""Characters of a label config."""

M = TypeVar("M", bound=BaseModel)


def _user(value: Json) -> Json:
    return value.get("id") if isinstance(value, dict) else value


def _canonical(text: str) -> str:
    try:
        return timestamp(text) if text else ""
    except BadRequest as error:
        raise ValueError(error.message) from error


Time = Annotated[StrictStr, AfterValidator(_canonical)]


class _Item(BaseModel):
    """What tasks and annotations have in common; fields that we do not read are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Id
    project: Id | None = None
    created_at: Time | None = None
    updated_at: Time | None = None

    @property
    def moment(self) -> str:
        """When it last changed, canonical; empty where nothing is said."""
        return self.updated_at or self.created_at or ""


class _Task(_Item):
    data: dict[str, Json]


class _Annotation(_Item):
    task: Id
    completed_by: Annotated[Id | None, BeforeValidator(_user)] = None
    was_cancelled: StrictBool | None = None
    result: list[dict[str, Json]] | None = None


def task_event(project: int, task: Json) -> Event:
    """A task as webhooks and the API give it; raises BadRequest.

    Data over LONGEST_STRING or LARGEST_DATA is cut, and the body then says `"cut": true`.
    """
    item = _read(_Task, project, task, "task")
    trimmer = Trimmer(LARGEST_DATA, LONGEST_STRING)
    data = _copy(trimmer, item.data, f"task {item.id}")
    body = {"task": item.id, "data": data, "updated_at": item.moment, **({"cut": True} if trimmer.cut else {})}
    return Event(project, Kind.TASK, f"task:{item.id}:{digest(data)}", body)


def annotation_event(project: int, annotation: Json) -> Event:
    """An annotation as webhooks and the API give it; raises BadRequest, also where its result is too large."""
    item = _read(_Annotation, project, annotation, "annotation")
    trimmer = Trimmer(LARGEST_RESULT, LARGEST_RESULT)
    result = _copy(trimmer, item.result or [], f"annotation {item.id}")
    if trimmer.cut:
        raise BadRequest(
            f"annotation {item.id}: its result is over {LARGEST_RESULT:,} characters or has an endless number.",
            "LabelCue leaves it out; Label Studio keeps it.",
        )
    cancelled = bool(item.was_cancelled)
    told = [[region.get(name) for name in ("from_name", "to_name", "type", "value")] for region in result]
    body = {
        "annotation": item.id,
        "task": item.task,
        "user": item.completed_by,
        "updated_at": item.moment,
        "cancelled": cancelled,
        "result": result,
    }
    key = f"annotation:{item.id}:{item.moment}:{digest([cancelled, told])}"
    return Event(project, Kind.ANNOTATION, key, body)


def task_deleted_event(project: int, task: Json) -> Event:
    """A task that is gone, as `{"id": 7}`; raises BadRequest."""
    gone = _read(_Item, project, task, "task").id
    return Event(project, Kind.TASK_DELETED, f"task_deleted:{gone}", {"task": gone})


def annotation_deleted_event(project: int, annotation: Json) -> Event:
    """An annotation that is gone, as `{"id": 7}`; raises BadRequest."""
    gone = _read(_Item, project, annotation, "annotation").id
    return Event(project, Kind.ANNOTATION_DELETED, f"annotation_deleted:{gone}", {"annotation": gone})


def prediction_event(
    project: int, task: int, version: str, score: Json, result: list[Json] | None, after: int
) -> Event:
    """Another model's prediction of a task; None for `result` where it makes none. Raises BadRequest for one that is no
    list of regions, or too large.

    `after`: the position in the ledger of what it replaces, so that a model may come back to what it said before.
    """
    name = f"prediction of task {task}"
    if result is not None and not all(isinstance(region, dict) for region in result):
        raise BadRequest(f"{name}: its result is no list of regions.", "Label Studio's own form is expected.")
    kept = None if result is None else [{key: one[key] for key in REGION if key in one} for one in result]
    trimmer = Trimmer(LARGEST_PREDICTION, LARGEST_PREDICTION)
    copied = _copy(trimmer, kept, name)
    if trimmer.cut:
        raise BadRequest(f"{name}: it is over {LARGEST_PREDICTION:,} characters.", "It counts as none.")
    sure = float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) and isfinite(score) else None
    body = {"task": task, "version": whole_text(version), "score": sure, "result": copied}
    key = f"prediction:{task}:{digest([body['version'], sure, copied])}@{after}"
    return Event(project, Kind.PREDICTION, key, body)


def label_config_event(project: int, xml: str, updated_at: str) -> Event:
    """The label config of a project that changed at `updated_at` (any ISO 8601, or empty); raises BadRequest."""
    if len(xml) > LARGEST_CONFIG:
        raise BadRequest(
            f"project {project}: its label config is over {LARGEST_CONFIG:,} characters.", "Make it smaller."
        )
    text, moment = whole_text(xml), timestamp(updated_at) if updated_at else ""
    body = {"label_config": text, "updated_at": moment}
    return Event(project, Kind.LABEL_CONFIG, f"label_config:{moment}:{digest(text)}", body)


def train_event(project: int, mark: str) -> Event:
    """Somebody asked for a full refit; the same `mark` is the same request."""
    return Event(project, Kind.TRAIN, f"train:{mark}", {})


def project_deleted_event(project: int) -> Event:
    """The project is gone from Label Studio."""
    return Event(project, Kind.PROJECT_DELETED, "project_deleted", {})


def _read(model: type[M], project: int, value: Json, what: str) -> M:
    known = value.get("id") if isinstance(value, dict) else None
    name = f"{what} {known}" if type(known) is int and 0 < known < ID_LIMIT else what
    try:
        item = model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{name}: {place + ': ' if place else ''}{first['msg']}.") from error
    if getattr(item, "project", None) not in (None, project):
        raise BadRequest(f"{name} belongs to another project than {project}.")
    return item


def _copy(trimmer: Trimmer, value: Json, name: str) -> Json:
    try:
        return trimmer.copy(value)
    except BadRequest as error:
        raise BadRequest(f"{name}: {error.message}", error.remedy) from error
