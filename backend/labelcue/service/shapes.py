"""The shapes of what the service answers. The OpenAPI description is made of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from labelcue.service.reasons import reason_of
from labelcue.store.snapshot import Snapshot, Standing
from labelcue.types import Kind


class Shape(BaseModel):
    """What all of them share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Health(Shape):
    """The service is up."""

    status: Literal["UP"]
    model_class: str


class Setup(Shape):
    """Answer to /setup."""

    model_version: str = Field(description="`cue-<n>`, n only grows; `cue-0` before the first round.")


class Versions(Shape):
    """Answer to /versions."""

    versions: list[str] = Field(description="The present version of each connected project.")


class Prediction(Shape):
    """A prediction in Label Studio's format."""

    result: list[dict[str, Any]] = Field(description="One region, or none where there is no prediction.")
    score: float = Field(ge=0, le=1, description="Calibrated confidence; 0 where there is no prediction.")
    model_version: str
    reason: str = Field("", description="Why `result` is empty; absent where it is not.")


class Predictions(Shape):
    """Answer to /predict: one prediction for each task, in order."""

    results: list[Prediction]
    model_version: str


class Stored(Shape):
    """Answer to /webhook: it is on disk."""

    stored: int = Field(ge=0, description="Events that the ledger has now, also those that it had before.")
    ignored: str | None = Field(description="Why nothing, or less, was stored.")
    problems: list[str] = Field(description="Items that could not be read; the others were stored.")


class Uncertainty(Shape):
    """How unsure the model is, 0 to 1 each; 1 while it is not trained."""

    margin: float = Field(description="1 - (p1 - p2).")
    entropy: float = Field(description="Entropy over its maximum.")


class Place(Shape):
    """Where one task stands."""

    task: int
    rank: int | None = Field(description="Place in the queue, 0 is next; null: labelled, skipped or handed out.")
    priority: float = Field(description="0 to 1, relative to the head of the queue.")
    uncertainty: Uncertainty
    novelty: float = Field(description="Cosine distance to what is labelled or queued before it, 0 to 1.")
    probabilities: dict[str, float] = Field(description="Calibrated, by class.")
    label: str | None = Field(description="The most probable class; null while nothing is trained.")
    confidence: float
    reason: str = Field(description="Why it stands there, in a sentence for people.")
    audit: bool = Field(description="Whether chance chose it to measure the model, which does not learn from it.")
    propensity: float | None = Field(description="The chance that it was drawn with; null where it was not.")
    version: str
    as_of: float = Field(description="Unix seconds of the round that says so.")


class Queue(Shape):
    """A part of the queue, or of what changed in it since a copy was made; the next task first."""

    version: str
    as_of: float | None = Field(description="Unix seconds of the round; null before the first.")
    mark: str = Field(description="What to send as `since` next time.")
    since: str | None = Field(description="The mark that `tasks` and `removed` are the difference from; null: a whole.")
    total: int = Field(description="Tasks in the queue, or those that came into it or moved.")
    offset: int
    tasks: list[Place]
    removed: list[int] = Field(description="Tasks that have left the queue since; on the first page alone.")


class Suggestion(Shape):
    """The model's label for a task, to be shown to its annotator."""

    result: list[dict[str, Any]] = Field(description="One region in Label Studio's format.")
    score: float = Field(ge=0, le=1, description="Calibrated confidence.")
    model_version: str


class Candidate(Shape):
    """A task that an annotator may get next."""

    id: int
    priority: float = Field(description="0 to 1, relative to the head of the queue.")
    uncertainty: float = Field(description="1 - (p1 - p2), 0 to 1; 1 while nothing is trained.")
    reason: str = Field(description="Why it stands there, in a sentence for admins.")
    why: str = Field(description="The same for its annotator; it names no label.")
    prediction: Suggestion | None = Field(
        description="Where the project wants pre-annotation and the model is confident enough; else null."
    )
    begun: bool = Field(description="Somebody has labelled or skipped it: it waits for another annotator.")


class Next(Shape):
    """The candidates for one annotator, the next task first."""

    queue_version: str
    as_of: float | None = Field(description="Unix seconds of the order; null before the first round.")
    tasks: list[Candidate] = Field(description="None that was solved, deleted or handed out to others since.")


class Lease(Shape):
    """A task is handed out."""

    expires: float = Field(description="Unix seconds when the task is anybody's again.")


class Freed(Shape):
    """A lease has ended."""

    freed: Literal[True]


class Project(Shape):
    """One connected project."""

    id: int
    title: str
    embedder: str
    labels: int = Field(description="Labelled tasks.")
    tasks: int = Field(description="Tasks that the ledger knows, as the learner counted them last.")
    embedded: int = Field(description="Tasks that the latest round knows.")
    round: int
    version: str
    trained: bool
    strategy: str = Field(description="How the latest round queued; empty before the first.")
    as_of: float | None = Field(description="Unix seconds of the latest round; null before the first.")
    last_webhook_at: float | None = Field(
        description="Unix seconds of the last authenticated webhook since the service started."
    )
    status: dict[str, Any] = Field(description="The learner's own words: rounds, embedding, reconcile, delivery.")
    error: str = Field(description="Why a part of this cannot be told; empty where it can.")


class AlarmShape(Shape):
    """Something that needs a person."""

    alarm: str = Field(description="learner, training, delivery, reconcile, lag, drift, slice, accuracy or stop.")
    subject: str = Field(description="Which slice, as `field=value`; else empty.")
    severity: Literal["critical", "warning", "info"]
    message: str
    remedy: str
    since: float = Field(description="Unix seconds when it was raised.")


class Alarms(Shape):
    """The alarms of a project that stand, the oldest first."""

    alarms: list[AlarmShape]


class Projects(Shape):
    """All connected projects."""

    projects: list[Project]


class Asked(Shape):
    """The learner will look within a second or so."""

    asked: Literal[True]


class Taken(Asked):
    """What an admin asked for is in the ledger."""

    left_out: list[int] = Field(
        description="Second opinions: tasks that are deleted, or that nobody has labelled or skipped."
    )


class Problem(Shape):
    """What went wrong."""

    code: str
    message: str
    remedy: str


class Failure(Shape):
    """The one shape of every error."""

    error: Problem


def place_of(snapshot: Snapshot, task: int, standing: Standing, lever: Kind | None = None) -> Place:
    """A standing as the API tells it."""
    return Place(
        task=task,
        rank=standing.rank,
        priority=standing.priority,
        uncertainty=Uncertainty(margin=standing.uncertainty, entropy=standing.entropy),
        novelty=standing.novelty,
        probabilities=standing.probabilities,
        label=standing.label,
        confidence=standing.confidence,
        reason=reason_of(standing, lever),
        audit=standing.audit,
        propensity=standing.propensity,
        version=standing.version,
        as_of=snapshot.round.at,
    )
