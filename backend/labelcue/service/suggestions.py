"""What annotators are told of the tasks they get: why, and where pre-annotation is on, the model's label."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial

import structlog

from labelcue.delivery.content import shown, threshold
from labelcue.errors import LabelCueError, NotFound
from labelcue.labelstudio.config import parse_config
from labelcue.service.context import Service
from labelcue.service.live import Live
from labelcue.service.reasons import reason_of, why_of
from labelcue.service.shapes import Candidate, Suggestion
from labelcue.store.connection import Connection
from labelcue.store.snapshot import Snapshot
from labelcue.types import TaskId, TaskSpec

log = structlog.get_logger(__name__)


class Suggestions:
    """Makes candidates of tasks. Thread-safe."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parse = lru_cache(maxsize=16)(parse_config)

    def candidates(self, snapshot: Snapshot, live: Live, tasks: Mapping[TaskId, str]) -> list[Candidate]:
        """The tasks as the plugin hears of them, in their order; each with the reason of one that somebody has begun.

        Raises NotFound for one without a place.
        """
        wanted = self._wanted(snapshot, live)
        return [
            _begun(snapshot, task, why) if live.is_begun(task) else self._candidate(snapshot, live, task, wanted)
            for task, why in tasks.items()
        ]

    def _wanted(self, snapshot: Snapshot, live: Live) -> tuple[TaskSpec, float] | None:
        """What labels can be shown, and from which confidence on; None where none is to be or can be."""
        try:
            connection = Connection.load(self._service.home.connection(snapshot.round.project))
            confident = threshold(snapshot, self._service.settings.confident, connection.pre_annotation)
            if confident is None or live.label_config is None:
                return None
            return self._parse(live.label_config), confident
        except LabelCueError as error:  # whoever wants a task must get one
            log.warning("no suggestions", project=snapshot.round.project, reason=str(error))
            return None

    def _candidate(
        self, snapshot: Snapshot, live: Live, task: TaskId, wanted: tuple[TaskSpec, float] | None
    ) -> Candidate:
        heard = partial(self._service.marked.of, self._service.ledger, snapshot.round.project)
        standing, lever = snapshot.of(task), live.lever(task)
        if standing is None:
            raise NotFound(f"Task {task} is not in the pool of project {snapshot.round.project}.", "Ask again.")
        result = shown(snapshot, task, *wanted, heard) if wanted else []
        suggestion = Suggestion(result=result, score=min(1.0, standing.confidence), model_version=snapshot.version)
        return Candidate(
            id=task,
            priority=standing.priority,
            uncertainty=standing.uncertainty,
            reason=reason_of(standing, lever),
            why=why_of(standing, lever),
            prediction=suggestion if result else None,
            begun=False,
        )


def _begun(snapshot: Snapshot, task: TaskId, why: str) -> Candidate:
    """Without the model's label, which it may have learned from the first annotator. A task that no round knows, since
    it cannot be read, is served too."""
    standing = snapshot.of(task)
    doubt = standing.uncertainty if standing is not None else 1.0
    said = {"reason": why or "somebody has labelled or skipped it", "why": "Another opinion is wanted."}
    return Candidate(id=task, priority=1.0, uncertainty=doubt, prediction=None, begun=True, **said)
