"""Snapshots for tests of what comes after the learner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labelcue.store.snapshot import Snapshot
from labelcue.types import Round


def published(
    project: int,
    number: int,
    ids: Sequence[int],
    order: Sequence[int],
    *,
    confidence: float = 0.6,
    trained: bool = True,
    classes: tuple[str, str] = ("ham", "spam"),
    levers: Mapping[str, Any] | None = None,
) -> Snapshot:
    """Round `number` of a pool of `ids` with this queue; every task is of the first class with this confidence."""
    pool = np.array(sorted(ids), dtype=np.int64)
    rank = np.full(len(pool), -1, dtype=np.int64)
    rank[np.searchsorted(pool, np.asarray(order, dtype=np.int64))] = np.arange(len(order))
    flat = np.zeros(len(pool), dtype=np.float32)
    values: dict[str, Any] = {
        "round": Round(project, number, 0, len(pool), "tfidf-svd@1", "random", {}, 0, True, levers=levers or {}),
        "classes": classes,
        "trained": trained,
        "temperature": 1.0,
        "l2": 1.0,
        "share": 0.0,
        "fused": 1.0,
        "labelled": 0,
        "full_labels": 0,
        "config_sha": "",
        "ids": pool,
        "probabilities": np.tile(np.array([confidence, 1 - confidence], dtype=np.float32), (len(pool), 1)),
        "priority": flat,
        "novelty": flat,
        "rank": rank,
        "weights": np.zeros((2, 3), dtype=np.float32),
        "bias": np.zeros(2, dtype=np.float32),
        "cover": flat,
    }
    return Snapshot(**{name: values[name] for name in Snapshot.__dataclass_fields__ if name in values})
