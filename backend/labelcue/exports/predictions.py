"""What the model of the published round says of every task."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labelcue.exports.labelled import Row
from labelcue.store.snapshot import Snapshot
from labelcue.types import Floats


def predictions(snapshot: Snapshot) -> Iterator[Row]:
    """One row a task, by ascending id: what is predicted and how surely (for classes the calibrated probability), all
    probabilities (of numbers: mean and deviation), uncertainty, novelty, place in the queue (None: not in it), version.
    Nothing is predicted before a training."""
    kind, doubt = snapshot.labels_are, snapshot.doubt(np.arange(len(snapshot.ids)))
    names = snapshot.classes if kind.named else ("mean", "deviation")
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
            "probabilities": _named(names, _numbers(snapshot, said)) if guess else {},
            "version": snapshot.version,
        }


def _numbers(snapshot: Snapshot, said: Floats) -> NDArray[np.float64]:
    kind = snapshot.labels_are
    return (kind.of_classes(snapshot.classes, said) if kind.named else said).astype(np.float64)


def _named(names: tuple[str, ...], said: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(one), 6) for name, one in zip(names, said, strict=False)}
