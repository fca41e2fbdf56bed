"""What the model of the published round says of every task."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from labelcue.exports.labelled import Row
from labelcue.store.snapshot import Snapshot


def predictions(snapshot: Snapshot) -> Iterator[Row]:
    """One row a task, by ascending id: predicted label, its calibrated probability, all probabilities, uncertainty
    (1 - (p1 - p2)), novelty, place in the queue (None: not in it), version. Nothing is predicted before a training."""
    scores = snapshot.probabilities.astype(np.float64)
    width = scores.shape[1]
    top = -np.sort(-np.pad(scores, ((0, 0), (0, max(0, 2 - width)))), axis=1)[:, :2]
    best = scores.argmax(axis=1) if width else np.zeros(len(scores), dtype=np.int64)
    for place, task in enumerate(snapshot.ids.tolist()):
        known = snapshot.trained and width > 0
        rank = int(snapshot.rank[place])
        yield {
            "task": task,
            "label": snapshot.classes[int(best[place])] if known else None,
            "confidence": round(float(top[place, 0]), 6) if known else None,
            "uncertainty": round(float(1 - (top[place, 0] - top[place, 1])), 6) if known else 1.0,
            "novelty": round(float(snapshot.novelty[place]), 6),
            "rank": rank if rank >= 0 else None,
            "probabilities": _named(snapshot.classes, scores[place]) if known else {},
            "version": snapshot.version,
        }


def _named(classes: tuple[str, ...], scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, float]:
    return {name: round(float(score), 6) for name, score in zip(classes, scores, strict=True)}
