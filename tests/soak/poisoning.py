"""One bad task never hurts a batch: good tasks among poisoned ones get the prediction that they always get."""

from __future__ import annotations

import json
import random
from typing import Any

from servicing import BASIC, XML, client_of, connect, publish
from soak.proving import Figure, Trial

GOOD = tuple(range(100, 120))
POISON: tuple[Any, ...] = (
    None,
    True,
    5,
    1e308,
    "text",
    [],
    {},
    {"id": None},
    {"id": -1, "data": {}},
    {"id": 10**30, "data": {"text": "x"}},
    {"id": "100", "data": {"text": "x"}},
    {"id": {"id": 100}, "data": []},
    {"id": 999, "data": None},
    {"id": 999, "data": {"text": None}},
    {"id": 999, "data": {"text": ["a", {"b": "c"}]}},
    {"id": 999, "data": {"text": "\ud800\x00\u202e" * 50}},
    {"id": 999, "data": {"text": "a" * 200_000}},
    {"id": 999, "data": {"text": "file:///etc/passwd"}},
    {"id": 999, "data": {"other": "x"}},
    json.loads('{"a":' * 200 + "1" + "}" * 200),
)


def bad_tasks_hurt_nobody(trial: Trial) -> Figure:
    """`amount` batches: one prediction a task in order, and each good task's as in a batch without poison."""
    connect(trial.folder)
    publish(trial.folder, list(GOOD))
    client, rng, whole, good = client_of(trial.folder, predict_embed_s=0.001), random.Random(trial.seed), 0, 0

    def ask(tasks: list[Any]) -> list[Any]:
        body = json.dumps({"project": "10.1", "tasks": tasks, "label_config": XML})
        answer = client.post("/predict", data=body, headers=BASIC, content_type="application/json")
        assert answer.status_code == 200, answer.get_data()[:300]
        results: list[Any] = answer.json["results"]
        return results

    clean = {task: ask([_task(task)])[0] for task in GOOD}
    assert all(one["result"] for one in clean.values())
    for number in range(trial.amount):
        chosen = [rng.choice(GOOD) if rng.random() < 0.5 else None for _ in range(rng.randint(1, 30))]
        tasks = [_task(task) if task is not None else rng.choice(POISON) for task in chosen]
        results = ask(tasks)
        wanted = [(place, task) for place, task in enumerate(chosen) if task is not None]
        whole += len(results) == len(tasks) and all(results[place] == clean[task] for place, task in wanted)
        good += len(wanted)
        trial.tell(number + 1)
    return Figure(whole == trial.amount, f"{whole:,} of {trial.amount:,} batches whole; {good:,} good tasks in them")


def _task(number: int) -> dict[str, Any]:
    return {"id": number, "data": {"text": f"mail {number}"}}
