"""The plugin on PostgreSQL, with several server processes on one database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from places import kept_port
from plugged import PATIENT, House, act, asked, prepared, tasks_of
from postgres import programs, running
from stack import ADMIN, Stack

from labelcue.demo.studio import Studio
from labelcue.labelstudio.client import LabelStudio
from waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(programs() is None, reason="no PostgreSQL that this user may run is installed"),
]
PROCESSES = 2
ROUNDS = 6


@pytest.fixture
def houses(plugin_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[House]]:
    """The same stack and accounts behind each of several Label Studios."""
    folder = tmp_path_factory.mktemp("houses")
    with ExitStack() as cleanup:
        port = cleanup.enter_context(kept_port())
        home, environment = prepared(folder, port)
        environment |= PATIENT | cleanup.enter_context(running())
        studios = []
        for place in range(PROCESSES):
            studios.append(Studio(plugin_venv, folder / f"studio-{place}", ADMIN, extra=environment))
            cleanup.callback(studios[-1].stop)
            studios[-1].start(lambda _done, _total, _what: None)
        stack = Stack(studios[0].url, ADMIN.token.get_secret_value(), home, port)
        cleanup.callback(stack.close)
        stack.start()
        tokens = House.accounts(studios[0])
        yield [House(studio, stack, tokens) for studio in studios]


def test_several_processes_never_serve_the_same_task_twice(houses: list[House]) -> None:
    stack, tokens = houses[0].stack, houses[0].tokens
    project = stack.connected_project(len(tokens) * ROUNDS + 20)
    published = stack.queue(project)

    def work(number: int) -> list[tuple[int, str]]:
        served = []
        for turn in range(ROUNDS):
            house = houses[(number + turn) % len(houses)]
            task = asked(house, tokens[number], project)
            served.append((int(task["id"]), str(task["queue"])))
            with closing(LabelStudio(house.studio.url, tokens[number])) as client:
                stack.label(client, task)
        return served

    with ThreadPoolExecutor(len(tokens)) as pool, stack.held_still("learner"):
        served = [one for tasks in pool.map(work, range(len(tokens))) for one in tasks]
    ids = [task for task, _ in served]
    assert len(set(ids)) == len(ids) == len(tokens) * ROUNDS
    # Nothing but the queue was served, and of the queue nothing but its head.
    assert set(Counter(queue for _, queue in served)) <= {"LabelCue queue", "LabelCue's last queue"}
    assert sorted(ids) == sorted(published[: len(ids)])

    # What one process opens again the others serve, and to nobody who has labelled it.
    first = ids[:ROUNDS]
    stack.settled(project, len(ids))  # a webhook that was lost is found out
    until(lambda: any(task["cue_rank"] is not None for task in tasks_of(houses[0], project, [])), what="the mirror")
    answer = act(houses[0], project, "second_opinion", first)
    assert f"{ROUNDS} wait for one more annotator now" in answer.text
    others = [asked(houses[place % len(houses)], token, project) for place, token in enumerate(tokens[1:], 1)]
    told = [(int(task["id"]), str(task["queue"])) for task in others]
    # A process that has just had trouble with LabelCue serves the last order for some seconds, and says so.
    seconds = [task for task, queue in told if queue == "LabelCue queue" and task in first]
    last = [task for task, queue in told if "last queue" in queue]
    assert len(set(seconds)) == len(seconds) >= ROUNDS - len(last), (told, first)
    assert asked(houses[-1], tokens[0], project)["id"] not in first
