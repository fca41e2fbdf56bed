"""Projects that are learned wherever their events arrive: ledger, vectors and rounds in one folder, without a service.

For those who bring their own server. Any process may tell it of a webhook; whoever does has it learned before the call
returns, by this process or by the one that is at work already.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

import structlog

from labelcue.embedders import embedders
from labelcue.embedders.fitting import embedder_for
from labelcue.errors import UnsupportedConfig
from labelcue.ingest import Ingest
from labelcue.labels import SPANS
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.events import label_config_event, parse_webhook
from labelcue.pool.vectors import VectorFile
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.service.context import Service
from labelcue.service.predict import Predictor
from labelcue.settings import load_settings
from labelcue.store.layout import Home
from labelcue.types import Json, Kind, TaskId, TaskSpec

log = structlog.get_logger(__name__)
HOLD_S = 120.0
"""Seconds after which a process that died gives way to others; more than a batch of embeddings and a round take."""
EMBED_S = 60.0
"""For what a request asks of: nobody embeds it later, and Label Studio waits for 100 s."""
LOOK_S = 0.2
"""Between two looks at whether the process at work has learned what was told here."""


class _Unconnected(Service):
    """Answers for every project that it was told of: there is nobody to connect."""

    def is_connected(self, project: int) -> bool:
        """Always."""
        return True


class Workshop:
    """Everything that one folder knows, of any number of projects. Thread-safe, and safe beside other processes."""

    def __init__(self, folder: Path, embedder: str = "auto") -> None:
        """`folder` is made where it is not there; `embedder` as for `labelcue connect`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._settings = load_settings({"home": folder, "predict_embed_s": EMBED_S})
        self._home = Home(self._settings.home)
        self._asked = embedder
        self._service = _Unconnected(self._settings, time.time)
        self._predictor = Predictor(self._service)
        self._lock = threading.Lock()

    def tell(self, raw: bytes, config: str = "") -> str:
        """Keep what a webhook's body says, and learn from it: the version of the project's model then.

        `config`: the project's label config, where the caller knows it. Raises BadRequest for what is no body at all,
        UnsupportedConfig where its labels cannot be learned.
        """
        parsed = parse_webhook(raw)
        if parsed.problems:
            log.warning("webhook with unreadable items", project=parsed.project, problems=list(parsed.problems[:5]))
        if parsed.project is None:
            return ""
        xml, ledger = parsed.label_config or config, self._service.ledger
        if xml and xml != self._config(parsed.project):
            moment = str(parsed.config_event.body["updated_at"]) if parsed.config_event is not None else ""
            ledger.append([label_config_event(parsed.project, xml, moment)])
        ledger.append(parsed.events)
        spec = parse_config(self._config(parsed.project))
        if spec.kind == SPANS:
            raise UnsupportedConfig("Spans are learned by `labelcue serve` alone.", "Connect the project to it.")
        with self._lock:
            self._learn(parsed.project, spec, [one.body["task"] for one in parsed.events if one.kind is Kind.TASK])
        return self._service.version(parsed.project)

    def predict(self, project: int, tasks: Sequence[Json], config: str = "") -> list[dict[str, Json]]:
        """A prediction for each task, in their order; empty ones say why. `config`: as for `tell`."""
        return self._predictor.predict(project, tasks, self._config(project) or config)[0]

    def close(self) -> None:
        """Let go of the ledger."""
        self._service.close()

    def _config(self, project: int) -> str:
        """The newest label config; empty before there is one."""
        xml = ""
        for event in self._service.ledger.read(project, kinds=(Kind.LABEL_CONFIG,)):
            xml = str(event.body["label_config"])
        return xml

    def _learn(self, project: int, spec: TaskSpec, tasks: Sequence[int]) -> None:
        """Until a round knows all that is in the ledger now, these tasks' vectors too, by whichever process."""
        ledger, holder = self._service.ledger, f"{os.getpid()}-{uuid4().hex}"
        wanted = ledger.position(project)
        while not self._knows(project, wanted, tasks):
            if not ledger.acquire(project, holder, HOLD_S):
                time.sleep(LOOK_S)
                continue
            try:
                self._work(project, spec, holder)
                return
            finally:
                ledger.relinquish(project, holder)

    def _knows(self, project: int, position: int, tasks: Sequence[int]) -> bool:
        """Another process may have read of tasks after it had embedded what was new."""
        snapshot = self._service.snapshot(project)
        if snapshot is None or snapshot.round.position < position:
            return False
        return all(snapshot.of(TaskId(task)) is not None for task in tasks)

    def _work(self, project: int, spec: TaskSpec, holder: str) -> None:
        """Embed what is new, then one round."""
        ledger, name = self._service.ledger, embedders.resolve(embedder_for(self._asked, spec.object))
        make, folder = partial(embedders.create, name), self._home.vectors(project, name)
        vectors = VectorFile(folder, make().dim, embedder=name)
        rounds = Rounds(
            ledger,
            project,
            vectors,
            self._home.snapshot(project),
            holder=holder,
            embedder=name,
            base=QueueSettings(strategy=self._settings.strategy, surrogate=self._settings.surrogate, audit=0),
            seed=self._settings.seed,
        )
        rounds.resume()
        rounds.catch_up()
        ingest = Ingest(ledger, vectors, make, spec, folder)
        ingest.offer({task: state.position for task, state in rounds.fold.tasks.items()})
        while ingest.step():
            ledger.acquire(project, holder, HOLD_S)
        if rounds.due():
            rounds.run()
        rounds.growing.stop()
