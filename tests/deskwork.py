"""A project on disk with a learner's rounds, and somebody who labels the head of its queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from labelcue.pool.vectors import VectorFile
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Kind, TaskId

PROJECT, DIM, HOLDER = 7, 16, "me"
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">{}</Choices></View>'.format(
        "".join(f'<Choice value="{name}"/>' for name in names)
    )
    for names in (("ham", "spam"), ("ham", "spam", "other"))
)
TWO, THREE = CONFIG


class Desk:
    """A project on disk with a learner's rounds, and somebody who labels."""

    def __init__(self, folder: Path, strategy: str = "coreset-margin", surrogate: str = "logistic") -> None:
        self.folder, self.strategy, self.surrogate = folder, strategy, surrogate
        self.ledger: Ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
        self.vectors = VectorFile(folder / "vectors", DIM, embedder="test@1")
        self.clock = 0
        self.side, self.made = self.sides_and_vectors()
        self.config(TWO)
        self.add(1, 121)
        self.rounds = self.learner()

    @staticmethod
    def sides_and_vectors() -> tuple[Any, Any]:
        rng = np.random.default_rng(3)
        side = rng.integers(0, 2, 400)
        made = rng.normal(size=(400, DIM)) + 2.0 * (2 * side[:, None] - 1) * np.eye(DIM)[0]
        return side, (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    def learner(self) -> Rounds:
        rounds = Rounds(
            self.ledger,
            PROJECT,
            self.vectors,
            self.folder / "round.safetensors",
            holder=HOLDER,
            embedder="test@1",
            base=QueueSettings(strategy=self.strategy, surrogate=self.surrogate, audit=0),
            head=50,
            clock=lambda: 0.0,
        )
        assert self.ledger.acquire(PROJECT, HOLDER, 1e6)
        return rounds

    def restart(self, *, snapshot: bool = True) -> Rounds:
        if not snapshot:
            (self.folder / "round.safetensors").unlink()
        self.vectors = VectorFile(self.folder / "vectors", DIM, embedder="test@1")
        self.rounds = self.learner()
        self.rounds.resume()
        return self.rounds

    def say(self, kind: Kind, key: str, **body: Any) -> None:
        self.ledger.append([Event(PROJECT, kind, key, body)])

    def time(self) -> str:
        self.clock += 1
        return f"2026-01-01T00:{self.clock // 60:02}:{self.clock % 60:02}.000000Z"

    def config(self, xml: str) -> None:
        now = self.time()
        self.say(Kind.LABEL_CONFIG, f"label_config:{now}", label_config=xml, updated_at=now)

    def add(self, start: int, stop: int) -> None:
        for task in range(start, stop):
            self.say(Kind.TASK, f"task:{task}:0", task=task, data={"text": str(task)}, updated_at="")
        digests = [f"{task:016}".encode() for task in range(start, stop)]
        self.vectors.append([TaskId(task) for task in range(start, stop)], self.made[start:stop], digests)

    def label(self, task: int, label: str | None = None, user: int = 1, cancelled: bool = False) -> int:
        now, number = self.time(), 1000 * user + task
        choice = label or ("ham", "spam")[self.side[task]]
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}
        body = {"annotation": number, "task": task, "user": user, "updated_at": now, "cancelled": cancelled}
        self.say(Kind.ANNOTATION, f"annotation:{number}:{now}", **body, result=[] if cancelled else [region])
        return number

    def work(self, labels: int) -> Snapshot:
        """Label the head of the queue, a round each."""
        snapshot = self.rounds.run() if self.rounds.due() else self.rounds.snapshot
        for _ in range(labels):
            assert snapshot is not None
            self.label(int(snapshot.order[0]))
            assert self.rounds.due()
            snapshot = self.rounds.run()
        assert snapshot is not None
        return snapshot


def same(one: Snapshot | None, other: Snapshot | None) -> None:
    """Equal to the bit."""
    assert one is not None
    assert other is not None
    assert one.round == other.round
    for name in ("ids", "rank", "probabilities", "priority", "novelty", "weights", "bias", "cover"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name, strict=True)
    assert (one.temperature, one.l2, one.labelled) == (other.temperature, other.l2, other.labelled)
    assert (one.share, one.fused) == (other.share, other.fused)
