"""A real run for the admins' pages: mails that annotators labelled in a real Label Studio, and what follows from it.

What the learner's background process works out is worked out once, when all is labelled: tests then know what they see.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
from plugged import House, asked
from stack import ANSWERS, LOOK_S, SPEC, Stack

from labelcue.demo.simulate import choice
from labelcue.labelstudio.client import LabelStudio
from labelcue.queueing.settings import QueueSettings
from labelcue.store import open_ledger
from labelcue.store.facets import read_facets
from labelcue.store.snapshot import Snapshot
from labelcue.supervisor import command
from labelcue.types import Kind, TaskId
from waiting import until

FIELD, SLICE = "source", "newsletter"
OURS = "LabelCue queue"
"""What Label Studio's answer calls the choice where LabelCue made it."""


@dataclass(frozen=True)
class Size:
    """How much of everything a run has."""

    mails: int = 120
    audits: int = 52
    """From 50 on there is an accuracy."""
    learned: int = 30
    """Labels that the model learns: with so many beside the audits there is a curve."""
    batch: int = 120
    """Labels between which the queue may follow."""
    wrong: int = 8
    """Every so many labels one is wrong, so that there is something to suspect."""
    seconds: int = 12
    """Tasks that a second annotator labels too."""
    later: int = 40
    """Mails that are imported after the labels, with a field to slice by."""
    audit_share: float = 0.6


@dataclass
class Run:
    """One project behind the pages."""

    house: House
    project: int
    late: frozenset[int] = frozenset()
    """Tasks of the slice."""

    @property
    def stack(self) -> Stack:
        return self.house.stack

    @property
    def address(self) -> str:
        """Of the pages."""
        return self.stack.settings.base_url

    @property
    def pages(self) -> str:
        """Of this project's."""
        return f"{self.address}/projects/{self.project}"

    @property
    def password(self) -> str:
        return self.stack.settings.basic_password.get_secret_value()

    def answered(self) -> set[int]:
        """Tasks with a label, as the ledger has it now."""
        return {int(one.task) for one in self.stack.fold(self.project).annotations.values() if not one.cancelled}

    def settled(self) -> Snapshot:
        """The published round once it knows every event."""
        return self.stack.settled(self.project, len(self.answered()))

    def head(self) -> list[int]:
        """The published order, once it knows every event."""
        return [int(task) for task in self.settled().order]

    def versions(self) -> list[dict[str, Any]]:
        """Every saved version of the settings, the first first."""
        with closing(open_ledger(self.stack.settings.store_url)) as ledger:
            return [dict(event.body) for event in ledger.read(self.project, kinds=(Kind.SETTINGS,))]

    def follows(self, **wanted: Any) -> Snapshot:
        """The published round once it is by these settings: `strategy` is its name, the others are levers."""

        def found() -> Snapshot | None:
            snapshot = self.stack.snapshot(self.project)
            made = snapshot.round if snapshot is not None else None
            said = {**made.levers, "strategy": made.strategy.partition("@")[0]} if made is not None else {}
            return snapshot if all(said.get(name) == value for name, value in wanted.items()) else None

        snapshot = until(found, what=f"a round by {wanted}", every=LOOK_S)
        assert snapshot is not None
        return snapshot

    def serves(self, annotator: int) -> int:
        """The task that Label Studio serves the annotator next, who answers it: the next call brings another one."""
        task = self.asked(annotator)
        with closing(LabelStudio(self.house.studio.url, self.house.tokens[annotator])) as client:
            self.stack.label(client, task)
        known = int(task["id"])
        until(lambda: self._has(annotator, known), what="the label in the ledger", every=0.2)
        return known

    def asked(self, annotator: int) -> dict[str, Any]:
        """What Label Studio serves the annotator, by LabelCue's order; it serves it again until it is answered."""

        def ours() -> dict[str, Any] | None:
            task = asked(self.house, self.house.tokens[annotator], self.project)
            return task if task["queue"] == OURS else None

        task = until(ours, what="a task by LabelCue's order", every=0.5)
        assert task is not None
        return task

    def _has(self, annotator: int, task: int) -> bool:
        with closing(LabelStudio(self.house.studio.url, self.house.tokens[annotator])) as client:
            me = client.whoami()["id"]
        given = self.stack.fold(self.project).of_task(TaskId(task))
        return any(one.user == me and not one.cancelled for one in given)

    def stand(self, **settings: Any) -> None:
        """Let these settings stand, all others as they were before anybody saved any."""
        body = {"settings": {**QueueSettings().model_dump(), **settings}, "if_version": len(self.versions())}
        self.call("PUT", "settings", {**body, "by": "setup"})
        self.follows(**{"strategy": "herding", "audit": QueueSettings().audit, "classes": {}, "slices": {}, **settings})

    def call(self, method: str, what: str, body: dict[str, Any]) -> None:
        """One call of the REST API."""
        pair = (self.stack.settings.basic_user, self.password)
        address = f"{self.address}/api/projects/{self.project}/{what}"
        answer = httpx.request(method, address, json=body, auth=pair, headers={"LabelCue-Protocol": "1"}, timeout=60)
        assert answer.is_success, answer.text

    def study(self) -> None:
        """Let the process that the learner would start work out what admins read."""
        words = ["insights", "--project", str(self.project), "--home", str(self.stack.home.root)]
        done = subprocess.run(command(*words), capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr


def run_of_mails(house: House, size: Size, title: str = "Mails of a test") -> Run:
    """Connected, labelled, enlarged by a later import, and studied."""
    run = Run(house, house.stack.connected_project(size.mails, title=title))
    run.stand(audit=size.audit_share)
    given = _labels(run, size)
    _seconds(run, given[: size.seconds])
    texts = list(ANSWERS)[size.mails : size.mails + size.later]
    late = house.stack.ls.import_tasks(run.project, [{"data": {"text": text, FIELD: SLICE}} for text in texts])
    run.late = frozenset(late)
    until(lambda: run.late <= set(house.stack.queue(run.project)), what="the later mails in the queue")
    until(lambda: read_facets(house.stack.home.facets(run.project))[0].get(FIELD), what="the field to slice by")
    run.stand()
    run.settled()
    run.study()
    return run


def _labels(run: Run, size: Size) -> list[int]:
    """The tasks, in the queue's order, of which one annotator labels so many audits and so many others."""
    wanted, given = {True: size.audits, False: size.learned}, list[int]()
    with closing(LabelStudio(run.house.studio.url, run.house.tokens[0])) as client:
        while any(wanted.values()):
            snapshot, few, before = run.settled(), size.batch, len(given)
            for task in map(int, snapshot.order):
                audit = snapshot.is_audit(TaskId(task))
                if not wanted[audit] or not few:
                    continue
                wanted[audit], few = wanted[audit] - 1, few - 1
                given.append(task)
                client.annotate(task, choice(SPEC, _answer(run, task, wrong=len(given) % size.wrong == 0)))
            assert len(given) > before, f"the queue has none of {wanted}"
            until(lambda: set(given) <= run.answered(), what="all labels in the ledger", every=0.2)
    snapshot = run.settled()
    assert (snapshot.held_out, snapshot.labelled) == (size.audits, size.learned)
    return given


def _seconds(run: Run, tasks: Sequence[int]) -> None:
    """Another annotator labels them too, and is right."""
    with closing(LabelStudio(run.house.studio.url, run.house.tokens[1])) as client:
        for task in tasks:
            client.annotate(task, choice(SPEC, _answer(run, task)))
    until(
        lambda: all(run.stack.fold(run.project).annotators(TaskId(task)) == 2 for task in tasks),
        what="the seconds",
        every=0.2,
    )


def _answer(run: Run, task: int, wrong: bool = False) -> str:
    right = ANSWERS[run.house.studio_get(f"/api/tasks/{task}")["data"]["text"]]
    return next(one for one in SPEC.classes if one != right) if wrong else right
