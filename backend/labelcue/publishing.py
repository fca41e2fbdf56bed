"""What a round leaves behind: the snapshot that is published, and the draws that go into the ledger before it."""

from __future__ import annotations

import hashlib
from dataclasses import fields

import numpy as np

from labelcue.engine import Cue, Outcome
from labelcue.store.fold import Fold
from labelcue.store.snapshot import Snapshot
from labelcue.types import Event, Kind, Round, TaskId, TaskSpec

TOLD = 200
"""Places that are told with a reason: more than annotators use up between two rounds, for a few milliseconds."""


def snapshot_of(record: Round, cue: Cue, outcome: Outcome, spec: TaskSpec, head: int) -> Snapshot:
    """The round as it is published, with reasons for the first places of its head."""
    found = {field.name: getattr(outcome, field.name) for field in fields(Outcome)}
    places = cue.rank(min(head, TOLD))
    audits = sorted(int(task) for task, draw in cue.drawn.items() if draw.stream == "audit")
    chances = [np.nan if one.propensity is None else one.propensity for one in places]
    return Snapshot(
        round=record,
        config_sha=sha(spec.xml),
        held_out=len(cue.held_out),
        kind=cue.kind,
        audits=np.array(audits, dtype=np.int64),
        chances=np.array(chances, dtype=np.float32),
        reasons=tuple(one.reason for one in places),
        **found,
    )


def outcome_of(snapshot: Snapshot) -> Outcome:
    """The inverse: where the engine goes on from."""
    return Outcome(**{field.name: getattr(snapshot, field.name) for field in fields(Outcome)})


def draws_of(record: Round, cue: Cue, fold: Fold) -> list[Event]:
    """What the round drew by lot and the fold does not know yet."""
    events = []
    for task, draw in cue.drawn.items():
        known = fold.draw_of(TaskId(int(task)))
        if known is None or known.stream != draw.stream:
            body = {"task": int(task), **draw._asdict(), "round": record.number}
            events.append(Event(record.project, Kind.DRAW, f"draw:{task}:{record.number}", body))
    return events


def sha(text: str) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
