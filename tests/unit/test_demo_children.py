"""Programs beside us, with real processes."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labelcue.demo import children
from labelcue.demo.children import Background, Ended, command_lines, stop_leftovers
from labelcue.demo.ports import free_port
from waiting import until

SLEEP = "import signal; print('up', flush=True); signal.pause()"
FAMILY = (
    "import subprocess, sys, signal; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
    "print('up', flush=True); signal.pause()"
)
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Background]]:
    made: list[Background] = []
    yield made
    for one in made:
        one.stop()


def background(folder: Path, code: str, made: list[Background], mark: str = "") -> Background:
    one = Background("program", [sys.executable, "-c", code, str(folder)], folder, mark or str(folder), os.environ)
    made.append(one)
    return one


def test_stopping_ends_the_whole_group(tmp_path: Path, started: list[Background]) -> None:
    one = background(tmp_path, FAMILY, started)
    one.start()
    group = one.pid
    until(lambda: len(command_lines(group)) == 2)
    one.check()
    one.stop()
    assert command_lines(group) == []
    assert not (tmp_path / "program.pid").exists()


def test_the_pid_file_is_whole_as_soon_as_it_is_there(
    tmp_path: Path, started: list[Background], monkeypatch: pytest.MonkeyPatch
) -> None:
    appeared: list[str] = []
    replace = os.replace

    def seen(draft: str, path: Path) -> None:
        assert not path.exists()
        replace(draft, path)
        appeared.append(path.read_text())

    monkeypatch.setattr(os, "replace", seen)
    one = background(tmp_path, SLEEP, started)
    one.start()
    assert appeared == [str(one.pid)]


def test_what_does_not_listen_is_killed(
    tmp_path: Path, started: list[Background], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "STOP_S", 0.3)
    one = background(tmp_path, STUBBORN, started)
    one.start()
    group = one.pid
    until(lambda: "up" in one.words())
    one.stop()
    assert command_lines(group) == []


def test_an_early_end_is_told_with_the_logs_last_lines(tmp_path: Path, started: list[Background]) -> None:
    one = background(tmp_path, "print('no such table'); raise SystemExit(3)", started)
    one.start()
    with pytest.raises(Ended, match=r"status 3:\nno such table"):
        until(one.check)


def test_the_log_goes_on_and_only_the_new_words_count(tmp_path: Path, started: list[Background]) -> None:
    for _ in range(2):
        one = background(tmp_path, SLEEP, started)
        one.start()
        until(lambda one=one: one.words() == "up\n")  # type: ignore[misc]
        one.stop()
    assert one.log.read_text() == "up\nup\n"


def test_what_a_killed_run_left_is_ended_by_the_next_start(tmp_path: Path, started: list[Background]) -> None:
    orphan = background(tmp_path, SLEEP, started)
    orphan.start()
    until(lambda: "up" in orphan.words(), what="its command line: the system shows none in the moment of the start")
    group = orphan.pid
    successor = background(tmp_path, SLEEP, started)
    successor.start()
    assert command_lines(group) == []
    assert successor.pid != group


def test_all_leftovers_of_a_folder_are_ended_at_once(tmp_path: Path, started: list[Background]) -> None:
    orphan = background(tmp_path, SLEEP, started)
    orphan.start()
    until(lambda: "up" in orphan.words())
    stop_leftovers(tmp_path)
    assert command_lines(orphan.pid) == []
    assert not list(tmp_path.glob("*.pid"))


def test_another_program_with_the_same_number_is_left_alone(tmp_path: Path, started: list[Background]) -> None:
    stranger = background(tmp_path, SLEEP, started)
    stranger.start()
    ours = background(tmp_path, SLEEP, started, mark="/a/folder/of/ours")
    assert not ours.stop_leftover()
    stranger.check()
    with suppress(ProcessLookupError):
        os.killpg(stranger.pid, signal.SIGKILL)


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        taken = holder.getsockname()[1]
        assert free_port(taken) > taken
    assert free_port(0) > 0
