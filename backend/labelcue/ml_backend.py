"""The engine as a model of the label-studio-ml server, for teams that run it: the extra `label-studio-ml`.

    from labelcue.ml_backend import LabelCueModel as Model

`labelcue serve` keeps the queue too, and learns within milliseconds; this is for where that server has to stay.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import structlog
from label_studio_ml.model import LabelStudioMLBase

from labelcue.errors import LabelCueError
from labelcue.labelstudio.events import SUBSCRIBED
from labelcue.types import Json
from labelcue.workshop import Workshop

log = structlog.get_logger(__name__)
FOLDER = "labelcue"
"""Within the server's model folder."""


class LabelCueModel(LabelStudioMLBase):  # type: ignore[misc]
    """Learns every label that our service learns, of text or vectors; one folder for all projects.

    The server makes a new one for each event, in a process of its own, and shares one among all projects; so nothing is
    kept in it, and a task says itself of which project it is. Everything is in `labelcue/` within `$MODEL_DIR`, or
    within the current folder.
    """

    TRAIN_EVENTS: ClassVar[tuple[str, ...]] = (*SUBSCRIBED, "START_TRAINING")
    """Deletions and imports too, which that server's own list leaves out."""
    embedder: ClassVar[str] = "auto"
    """As for `labelcue connect`; a subclass may name another."""

    def predict(self, tasks: Sequence[Json], context: Json = None, **_: Any) -> list[dict[str, Json]]:
        """A region and a calibrated score for each task, in their order; empty ones say why."""
        shop = _workshop(str(_folder()), self.embedder)
        found: dict[int, dict[str, Json]] = {}
        for project in {_project(task) for task in tasks}:
            mine = [place for place, task in enumerate(tasks) if _project(task) == project]
            said = shop.predict(project, [tasks[place] for place in mine], self.label_config or "")
            found.update(zip(mine, said, strict=True))
        return [found[place] for place in range(len(tasks))]

    def fit(self, *args: Any, event: str = "", data: Mapping[str, Json] | None = None, **_: Any) -> dict[str, Json]:
        """Learn from one webhook; what cannot be learned is logged, and named in what this returns.

        The server's releases pass the event by its name, its newer source as the first argument.
        """
        if args and isinstance(args[0], str):
            event, data = args[0], args[1] if len(args) > 1 else data
        body = dict(data or {})
        told = body.get("project")
        config = told.get("label_config") if isinstance(told, Mapping) else None
        try:
            shop = _workshop(str(_folder()), self.embedder)
            version = shop.tell(json.dumps({"action": event, **body}).encode(), str(config or ""))
        except LabelCueError as error:
            log.warning("not learned", action=event, error=str(error))
            return {"error": str(error)}
        return {"version": version}


def _folder() -> Path:
    return Path(os.environ.get("MODEL_DIR") or ".").expanduser() / FOLDER


@lru_cache(maxsize=4)
def _workshop(folder: str, embedder: str) -> Workshop:
    """One a process."""
    return Workshop(Path(folder), embedder)


def _project(task: Json) -> int:
    """Of which project a task says that it is; 0: it does not say."""
    project = task.get("project") if isinstance(task, Mapping) else None
    return project if type(project) is int and project > 0 else 0
