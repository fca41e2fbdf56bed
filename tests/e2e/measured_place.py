"""Where the next task is measured: a Label Studio in a folder of its own, its projects, and LabelCue beside it.

The projects' vectors are drawn, not embedded: what is measured is serving, and a pool of any size is ready in seconds.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from plugged import plugged_venv, prepared
from pydantic import SecretStr
from stack import ADMIN, Stack

from labelcue import connect as connecting
from labelcue.demo.ports import free_port
from labelcue.demo.project import label_config
from labelcue.demo.studio import Studio
from labelcue.labelstudio.items import task_event
from labelcue.store import open_ledger
from waiting import until

Say = Callable[[str], None]
CHUNK = 20_000
"""Tasks of one import."""
DIM, CLUSTERS = 64, 50
FRONTIER = 200
CROWDED = "everything-scored"
"""The model version of predictions that are written into the database."""
PASSWORD = "labelcue-measured"
PATIENCE_S = 3600.0


class Place:
    """Label Studio, `processes` of it on one database, stock or with the plugin; service and learner."""

    def __init__(
        self, studio_venv: Path, folder: Path, say: Say, processes: int = 1, database: Mapping[str, str] | None = None
    ) -> None:
        """`folder` may be one that an earlier run left; `database` is Label Studio's environment for PostgreSQL."""
        self._say = say
        self._folder = folder
        self._state = folder / "state.json"
        self._known: dict[str, Any] = json.loads(self._state.read_text()) if self._state.exists() else {}
        port = int(self._known.setdefault("port", free_port(0)))
        home, self._switch = prepared(folder, port)
        shutil.rmtree(folder / "venv", ignore_errors=True)  # of another version of the plugin
        self._venvs = {"stock": studio_venv, "plugin": plugged_venv(studio_venv, folder / "venv")}
        self._database = dict(database or {})
        self._ports = [int(one) for one in self._known.setdefault("studios", [0] * processes)]
        self._running: list[Studio] = []
        self._way = ""
        self._home, self._port = home, port
        self._stack: Stack | None = None
        self._since = 0.0
        """Unix seconds when the learner started last."""
        if self._base.exists():
            self._take_out_scored()  # an earlier run may have been killed

    @property
    def stack(self) -> Stack:
        """Service and learner, once Label Studio was started."""
        assert self._stack is not None
        return self._stack

    @property
    def urls(self) -> list[str]:
        """One a process of Label Studio."""
        return [studio.url for studio in self._running]

    def start(self, way: str) -> None:
        """Start Label Studio: `stock` or `plugin`. Service and learner start with the first."""
        self._say(f"starting Label Studio, {way}; the first time it makes its database, for a minute")
        self._way = way
        extra = {**self._database, **(self._switch if way == "plugin" else {})}
        for place, port in enumerate(self._ports):
            folder = self._folder / f"studio-{place}"
            studio = Studio(self._venvs[way], folder, ADMIN, port=port, extra=extra)
            self._running.append(studio)
            studio.start(lambda _done, _total, _what: None)
            self._ports[place] = studio.port  # LabelCue's connections know it by this
        self._keep(studios=self._ports)
        if self._stack is None:
            token = ADMIN.token.get_secret_value()
            self._stack = Stack(self.urls[0], token, self._home, self._port, frontier=FRONTIER)
            self._stack.start()
            self._since = time.time()

    def stop(self) -> None:
        """Stop Label Studio."""
        while self._running:
            self._running.pop().stop()

    def close(self) -> None:
        """Stop everything; the folder stays."""
        self.stop()
        if self._stack is not None:
            self._stack.close()

    def settled(self, project: int) -> None:
        """Wait until the learner knows the way, and has compared all with Label Studio, which keeps that busy."""
        self._say("waiting until the learner has looked at everything")

        def done() -> bool:
            said = self.stack.status(project).get("reconcile") or {}
            knows = self._words(project).get("by_plugin") == (self._way == "plugin")
            return knows and float(said.get("last_ok") or 0) > self._since

        patiently(done, "the comparison with Label Studio")

    def tokens(self, number: int) -> list[str]:
        """So many accounts, made where they are not there yet."""
        made = self._known.setdefault("tokens", [])
        for place in range(len(made), number):
            self._say(f"making account {place + 1} of {number}")
            account = self._running[0].sign_up(f"annotator-{place}@labelcue.local", PASSWORD)
            made.append(account.token.get_secret_value())
        self._keep(tokens=made)
        return list(made[:number])

    def project(self, tasks: int, name: str = "") -> int:
        """A connected project of so many tasks, all of them ranked and its first frontier delivered."""
        key = f"{name or 'project'}-{tasks}"
        if key not in self._known:
            self._keep(**{key: self._made_project(tasks, key)})
        project = int(self._known[key])
        patiently(lambda: self.stack.status(project).get("delivery"), "the learner")
        return project

    def _made_project(self, tasks: int, title: str) -> int:
        """Where an earlier run was broken off, this goes on with what it had imported."""
        ls, begun = self.stack.ls, f"begun {title}"
        if begun not in self._known:
            self._keep(**{begun: int(ls.create_project(title, label_config())["id"])})
        project = int(self._known[begun])
        for start in range(int(ls.project(project)["task_number"]), tasks, CHUNK):
            self._say(f"importing {tasks:,} tasks: {start:,}")
            ls.import_tasks(project, bodies(start, min(CHUNK, tasks - start)))
        ids = self._told_of_tasks(project)
        vectors = self._folder / f"vectors-{project}.npz"
        np.savez(vectors, ids=np.array(ids), vectors=drawn(len(ids)))
        self._say(f"connecting the project of {tasks:,} tasks, and waiting for its queue")
        connecting.connect(
            ls,
            self.stack.home,
            self.stack.settings,
            project,
            token=SecretStr(self.stack.token),
            embedder=f"precomputed:{vectors}",
            pre_annotation="off",
            on_step=lambda _words: None,
        )
        patiently(lambda: len(self.stack.queue(project)) >= tasks, "the queue of all tasks")
        patiently(lambda: self._words(project).get("version"), "the first frontier")
        return project

    def forget(self, project: int) -> None:
        """Disconnect and delete a project that nobody needs any more, so that it costs the next ones nothing."""
        self._say("deleting the project")
        connecting.disconnect(self.stack.ls, self.stack.home, self.stack.settings, project, on_step=lambda _words: None)
        self.stack.ls.delete_project(project)

    def _told_of_tasks(self, project: int) -> list[int]:
        """Put the tasks into the ledger as webhooks would have, so that the learner need not ask Label Studio for each.

        On PostgreSQL it asks: the projects there are small. The tasks' ids.
        """
        if self._database:
            return list(self.stack.ls.task_ids(project))
        ids: list[int] = []
        with (
            closing(sqlite3.connect(self._base)) as base,
            closing(open_ledger(self.stack.settings.store_url)) as ledger,
        ):
            rows = base.execute("SELECT id, data, updated_at FROM task WHERE project_id = ? ORDER BY id", (project,))
            while page := rows.fetchmany(CHUNK):
                told = [(task, json.loads(data), f"{at.replace(' ', 'T')}Z") for task, data, at in page]
                ledger.append(
                    [task_event(project, {"id": task, "data": data, "updated_at": at}) for task, data, at in told]
                )
                ids += [int(task) for task, _, _ in told]
        return ids

    @property
    def _base(self) -> Path:
        return self._folder / "studio-0" / "label-studio" / "label_studio.sqlite3"

    def _words(self, project: int) -> dict[str, Any]:
        return self.stack.status(project).get("delivery") or {}

    def labels(self, project: int) -> int:
        """Labelled tasks in the published round, as the service says."""
        headers = {"Authorization": f"Bearer {self.stack.settings.webhook_secret.get_secret_value()}"}
        address = f"{self.stack.settings.base_url}/api/projects/{project}"
        return int(httpx.get(address, headers=headers, timeout=30).raise_for_status().json()["labels"])

    @contextmanager
    def scored(self, project: int, number: int) -> Iterator[None]:
        """So many predictions in a stopped SQLite Label Studio, which serves by their scores; taken out afterwards."""
        with closing(sqlite3.connect(self._base)) as base, base:
            _copy_prediction(base, project, number)
            base.execute("UPDATE project SET model_version = ? WHERE id = ?", (CROWDED, project))
        try:
            yield
        finally:
            self._take_out_scored()

    def _take_out_scored(self) -> None:
        """The learner finds its frontier not served then, and delivers another."""
        with closing(sqlite3.connect(self._base)) as base, base:
            base.execute("DELETE FROM prediction WHERE model_version = ?", (CROWDED,))
            base.execute("UPDATE project SET model_version = '' WHERE model_version = ?", (CROWDED,))

    def _keep(self, **more: Any) -> None:
        self._known |= more
        self._state.write_text(json.dumps(self._known))


def patiently(condition: Callable[[], Any], what: str) -> None:
    """Wait for what takes a learner minutes, without taking its time from it."""

    def asked() -> Any:
        found = condition()
        if not found:
            time.sleep(0.5)
        return found

    until(asked, PATIENCE_S, what)


def _copy_prediction(base: sqlite3.Connection, project: int, number: int) -> None:
    """As many copies of one of LabelCue's predictions, on different tasks, with different scores."""
    columns = [str(row[1]) for row in base.execute("PRAGMA table_info(prediction)")]
    values = {name: f"p.{name}" for name in columns if name != "id"}
    values |= {"task_id": "t.id", "score": "(t.id % 9973) / 9973.0", "model_version": "?"}
    statement = (
        f"INSERT INTO prediction ({', '.join(values)}) SELECT {', '.join(values.values())} FROM task t, "
        "(SELECT * FROM prediction WHERE project_id = ? LIMIT 1) p WHERE t.project_id = ? LIMIT ?"
    )
    base.execute(statement, (CROWDED, project, project, number))


def bodies(start: int, number: int) -> list[dict[str, Any]]:
    """Tasks of a dozen words, all different."""
    rng = random.Random(start)
    words = [f"word{place}" for place in range(2000)]
    return [{"data": {"text": f"{start + place} " + " ".join(rng.choices(words, k=12))}} for place in range(number)]


def drawn(number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(number, DIM) float32 around CLUSTERS centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLUSTERS, DIM)).astype(np.float32)
    noise = rng.standard_normal((number, DIM)).astype(np.float32)
    found: np.ndarray[Any, np.dtype[np.float32]] = centres[np.arange(number) % CLUSTERS] + np.float32(0.5) * noise
    return found
