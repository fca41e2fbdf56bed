"""A double of Label Studio, a ledger, and a reconciler between them."""

from __future__ import annotations

from labelcue.labelstudio.events import parse_webhook
from labelcue.reconcile import Reconciler
from labelcue.settings import Settings
from labelcue.store.fold import Fold, fold
from labelcue.store.memory import MemoryLedger
from labelstudio_double import PROJECT, LabelStudioDouble


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
        state, ls = self.fold, self.ls
        data = {task: self.ledger.event(one.position).body["data"] for task, one in state.tasks.items()}
        assert data == {number: row["data"] for number, row in ls.task_rows.items()}
        ours = {number: (one.task, one.user, one.cancelled, one.result) for number, one in state.annotations.items()}
        theirs = {
            number: (row["task"], row["completed_by"], row["was_cancelled"], row["result"])
            for number, row in ls.annotation_rows.items()
        }
        assert ours == theirs
        assert state.label_config == ls.fields["label_config"]
