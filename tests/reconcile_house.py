"""A double of Label Studio, a ledger, and a reconciler between them; and people at work, whose webhooks get lost."""

from __future__ import annotations

import random
from typing import Any

from labelcue.labelstudio.events import parse_webhook
from labelcue.reconcile import Reconciler
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.fold import Fold, fold
from labelcue.store.memory import MemoryLedger
from labelstudio_double import PROJECT, XML, LabelStudioDouble, choice

ACTIONS = (
    *["annotate"] * 6,
    *["update"] * 3,
    *["skip"] * 2,
    *["unannotate"] * 3,
    *["import"] * 2,
    "import labelled",
    "edit",
    "delete tasks",
    "merge",
    "crash",
    "config",
    *["webhooks"] * 4,
    *["poll"] * 2,
    "hour",
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A double, a ledger and a reconciler between them."""

    def __init__(self) -> None:
        self.ls = LabelStudioDouble()
        self.ledger = MemoryLedger()
        self.clock = Clock()
        self.told: list[tuple[str, int, int]] = []
        self.reconciler = Reconciler(
            self.ls,  # type: ignore[arg-type]
            self.ledger,
            PROJECT,
            Settings(),
            clock=self.clock,
            on_progress=lambda *words: self.told.append(words),
        )

    @property
    def fold(self) -> Fold:
        return fold(self.ledger.read(PROJECT))

    def deliver(self, raw: bytes) -> None:
        """A webhook arrives, as the service takes it."""
        parsed = parse_webhook(raw)
        events = list(parsed.events)
        if parsed.config_event is not None and parsed.label_config != self.fold.label_config:
            events.append(parsed.config_event)
        self.ledger.append(events)

    def deliver_all(self) -> None:
        while self.ls.sent:
            self.deliver(self.ls.sent.pop(0))

    def assert_equal(self) -> None:
        assert_equal(self.ls, self.ledger)


def assert_equal(ls: LabelStudioDouble, ledger: Ledger) -> None:
    """Tasks, annotations and label config of the ledger are Label Studio's."""
    state = fold(ledger.read(PROJECT))
    data = {task: ledger.event(one.position).body["data"] for task, one in state.tasks.items()}
    assert data == {number: row["data"] for number, row in ls.task_rows.items()}
    ours = {number: (one.task, one.user, one.cancelled, one.result) for number, one in state.annotations.items()}
    theirs = {
        number: (row["task"], row["completed_by"], row["was_cancelled"], row["result"])
        for number, row in ls.annotation_rows.items()
    }
    assert ours == theirs
    assert state.label_config == ls.fields["label_config"]


def act(house: Any, action: str, pick: int, user: int) -> None:
    """One thing that somebody does in `house.ls`; `pick` chooses of what."""
    ls = house.ls
    tasks, annotations = sorted(ls.task_rows), sorted(ls.annotation_rows)
    task = tasks[pick % len(tasks)] if tasks else None
    annotation = annotations[pick % len(annotations)] if annotations else None
    label = ("ham", "spam")[pick % 2]
    if action == "import":
        ls.import_tasks([{"text": f"mail {number}"} for number in range(1 + pick % 3)])
    elif action == "import labelled":
        ls.import_tasks([{"text": "a"}, {"text": "b"}], [label, None])
    elif action == "config":
        ls.update_project(PROJECT, label_config=XML.replace("ham", f"ham{pick}"))
    elif action == "hour":
        house.clock.now += 4000
    elif task is not None and action in ("annotate", "skip"):
        ls.annotate(task, choice(label), user, was_cancelled=action == "skip")
    elif task is not None and action == "edit":
        ls.edit_task(task, {"text": f"edited {pick}"})
    elif task is not None and action == "delete tasks":
        ls.delete_tasks(tasks[pick % len(tasks) :][:user])
    elif action == "merge" and len(tasks) > 1:
        ls.move_annotations(tasks[-1], tasks[0])
    elif annotation is not None and action == "update":
        ls.update_annotation(annotation, choice(label), was_cancelled=user == 4)
    elif annotation is not None and action in ("unannotate", "crash"):
        ls.delete_annotation(annotation, bump=action == "unannotate")


def deliver_badly(house: Any, rng: random.Random) -> None:
    """Three in ten are dropped, doubled or kept back until later ones have arrived."""
    waiting, house.ls.sent = house.ls.sent, []
    late: list[bytes] = []
    for raw in waiting:
        fate = rng.random()
        if fate < 0.1:
            continue
        if fate < 0.2:
            late.append(raw)
            continue
        for _ in range(2 if fate < 0.3 else 1):
            house.deliver(raw)
    rng.shuffle(late)
    for raw in late:
        house.deliver(raw)
