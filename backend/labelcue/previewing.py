"""The learner's answer to what other settings would do: their first places, ranked on a copy that changes nothing."""

from __future__ import annotations

from collections import Counter

from labelcue.errors import LabelCueError
from labelcue.queueing.comparing import Comparison, Question, Seat, Side
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.store.snapshot import Snapshot
from labelcue.types import Ranked, TaskId


def compare(rounds: Rounds, question: Question) -> Comparison:
    """Both queues side by side; what cannot be ranked is said in the answer. Costs two rounds."""
    try:
        (name_a, a), (name_b, b) = (rounds.preview(one, question.places) for one in (question.a, question.b))
    except LabelCueError as error:
        return Comparison(a=None, b=None, overlap=0, error=str(error))
    shared = {one.id for one in a} & {one.id for one in b}
    return Comparison(
        a=_side(rounds, question.a, name_a, a, shared),
        b=_side(rounds, question.b, name_b, b, shared),
        overlap=len(shared),
        error="",
    )


def _side(rounds: Rounds, settings: QueueSettings, strategy: str, ranked: list[Ranked], shared: set[TaskId]) -> Side:
    snapshot, of = rounds.snapshot, rounds.fold.facets.of(settings.slice_field)
    seats = [_seat(snapshot, one, of.get(one.id, ""), one.id in shared) for one in ranked] if snapshot else []
    return Side(
        settings=settings,
        strategy=strategy,
        places=seats,
        classes=dict(Counter(one.label for one in seats if one.label is not None).most_common()),
        slices=dict(Counter(one.slice for one in seats if one.slice).most_common()),
    )


def _seat(snapshot: Snapshot, one: Ranked, slice_: str, shared: bool) -> Seat:
    standing = snapshot.of(one.id)
    return Seat(
        task=one.id,
        label=standing.label if standing is not None else None,
        confidence=standing.confidence if standing is not None else 0.0,
        uncertainty=one.uncertainty,
        novelty=one.novelty,
        slice=slice_,
        reason=one.reason,
        shared=shared,
    )
