"""Order and repetition do not matter: events that are folded shuffled and doubled give the same state.

Ids that Label Studio gives a second time are left out: what lives again is told by its position in the ledger.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from labelcue.store.codec import REQUIRED
from labelcue.store.fold import fold
from labelcue.types import Event, Kind
from soak.proving import Figure, Trial

RESULT = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["pos"]}}]


def order_does_not_matter(trial: Trial) -> Figure:
    """`amount` stories of every kind of event, each folded as told, and shuffled with repetitions."""
    different, kinds = 0, set[Kind]()
    for number in range(trial.amount):
        rng = random.Random(f"{trial.seed} {number}")
        told = _story(rng)
        kinds |= {event.kind for event in told}
        different += fold(told) != fold(_again(told, rng))
        if number % 100 == 99:
            trial.tell(number + 1)
    words = f"{different} different of {trial.amount:,} stories, {len(kinds)} of {len(Kind)} kinds of event"
    return Figure(not different, words)


def _again(told: list[Event], rng: random.Random) -> list[Event]:
    """The same news in another order, some of it twice; each event keeps its place in the ledger."""
    again = [*told, *rng.sample(told, rng.randint(0, len(told)))]
    rng.shuffle(again)
    return again


def _story(rng: random.Random) -> list[Event]:
    """Up to forty events about few tasks, users and moments, so that they meet."""
    events = [_event(rng, rng.choice(list(Kind))) for _ in range(rng.randint(1, 40))]
    return [replace(one, position=place, key=f"{one.key}:{place}") for place, one in enumerate(events, 1)]


def _event(rng: random.Random, kind: Kind) -> Event:
    task, user, number = rng.randint(1, 4), rng.randint(1, 3), rng.randint(1, 6)
    at = f"2026-01-01T12:00:0{rng.randint(0, 3)}Z"
    key = f"{kind.value}:{number}:{at}:{rng.randint(0, 9)}"
    body: dict[str, Any] = {
        Kind.TASK: {"task": task, "data": {"text": key}, "updated_at": at},
        Kind.TASK_DELETED: {"task": task},
        Kind.ANNOTATION: {
            "annotation": number,
            "task": task,
            "user": user,
            "updated_at": at,
            "cancelled": rng.random() < 0.2,
            "result": RESULT,
        },
        Kind.ANNOTATION_DELETED: {"annotation": number},
        Kind.LABEL_CONFIG: {"label_config": f"<{key}/>", "updated_at": at},
        Kind.STRATEGY: {"name": "margin", "params": {}, "by": "a"},
        Kind.SETTINGS: {"version": number, "settings": {"strategy": "margin"}, "by": "a", "token": key},
        Kind.DRAW: {"task": task, "stream": "audit", "propensity": 0.5, "round": number},
        Kind.LEASE: {"task": task, "user": user, "expires": 100.0 + number},
        Kind.RELEASE: {"task": task, "user": user},
        Kind.SECOND_OPINION: {"task": task, "opinions": number, "by": user},
        Kind.MARK: {"name": key, "upto": 1, "sha256": "0" * 64, "rows": 0, "by": "a"},
    }.get(kind, dict.fromkeys(REQUIRED[kind], number) | {"task": task, "user": user})
    return Event(1, kind, key, body)
