"""Fold and vectors → engine: makes engines, and tells them what came since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labelcue.engine import Cue
from labelcue.hearing import Hearing
from labelcue.labels import SPANS, parts_for
from labelcue.labels.tokens import Tokens
from labelcue.pool.graph import Graph
from labelcue.pool.token_file import TokenFile
from labelcue.pool.vectors import VectorFile
from labelcue.queueing.history import counted_since
from labelcue.store.fold import Fold
from labelcue.surrogates import surrogates
from labelcue.telling import Teller
from labelcue.types import Event, Json, Round, TaskId, TaskSpec


class Feed:
    """What the engine of one project has been told, and what waits to be. The same records give the same engine."""

    def __init__(
        self,
        project: int,
        fold: Fold,
        vectors: VectorFile,
        graph: Graph,
        event: Callable[[int], Event],
        tokens: TokenFile | None = None,
    ) -> None:
        """`event` reads one of the ledger by its position."""
        self._hearing = Hearing(fold, event)
        self.teller = Teller(fold, project)
        self.rows = 0
        self.first = 0
        """The position in the ledger of the first round."""
        self.pending: set[TaskId] = set()
        """Known tasks that an event touched since the last round."""
        self.heard: set[TaskId] = set()
        """Known tasks of which another model said something since the last round."""
        self._project = project
        self._fold = fold
        self._vectors = vectors
        self._graph = graph
        self._tokens = tokens
        self._known: set[TaskId] = set()
        """Tasks of the rows that the engine has."""
        self._drawn: set[TaskId] = set()
        """Tasks that a round drew by lot since the last one."""

    def ready(self, spec: TaskSpec | None) -> int:
        """Rows that a round may have: those that are embedded and, where labels are spans, read."""
        read = spec is not None and spec.kind == SPANS
        return min(self._vectors.rows, self._tokens.rows) if read and self._tokens else self._vectors.rows

    def kept(self, records: Sequence[Round]) -> int:
        """Rows that are left of those that these rounds had."""
        read = any(surrogates.create(record.surrogate).uses_tokens for record in records)
        return min(self._vectors.rows, self._tokens.rows) if read and self._tokens else self._vectors.rows

    def note(self, touched: set[TaskId], drawn: set[TaskId], heard: set[TaskId]) -> None:
        """Events touched these tasks; a draw waits for the next round, and asks for none; so does a prediction where
        nobody listens."""
        self.heard |= heard & self._known
        self.pending |= touched & self._known
        self._drawn |= drawn

    def rebuild(self, record: Round, spec: TaskSpec) -> Cue:
        """A full round starts from the fold alone, so that replaying may start there."""
        ids = self.ids(0, record.rows)
        cue = self._make(
            ids,
            strategy=record.strategy,
            classes=spec.classes,
            seed=record.seed,
            params=dict(record.params),
            surrogate=record.surrogate,
            bounds=spec.bounds,
            parts=parts_for(spec) if spec.parts else None,
        )
        self.rows, self._known = record.rows, set(ids)
        self.pending.clear()
        self.teller.problems.clear()
        self._drawn.clear()
        touched = self._known & self.teller.annotated() | self._known - self._fold.tasks.keys()
        self._tell(cue, record, touched, spec)
        self._hear(cue, self._known, spec)
        return cue

    def feed(self, cue: Cue, record: Round, spec: TaskSpec) -> None:
        """What came since the last round: rows first, then labels."""
        cue.set_classes(spec.classes)
        rows = record.rows
        touched = self.pending | self._drawn & self._known
        heard = self.heard
        if rows > self.rows:
            fresh = self.ids(self.rows, rows)
            cue.grow(self._vectors.vectors[:rows], fresh, self._tokens_of(cue.kind["name"], rows))
            new = set(fresh)
            touched = touched | new & (self._known | self.teller.annotated()) | new - self._fold.tasks.keys()
            self.rows, self._known = rows, self._known | new
            heard = heard | new
        self.pending, self._drawn = set(), set()
        self._tell(cue, record, touched, spec)
        self._hear(cue, heard & self._known, spec)

    def copy(self, cue: Cue, levers: Mapping[str, Json], **made: Any) -> Cue:
        """Another engine that was told the same, and these shares; nothing of the first one changes."""
        ids = self.ids(0, self.rows if cue.kind["name"] == SPANS else self._vectors.rows)
        known = set(ids) & self._fold.tasks.keys()
        twin = self._make(ids, facts=cue.facts, **made)
        twin.remove(sorted(set(ids) - known))
        Teller(self._fold, self._project).steer(twin, levers, known, self._since())
        return twin

    def ids(self, start: int, stop: int) -> list[TaskId]:
        """The tasks of these rows."""
        return [TaskId(int(task)) for task in self._vectors.ids[start:stop]]

    def _make(self, ids: list[TaskId], **made: Any) -> Cue:
        tokens = self._tokens_of(surrogates.create(made["surrogate"]).kind, len(ids))
        return Cue(self._vectors.vectors[: len(ids)], ids, graph=self._graph, newest=True, tokens=tokens, **made)

    def _tokens_of(self, kind: str, rows: int) -> Tokens | None:
        """Of the first rows, where labels are spans."""
        return self._tokens.tokens.first(rows) if kind == SPANS and self._tokens is not None else None

    def _tell(self, cue: Cue, record: Round, touched: set[TaskId], spec: TaskSpec) -> None:
        self._known -= self.teller.tell(cue, touched, spec, self._since())
        self.teller.steer(cue, record.levers, self._known, self._since())

    def _hear(self, cue: Cue, tasks: set[TaskId], spec: TaskSpec) -> None:
        self.heard = set()
        cue.hear({int(task): said for task, said in self._hearing.said(sorted(tasks), spec).items()})

    def _since(self) -> int:
        return counted_since(self._fold.choices, self.first)
