"""A synthetic project on disk: a ledger, vectors, and a learner's threads beside whoever labels."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from labelcue.errors import LabelCueError
from labelcue.instant import Instant
from labelcue.pool.graph import Graph, Keys
from labelcue.pool.matrix import BLOCK
from labelcue.pool.vectors import VectorFile
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.head import Head, write_head
from labelcue.store.snapshot import Snapshot
from labelcue.strategies import strategies
from labelcue.types import Event, Floats, Ints, Kind, TaskId

GAUSSIANS = 50
PROJECT = 1
HOLDER = "bench"
CLASSES = tuple(f"topic {number}" for number in range(10))
XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    + "".join(f'<Choice value="{name}"/>' for name in CLASSES)
    + "</Choices></View>"
)
BATCH = 200


class Desk:
    """A pool of 50 Gaussians with ten classes. Label Studio is left out."""

    def __init__(self, folder: Path, pool: int, dim: int, rng: np.random.Generator, strategy: str) -> None:
        self.settings = load_settings({"home": folder, "strategy": strategy or None})
        self.strategy = strategies.resolve(self.settings.strategy)
        self.ledger: Ledger = open_ledger(self.settings.store_url)
        self.vectors = VectorFile(folder / "vectors", dim, embedder="synthetic@1")
        self.groups = rng.integers(0, GAUSSIANS, pool)
        self.graph = Graph()
        """The learner's, once it runs."""
        self.lists: Keys | None = None
        """What that graph starts from."""
        self.labelled = 0
        self.heads: list[tuple[int, float]] = []
        """Positions that heads knew, and when they were on disk."""
        self._folder = folder
        self._config()
        centres = rng.standard_normal((GAUSSIANS, dim), dtype=np.float32)
        for start in range(0, pool, BLOCK):
            self._tasks(start, centres, self.groups[start : start + BLOCK], rng)

    def label(self, tasks: list[int]) -> None:
        """One annotation each, as a webhook appends them."""
        events = []
        for task in tasks:
            self.labelled += 1
            region = {
                "from_name": "label",
                "to_name": "text",
                "type": "choices",
                "value": {"choices": [self.truth(task)]},
            }
            body = {"annotation": self.labelled, "task": task, "user": 1, "cancelled": False, "result": [region]}
            body["updated_at"] = "2026-01-01T00:00:00.000000Z"
            events.append(Event(PROJECT, Kind.ANNOTATION, f"annotation:{self.labelled}", body))
        self.ledger.append(events)

    def seconds_to_order(self, position: int, began: float) -> float | None:
        """From `began` to the first head that knew the event at this position; None where none did."""
        return next((at - began for known, at in self.heads if known >= position), None)

    def truth(self, task: int) -> str:
        """The class of a task."""
        return CLASSES[int(self.groups[task - 1]) % len(CLASSES)]

    @contextmanager
    def learner(self) -> Iterator[SimpleQueue[Snapshot | Exception]]:
        """A thread that runs rounds as the learner does; what it published."""
        published: SimpleQueue[Snapshot | Exception] = SimpleQueue()
        stop = threading.Event()
        thread = threading.Thread(target=self._learn, args=(stop, published))
        thread.start()
        try:
            yield published
        finally:
            stop.set()
            thread.join()
            self.ledger.close()

    def _learn(self, stop: threading.Event, published: SimpleQueue[Snapshot | Exception]) -> None:
        rounds = self._rounds()
        instant = Instant(self.ledger, PROJECT, self._note, poll_s=self.settings.poll_ms / 1000)
        beside = threading.Thread(target=instant.run, args=(stop,))
        beside.start()
        try:
            while not stop.is_set():
                if rounds.due():
                    stop.wait(self.settings.debounce_ms / 1000)
                    snapshot = rounds.run()
                    published.put(snapshot)
                    instant.begin(snapshot.round, rounds.standby(self.settings.queue_length), rounds.spec)
                else:
                    stop.wait(self.settings.poll_ms / 1000)
        except LabelCueError as error:
            published.put(error)
        finally:
            stop.wait()
            instant.wake.set()
            beside.join()

    def _rounds(self) -> Rounds:
        rounds = Rounds(
            self.ledger,
            PROJECT,
            self.vectors,
            self._folder / "round.safetensors",
            holder=HOLDER,
            embedder="synthetic@1",
            base=QueueSettings(strategy=self.settings.strategy, audit=0),
            head=self.settings.queue_length,
        )
        self.graph = rounds.growing.graph
        if self.lists is not None:
            self.graph.take(self.lists)
        self.ledger.acquire(PROJECT, HOLDER, 1e6)
        return rounds

    def _note(self, head: Head) -> None:
        write_head(self._folder / "head.json", head)
        self.heads.append((head.position, time.perf_counter()))

    def _config(self) -> None:
        body = {"label_config": XML, "updated_at": "2026-01-01T00:00:00.000000Z"}
        self.ledger.append([Event(PROJECT, Kind.LABEL_CONFIG, "label_config", body)])

    def _tasks(self, start: int, centres: Floats, groups: Ints, rng: np.random.Generator) -> None:
        made = centres[groups] + rng.standard_normal((len(groups), centres.shape[1]), dtype=np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        ids = [TaskId(start + place + 1) for place in range(len(groups))]
        self.vectors.append(ids, made, [f"{task:016}".encode() for task in ids])
        bodies = [{"task": task, "data": {"text": f"text {task}"}, "updated_at": ""} for task in ids]
        for first in range(0, len(bodies), BATCH):
            part = bodies[first : first + BATCH]
            self.ledger.append([Event(PROJECT, Kind.TASK, f"task:{body['task']}", body) for body in part])
