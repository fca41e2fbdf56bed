"""Simulated annotators: each a Label Studio account of its own, working through its next-task and annotation API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from labelcue.errors import LabelStudioError
from labelcue.labelstudio.client import LabelStudio
from labelcue.types import Json, Label, TaskSpec

PACE_S = 1.0
"""Seconds that one annotator looks at a mail, on average."""


@dataclass(frozen=True)
class Served:
    """One task that Label Studio served to a simulated annotator, and what he made of it."""

    task: int
    text: str
    label: Label
    email: str
    at: float
    """Unix seconds of the submission."""
    queue: str
    """Label Studio's words for where the task came from."""
    next_s: float
    """Seconds that Label Studio took to serve it."""
    submit_s: float
    """Seconds that Label Studio took to store the annotation, our webhook included."""


@dataclass
class Simulation:
    """A few annotators with known answers in one project."""

    client: Callable[[str], LabelStudio]
    """Label Studio as the user of a token sees it."""
    project: int
    spec: TaskSpec
    answers: Mapping[str, Label]
    """The right label by the task's text."""
    pace_s: float = PACE_S
    served: list[Served] = field(default_factory=list)
    """In the order of submission."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _left: int = 0

    def run(self, tokens: Mapping[str, str], labels: int, on_label: Callable[[int], None]) -> list[Served]:
        """`labels` labels in all by annotators {email: token} at the same time; fewer where the tasks run out.

        `on_label` hears how many there are. Raises LabelStudioError and its kinds.
        """
        self._left = labels
        with ThreadPoolExecutor(len(tokens), thread_name_prefix="annotator") as pool:
            jobs = [
                pool.submit(self._work, email, token, number, on_label)
                for number, (email, token) in enumerate(tokens.items())
            ]
            try:
                for job in jobs:
                    job.result()
            finally:
                self._stop.set()
        return self.served

    def _work(self, email: str, token: str, number: int, on_label: Callable[[int], None]) -> None:
        rng = np.random.default_rng([number, len(self.answers)])
        try:
            with closing(self.client(token)) as ls:
                while self._take() and self._label_one(ls, email, rng, on_label):
                    pass
        except BaseException:
            self._stop.set()
            raise

    def _take(self) -> bool:
        """One of the labels that are still to be made."""
        with self._lock:
            self._left -= 1
            return self._left >= 0 and not self._stop.is_set()

    def _label_one(
        self, ls: LabelStudio, email: str, rng: np.random.Generator, on_label: Callable[[int], None]
    ) -> bool:
        """False where nothing is left or we are to stop."""
        with self._asking:  # on SQLite, Label Studio gives one task to two who ask in the same moment
            started = time.perf_counter()
            task = ls.next_task(self.project)
            next_s = time.perf_counter() - started
        look = self.pace_s * rng.uniform(0.5, 1.5)
        if task is None or self._stop.wait(look):
            return False
        text = str(task["data"][self.spec.field])
        label = self._answer(text)
        started = time.perf_counter()
        ls.annotate(int(task["id"]), choice(self.spec, label), lead_time=round(look, 2))
        submit_s = time.perf_counter() - started
        with self._lock:
            words = str(task.get("queue", ""))
            self.served.append(Served(int(task["id"]), text, label, email, time.time(), words, next_s, submit_s))
            on_label(len(self.served))
        return True

    def _answer(self, text: str) -> Label:
        try:
            return self.answers[text]
        except KeyError:
            raise LabelStudioError(
                f"A task of project {self.project} is none of the demo's own.",
                "Simulated annotators know the answers of the demo's own project alone.",
            ) from None


def choice(spec: TaskSpec, label: Label) -> Sequence[Mapping[str, Json]]:
    """An annotation's result: one class chosen."""
    value = {"choices": [label]}
    return [{"from_name": spec.from_name, "to_name": spec.to_name, "type": "choices", "value": value}]
