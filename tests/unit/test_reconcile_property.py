"""Whatever people do in Label Studio and however its webhooks are lost: after one poll the ledger is equal."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labelstudio_double import PROJECT, XML, choice
from reconcile_house import House

ACTIONS = (
    *["annotate"] * 6,
    *["update"] * 3,
    *["skip"] * 2,
    *["unannotate"] * 3,
    *["import"] * 2,
    "import labelled",
    "edit",
    "delete tasks",
    "merge",
    "crash",
    "config",
    *["webhooks"] * 4,
    *["poll"] * 2,
    "hour",
)
step = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 7), st.integers(1, 4))


def act(house: House, action: str, pick: int, user: int) -> None:
    ls = house.ls
    tasks, annotations = sorted(ls.task_rows), sorted(ls.annotation_rows)
    task = tasks[pick % len(tasks)] if tasks else None
    annotation = annotations[pick % len(annotations)] if annotations else None
    label = ("ham", "spam")[pick % 2]
    if action == "import":
        ls.import_tasks([{"text": f"mail {number}"} for number in range(1 + pick % 3)])
    elif action == "import labelled":
        ls.import_tasks([{"text": "a"}, {"text": "b"}], [label, None])
    elif action == "config":
        ls.update_project(PROJECT, label_config=XML.replace("ham", f"ham{pick}"))
    elif action == "hour":
        house.clock.now += 4000
    elif task is not None and action in ("annotate", "skip"):
        ls.annotate(task, choice(label), user, was_cancelled=action == "skip")
    elif task is not None and action == "edit":
        ls.edit_task(task, {"text": f"edited {pick}"})
    elif task is not None and action == "delete tasks":
        ls.delete_tasks(tasks[pick % len(tasks) :][:user])
    elif action == "merge" and len(tasks) > 1:
        ls.move_annotations(tasks[-1], tasks[0])
    elif annotation is not None and action == "update":
        ls.update_annotation(annotation, choice(label), was_cancelled=user == 4)
    elif annotation is not None and action in ("unannotate", "crash"):
        ls.delete_annotation(annotation, bump=action == "unannotate")


def deliver_badly(house: House, rng: random.Random) -> None:
    """Three in ten are dropped, doubled or kept back until later ones have arrived."""
    waiting, house.ls.sent = house.ls.sent, []
    late: list[bytes] = []
    for raw in waiting:
        fate = rng.random()
        if fate < 0.1:
            continue
        if fate < 0.2:
            late.append(raw)
            continue
        for _ in range(2 if fate < 0.3 else 1):
            house.deliver(raw)
    rng.shuffle(late)
    for raw in late:
        house.deliver(raw)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(step, min_size=10, max_size=60), st.integers(0, 10_000), st.booleans())
def test_after_one_poll_the_ledger_is_equal(steps: list[Any], seed: int, reuse_ids: bool) -> None:
    house, rng = House(), random.Random(seed)
    house.ls.reuse_ids = reuse_ids
    house.ls.import_tasks([{"text": f"first {number}"} for number in range(3)])
    for action, pick, user in steps:
        if action == "webhooks":
            deliver_badly(house, rng)
        elif action == "poll":
            house.reconciler.poll()
            house.assert_equal()
        else:
            act(house, action, pick, user)
    deliver_badly(house, rng)
    house.reconciler.poll()
    house.assert_equal()
