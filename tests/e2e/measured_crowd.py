"""Many annotators at a time: what each was served, when, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import httpx
from measured_place import Place
from stack import SPEC

from labelcue.demo.simulate import choice
from labelcue.labelstudio.client import LabelStudio
from waiting import until

TIMEOUT = 120.0
OURS = "LabelCue queue"
"""What Label Studio's answer calls the choice where LabelCue made it."""


@dataclass(frozen=True)
class Served:
    """One answer to 'next task'."""

    task: int
    queue: str
    at: float
    """Monotonic seconds when it came."""
    seconds: float


@dataclass
class Crowd:
    """What the annotators of one run met with."""

    served: list[Served] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def duplicates(self) -> int:
        """Answers with a task that was served before."""
        return len(self.served) - len({one.task for one in self.served})

    def misplaced(self, published: Sequence[int]) -> int:
        """By how many places at most an answer came before or after its turn in the published order."""
        place = {task: number for number, task in enumerate(published)}
        order = [one.task for one in sorted(self.served, key=lambda one: one.at)]
        return max((abs(place.get(task, len(place)) - number) for number, task in enumerate(order)), default=0)


def at_work(
    urls: Sequence[str], tokens: Sequence[str], project: int, tasks: int, after: Callable[[int], None] = lambda _n: None
) -> Crowd:
    """All annotators ask and label until `tasks` were served; `after` hears how many are."""
    crowd, lock, began = Crowd(), Lock(), time.monotonic()
    left = iter(range(tasks))

    def work(number: int) -> None:
        url, headers = urls[number % len(urls)], {"Authorization": f"Token {tokens[number]}"}
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT) as client:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                found = _ask_and_label(client, project)
                with lock:
                    if isinstance(found, Served):
                        crowd.served.append(found)
                    else:
                        crowd.errors.append(found)
                after(len(crowd.served))

    with ThreadPoolExecutor(len(tokens)) as pool:
        list(pool.map(work, range(len(tokens))))
    crowd.seconds = time.monotonic() - began
    return crowd


def _ask_and_label(client: httpx.Client, project: int) -> Served | str:
    """What was served, or what an annotator would see instead."""
    began = time.monotonic()
    try:
        answer = client.get(f"/api/projects/{project}/next")
        if answer.status_code != 200:
            return f"{answer.status_code} to a next task"
        ended, task = time.monotonic(), answer.json()
        body: dict[str, Any] = {"result": list(choice(SPEC, SPEC.classes[int(task["id"]) % 2]))}
        labelled = client.post(f"/api/tasks/{task['id']}/annotations/", json=body)
        if labelled.status_code != 201:
            return f"{labelled.status_code} to a submit"
    except httpx.HTTPError as error:
        return type(error).__name__
    return Served(int(task["id"]), str(task["queue"]), ended, ended - began)


@dataclass(frozen=True)
class Outage:
    """What annotators met with while LabelCue was killed and started again."""

    crowd: Crowd
    without: int
    """Tasks that were served while it was dead."""
    recovery_s: float
    """From its first answer to the first task that it chose again."""


def outage(
    place: Place, tokens: Sequence[str], project: int, tasks: int, dead_s: float, after: Callable[[int], None]
) -> Outage:
    """Kill service and learner in the middle of the work, leave them dead, start them again."""
    died, back = [0.0], [0.0]

    def kill() -> None:
        until(lambda: counted[0] >= tasks // 4, timeout=600, what="the first quarter")
        died[0] = time.monotonic()
        place.stack.kill()
        time.sleep(dead_s)
        place.stack.start()
        back[0] = time.monotonic()

    counted = [0]

    def count(number: int) -> None:
        counted[0] = number
        after(number)

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill)
        crowd = at_work(place.urls, tokens, project, tasks, count)
        killer.result()
    again = [one.at for one in crowd.served if one.at > back[0] and one.queue == OURS]
    without = sum(died[0] < one.at < back[0] for one in crowd.served)
    return Outage(crowd, without, min(again, default=float("inf")) - back[0])


def one_by_one(place: Place, project: int, times: int, *, calm: bool) -> list[float]:
    """Milliseconds of each next task of one annotator, who labels all; `calm`: once LabelCue knows the last label."""
    found = []
    with closing(LabelStudio(place.urls[0], place.stack.token)) as client:
        for _ in range(times):
            known = place.labels(project) if calm else 0
            began = time.perf_counter()
            task: Any = client.next_task(project)
            found.append(1000 * (time.perf_counter() - began))
            client.annotate(int(task["id"]), choice(SPEC, SPEC.classes[int(task["id"]) % 2]))
            if calm:
                until(lambda known=known: place.labels(project) > known, 60, "the round with the label")  # type: ignore[misc]
    return found
