"""What a round leaves behind, and how it is found again: the snapshot, and draws that go into the ledger before it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import structlog

from labelcue.engine import Cue, Outcome
from labelcue.errors import Corrupt, NotFound
from labelcue.store.fold import Fold
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import read_snapshot
from labelcue.types import Event, Kind, Round, TaskId, TaskSpec

log = structlog.get_logger(__name__)
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


def published(path: Path, records: Sequence[Round], rows: int) -> Snapshot | None:
    """The snapshot on disk, if it is whole and one of these records made it of vectors that are there: `rows`."""
    try:
        snapshot = read_snapshot(path)
    except NotFound:
        return None
    except Corrupt as error:
        log.warning("snapshot refused, replaying the rounds instead", project=records[-1].project, error=str(error))
        return None
    made_by = {record.number: record for record in records}.get(snapshot.round.number)
    return snapshot if made_by == snapshot.round and snapshot.round.rows <= rows else None


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
