"""`labelcue demo` as a person runs it: started, stopped, killed, started again, with ports taken, with simulation."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stack import ADMIN, ANSWERS, SPEC

from labelcue.demo.children import command_lines
from labelcue.demo.ports import free_port
from labelcue.demo.simulate import choice
from labelcue.demo.state import StateFile
from labelcue.labelstudio.client import LabelStudio
from labelcue.store.layout import Home
from labelcue.store.status import read_status
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MAILS = 60
RECONCILED_S = 300.0
"""A webhook that a busy machine loses is found out within a minute, by looking."""


class Run:
    """One process of the demo; the command line's options, on a pool of a few mails."""

    def __init__(self, home: Path, venv: Path, **options: Any) -> None:
        self.home = home
        self._out = home.parent / f"output-{len(list(home.parent.glob('output-*')))}"
        fields = {"home": home, "studio_venv": venv, "mails": MAILS, **options}
        code = (
            "import sys; from pathlib import Path, PosixPath; from labelcue.demo import DemoOptions, run; "
            f"sys.exit(run(DemoOptions(**{fields!r})))"
        )
        with self._out.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-c", code], stdout=out, stderr=subprocess.STDOUT)

    @property
    def words(self) -> str:
        return self._out.read_text()

    def ready(self) -> str:
        """Label Studio's address, once the demo has said that it is ready."""

        def address() -> str:
            assert self.process.poll() is None, self.words
            found = re.search(r"(http://[\d.:]+)/projects/\d+/data", self.words)
            return found[1] if found and "Stop" in self.words else ""

        return until(address, timeout=600, what="the demo")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=180)


@pytest.fixture
def home(tmp_path: Path, studio_template: Path) -> Path:
    """An earlier run has made Label Studio's database, and ended there."""
    home = tmp_path / "home"
    state = StateFile(home).open(studio_port=free_port(0), service_port=free_port(0), mails=MAILS)
    StateFile(home).change(state, admin=ADMIN)
    shutil.copytree(studio_template, home / "label-studio")
    return home


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    started: list[Run] = []
    yield started
    for run in started:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


def start(runs: list[Run], home: Path, venv: Path, **options: Any) -> Run:
    runs.append(Run(home, venv, **options))
    return runs[-1]


def groups(home: Path) -> list[int]:
    """The process groups that were started for this home."""
    return [int(path.read_text()) for path in home.glob("*.pid")]


def alive(groups: Sequence[int]) -> list[str]:
    """The command lines of all their processes."""
    return [line for group in groups for line in command_lines(group)]


def labelled(home: Path) -> int:
    project = StateFile(home).load().project
    return int((read_status(Home(home).status(project)).get("round") or {}).get("labelled", 0))


def label_one(url: str, home: Path) -> None:
    with closing(LabelStudio(url, ADMIN.token.get_secret_value())) as ls:
        task: Any = ls.next_task(StateFile(home).load().project)
        ls.annotate(int(task["id"]), choice(SPEC, ANSWERS[task["data"]["text"]]))


def test_it_stops_by_ctrl_c_and_resumes_with_its_data_on_other_ports(
    home: Path, studio_venv: Path, runs: list[Run]
) -> None:
    first = start(runs, home, studio_venv)
    url = first.ready()
    label_one(url, home)
    until(lambda: labelled(home) == 1, RECONCILED_S, "the first label")
    started = groups(home)
    assert len(started) == 2
    assert first.end(signal.SIGINT) == 0
    assert "Everything is kept" in first.words
    assert not alive(started)

    state = StateFile(home).load()
    studio_port, service_port = (int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", first.words)[:2])
    with socket.socket() as one, socket.socket() as other:
        for taken, port in ((one, studio_port), (other, service_port)):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen(1)
        second = start(runs, home, studio_venv)
        moved = second.ready()
        assert moved != url
        assert second.words.count("is taken") == 2
        label_one(moved, home)
        until(lambda: labelled(home) == 2, RECONCILED_S, "a label through the new ports")
        with closing(LabelStudio(moved, ADMIN.token.get_secret_value())) as ls:
            assert len(list(ls.task_ids(state.project))) == MAILS
            assert len(ls.backends(state.project)) == len(ls.webhooks(state.project)) == 1
        started = groups(home)
        assert second.end(signal.SIGTERM) == 0
    assert not alive(started)


def test_a_killed_demo_is_taken_up_again_and_a_second_one_is_refused(
    home: Path, studio_venv: Path, runs: list[Run]
) -> None:
    first = start(runs, home, studio_venv)
    label_one(first.ready(), home)
    until(lambda: labelled(home) == 1, RECONCILED_S, "the first label")
    first.end(signal.SIGKILL)
    orphans = groups(home)
    assert alive(orphans)

    second = start(runs, home, studio_venv)
    second.ready()
    assert not alive(orphans)
    until(lambda: labelled(home) == 1, RECONCILED_S, "the label of the killed run")
    third = start(runs, home, studio_venv)
    assert third.process.wait(timeout=180) != 0
    assert "is running in" in third.words
    started = groups(home)
    second.process.send_signal(signal.SIGINT)
    second.process.send_signal(signal.SIGINT)
    assert second.process.wait(timeout=180) == 0
    assert not alive(started)


def test_ctrl_c_in_the_middle_leaves_nothing_running_and_the_next_start_goes_on(
    home: Path, studio_venv: Path, runs: list[Run]
) -> None:
    early = start(runs, home, studio_venv)
    until((home / "label-studio.pid").exists, 300, "Label Studio's process")
    started = groups(home)
    assert early.end(signal.SIGINT) == 130
    assert not alive(started)
    start(runs, home, studio_venv).ready()


def test_simulated_annotators_and_their_learning_curve(home: Path, studio_venv: Path, runs: list[Run]) -> None:
    run = start(runs, home, studio_venv, simulate=20, exit_after=True)
    assert run.process.wait(timeout=900) == 0, run.words
    assert "Simulated:" in run.words
    assert not groups(home)
    figures = json.loads((home / "learning-curve.json").read_text())
    assert figures["labels"] == [10, 20]
    assert len(figures["tasks"]) == len(set(figures["tasks"])) == 20
    assert len(figures["annotators"]) == 2
    assert (home / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    assert labelled(home) == 20
    assert os.stat(home / "demo.json").st_mode & 0o777 == 0o600
