"""Simulated annotators, against a Label Studio that only hands out tasks."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from labelcue.demo.project import label_config
from labelcue.demo.report import remember
from labelcue.demo.simulate import Served, Simulation
from labelcue.errors import Corrupt, LabelStudioDown, LabelStudioError
from labelcue.labelstudio.config import parse_config

SPEC = parse_config(label_config())
TOKENS = {"ada@labelcue.local": "a", "ben@labelcue.local": "b"}


class FakeStudio:
    """Hands out every task once, and keeps what is submitted."""

    def __init__(self, tasks: int) -> None:
        self.tasks = deque({"id": number, "data": {"text": f"mail {number}"}, "queue": "q"} for number in range(tasks))
        self.submitted: dict[int, tuple[str, str]] = {}
        self.failing = False
        self.together = threading.Barrier(2)

    def client(self, token: str) -> Any:
        studio = self

        class Client:
            def next_task(self, project: int) -> dict[str, Any] | None:
                assert project == 3
                return studio.tasks.popleft() if studio.tasks else None

            def annotate(self, task: int, result: Any, lead_time: float) -> None:
                if studio.failing:
                    raise LabelStudioDown("No answer.")
                if len(studio.submitted) < 2:
                    studio.together.wait(timeout=120)  # both annotators hold a task at the same time
                [region] = result
                studio.submitted[task] = (token, region["value"]["choices"][0])

            def close(self) -> None:
                pass

        return Client()


def simulation(studio: FakeStudio, answers: int) -> Simulation:
    known = {f"mail {number}": "spam" if number % 3 else "ham" for number in range(answers)}
    return Simulation(studio.client, 3, SPEC, known, pace_s=0.001)


def test_two_annotators_make_exactly_so_many_labels_at_the_same_time() -> None:
    studio, heard = FakeStudio(50), []
    served = simulation(studio, 50).run(TOKENS, 21, heard.append)
    assert len(served) == len(studio.submitted) == len({one.task for one in served}) == 21
    assert heard == list(range(1, 22))
    assert {one.email for one in served} == set(TOKENS)
    assert all(studio.submitted[one.task] == (TOKENS[one.email], one.label) for one in served)
    assert all(one.label == ("spam" if one.task % 3 else "ham") for one in served)


def test_they_stop_when_the_tasks_run_out() -> None:
    assert len(simulation(FakeStudio(7), 7).run(TOKENS, 20, lambda _made: None)) == 7


def test_a_failure_ends_both_and_is_told() -> None:
    studio = FakeStudio(50)
    studio.failing = True
    with pytest.raises(LabelStudioDown):
        simulation(studio, 50).run(TOKENS, 20, lambda _made: None)


def test_a_task_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(LabelStudioError, match="none of the demo's own"):
        simulation(FakeStudio(5), 0).run(TOKENS, 5, lambda _made: None)


def test_labels_of_earlier_runs_are_remembered_in_their_order(tmp_path: Path) -> None:
    made = [Served(number, f"mail {number}", "ham", "ada", 0.0, "", 0.1, 0.1) for number in range(5)]
    assert remember(tmp_path, made[:2]) == made[:2]
    assert remember(tmp_path, made[2:]) == made
    (tmp_path / "simulated.json").write_text("[{}]")
    with pytest.raises(Corrupt):
        remember(tmp_path, [])
