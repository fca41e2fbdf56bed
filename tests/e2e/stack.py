"""LabelCue as the tests run it: service and learner as processes of their own, beside a real Label Studio."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import httpx
from places import kept_port
from pydantic import SecretStr

from labelcue import connect as connecting
from labelcue.data import load_mails
from labelcue.delivery.record import FrontierRecord
from labelcue.demo.accounts import Account
from labelcue.demo.children import Background
from labelcue.demo.project import label_config
from labelcue.demo.simulate import choice
from labelcue.errors import StoreError
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.config import parse_config
from labelcue.rounds import QUIET
from labelcue.settings import load_settings
from labelcue.setup import write_secrets
from labelcue.store import open_ledger
from labelcue.store.fold import Fold, fold
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import read_snapshot
from labelcue.store.status import read_status
from labelcue.supervisor import command
from waiting import until

Part = Literal["service", "learner"]
PARTS: tuple[Part, Part] = ("service", "learner")
ADMIN = Account(email="admin@labelcue.local", password=SecretStr("labelcue-tests"), token=SecretStr("a" * 40))
FRONTIER = 48
"""Smaller than the pools, so that it has to be rotated."""
DEMO = label_config()
SPEC = parse_config(DEMO)
LOOK_S = 0.05
"""Between two looks at the published files: who looks all the time takes a core from those who write them."""
BUSY_MS = 30_000
"""How long a write waits for the ledger: a loaded machine may take a process off its core while it has the lock."""
ANSWERS = {mail.text: mail.label for mail in load_mails()}


class Stack:
    """One home, one service, one learner."""

    def __init__(
        self, studio_url: str, token: str, home: Path, port: int = 0, frontier: int = FRONTIER, reconcile_s: int = 1
    ) -> None:
        write_secrets(load_settings({"home": home}))
        self._cleanup = ExitStack()
        port = port or self._cleanup.enter_context(kept_port())
        self.settings = load_settings({"home": home, "port": port, "url": f"http://127.0.0.1:{port}"})
        self.home = Home(home)
        self.token = token
        self.studio_url = studio_url
        self.ls = LabelStudio(studio_url, token)
        self._frontier, self._reconcile_s = frontier, reconcile_s
        self._parts = {part: self._background(part) for part in PARTS}

    def _background(self, part: Part) -> Background:
        flags = [
            "--home",
            str(self.home.root),
            "--port",
            str(self.settings.port),
            "--reconcile-s",
            str(self._reconcile_s),
        ]
        flags += ["--frontier", str(self._frontier), "--busy-ms", str(BUSY_MS)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "LABELCUE_INSIGHTS_S": "0"}
        return Background(
            part, command("serve", "--only", part, *flags), self.home.root, str(self.home.root), environment
        )

    # Processes

    def start(self, *parts: Part) -> None:
        """Start these parts, or both; the service answers when this returns."""
        for part in parts or PARTS:
            self._parts[part].start()
        if "service" in (parts or PARTS):
            until(self._healthy, what="the service's health")

    def stop(self, *parts: Part) -> None:
        """End these parts, or both, as an operator would."""
        for part in parts or PARTS:
            self._parts[part].stop()

    @contextmanager
    def without(self, part: Part) -> Iterator[None]:
        """The part is ended, and begins again whatever becomes of the test."""
        self.stop(part)
        try:
            yield
        finally:
            self.start(part)

    def kill(self, *parts: Part) -> None:
        """kill -9, which no program can prepare for."""
        for part in parts or PARTS:
            os.killpg(self._parts[part].pid, signal.SIGKILL)
        self.stop(*parts)

    @contextmanager
    def held_still(self, part: Part) -> Iterator[None]:
        """The process exists and does nothing; the ledger, which others write, is not locked by it."""
        group = self._parts[part].pid
        until(lambda: self._stopped(group), what=f"a moment at which the {part} holds no lock")
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def _stopped(self, group: int) -> bool:
        os.killpg(group, signal.SIGSTOP)
        with closing(sqlite3.connect(self.home.root / "ledger.sqlite3", timeout=5, isolation_level=None)) as ledger:
            try:
                ledger.execute("BEGIN IMMEDIATE")
                ledger.execute("ROLLBACK")
            except sqlite3.OperationalError:
                os.killpg(group, signal.SIGCONT)
                return False
        return True

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.ls.close()
        self._cleanup.close()

    def _healthy(self) -> bool:
        self._parts["service"].check()
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.settings.base_url}/health", timeout=2).is_success
        return False

    # Projects

    def connected_project(
        self,
        mails: int,
        pre_annotation: Literal["off", "on"] = "off",
        xml: str = DEMO,
        also: Mapping[str, str] = MappingProxyType({}),
        title: str = "Mails of a test",
    ) -> int:
        """A new project of so many mails, connected, embedded, and with its first frontier in Label Studio.

        `also`: what each task has beside its mail.
        """
        project = int(self.ls.create_project(title, xml)["id"])
        self.ls.import_tasks(project, [{"data": {"text": text, **also}} for text in list(ANSWERS)[:mails]])
        connecting.connect(
            self.ls,
            self.home,
            self.settings,
            project,
            token=SecretStr(self.token),
            embedder="minilm",
            pre_annotation=pre_annotation,
            on_step=lambda _words: None,
        )
        until(lambda: self._delivered(project, mails), 300, "the first frontier of all tasks", LOOK_S)
        return project

    def _delivered(self, project: int, mails: int) -> bool:
        words, snapshot = read_status(self.home.status(project)), self.snapshot(project)
        if snapshot is None or len(snapshot.ids) != mails or not (words.get("delivery") or {}).get("version"):
            return False
        served = self.served_frontier(project)
        return served == snapshot.order[: len(served)].tolist() and is_current(self.settings.store_url, snapshot)

    def label(self, client: LabelStudio, task: dict[str, Any]) -> dict[str, Any]:
        """Give the right answer, as the client's user."""
        return client.annotate(int(task["id"]), choice(SPEC, ANSWERS[task["data"]["text"]]))

    # What LabelCue knows

    def status(self, project: int) -> dict[str, Any]:
        """The learner's words."""
        return read_status(self.home.status(project))

    def snapshot(self, project: int) -> Snapshot | None:
        """The published snapshot."""
        with suppress(StoreError):
            path = self.home.snapshot(project)
            return read_snapshot(path) if path.exists() else None
        return None

    def queue(self, project: int) -> list[int]:
        """The published order."""
        snapshot = self.snapshot(project)
        return [] if snapshot is None else [int(task) for task in snapshot.order]

    def labelled(self, project: int) -> int:
        """Tasks with a label in the published round."""
        snapshot = self.snapshot(project)
        return 0 if snapshot is None else snapshot.labels

    def settled(self, project: int, labels: int) -> Snapshot:
        """The snapshot of a round that knows every event, when it has so many labels."""

        def found() -> Snapshot | None:
            snapshot = self.snapshot(project)
            current = snapshot is not None and is_current(self.settings.store_url, snapshot)
            return snapshot if current and snapshot is not None and snapshot.labels == labels else None

        snapshot = until(found, what=f"a round with {labels} labels", every=LOOK_S)
        assert snapshot is not None
        return snapshot

    def fold(self, project: int) -> Fold:
        """What the ledger says."""
        ledger = open_ledger(self.settings.store_url)
        try:
            return fold(ledger.read(project))
        finally:
            ledger.close()

    def frontiers(self, project: int) -> list[dict[str, Any]]:
        """The record of delivered frontiers."""
        return FrontierRecord(self.home.project(project) / "frontiers.jsonl").lines()

    def served_frontier(self, project: int) -> list[int]:
        """The ids of the frontier that Label Studio serves now, in order."""
        lines = self.frontiers(project)
        serving = next((line["version"] for line in reversed(lines) if "serving" in line), None)
        return next((line["ids"] for line in reversed(lines) if line["version"] == serving and "ids" in line), [])


def is_current(store_url: str, snapshot: Snapshot) -> bool:
    """Whether the round knows every event that is news for one, so that no other round follows it by itself."""
    with closing(open_ledger(store_url)) as ledger:
        later = ledger.read(snapshot.round.project, after=snapshot.round.position)
        return all(event.kind in QUIET for event in later)
