"""What can be exported, by whichever way it is asked: pages, REST or the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from labelcue.errors import BadRequest
from labelcue.exports.labelled import Row, disagreements, labelled, selected
from labelcue.exports.marks import Mark
from labelcue.exports.predictions import predictions
from labelcue.store.base import Ledger
from labelcue.store.snapshot import Snapshot

KINDS: Mapping[str, str] = {
    "labelled": "Every labelled task with its data, the label that most annotators gave, and each annotator's own.",
    "selected": "Every labelled task with how it was chosen: by the strategy or by lot, with its chance and its "
    "importance weight.",
    "disagreements": "The labelled tasks whose annotators differ.",
    "predictions": "What the model says of every task: label, calibrated probabilities, uncertainty, novelty, place in "
    "the queue.",
}
"""Name, and what it holds in a sentence."""
_MADE = {"labelled": labelled, "selected": selected, "disagreements": disagreements}


def rows_of(
    ledger: Ledger, project: int, what: str, mark: Mark | None, published: Callable[[], Snapshot]
) -> tuple[Iterator[Row], str]:
    """The rows of one of `KINDS`, and which version of them that is: a position of the ledger, or the model's version.

    With `mark`, of that named snapshot. Raises BadRequest where it cannot hold them, and what `published` raises.
    """
    if what != "predictions":
        upto = mark.upto if mark is not None else ledger.position(project)
        return _MADE[what](ledger, project, upto), str(upto)
    if mark is not None:
        raise BadRequest("A named snapshot holds labels and no predictions.", "Leave the snapshot out.")
    snapshot = published()
    return predictions(snapshot), snapshot.version
