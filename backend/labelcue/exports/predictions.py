"""What the model of the published round says of every task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from labelcue.exports.labelled import Row
from labelcue.store.snapshot import Snapshot


def predictions(snapshot: Snapshot) -> Iterator[Row]:
    """One row a task, by ascending id: what is predicted and how surely (for classes the calibrated probability), all
    probabilities (of numbers: mean and deviation), uncertainty, novelty, place in the queue (None: not in it), version.
    Nothing is predicted before a training."""
    kind, doubt = snapshot.labels_are, snapshot.doubt(np.arange(len(snapshot.ids)))
    for place, task in enumerate(snapshot.ids.tolist()):
        said = snapshot.said(place)
        guess = kind.guess(snapshot.classes, said) if snapshot.trained and len(said) else None
        rank = int(snapshot.rank[place])
        yield {
            "task": task,
            "label": kind.pack(guess[0]) if guess else None,
            "confidence": round(guess[1], 6) if guess else None,
            "uncertainty": round(float(doubt[place]), 6) if guess else 1.0,
            "novelty": round(float(snapshot.novelty[place]), 6),
            "rank": rank if rank >= 0 else None,
            "probabilities": _rounded(kind.titled(snapshot.classes, said)) if guess else {},
            "version": snapshot.version,
        }


def _rounded(titled: Mapping[str, float]) -> dict[str, float]:
    return {title: round(one, 6) for title, one in titled.items()}
