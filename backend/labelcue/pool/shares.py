"""Whose share of the queue an item counts for, by its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.facts import Facts
from labelcue.pool.roster import ItemId
from labelcue.types import Answer, Floats, Ints, Label


def kinds(shares: Mapping[Label, float], classes: Sequence[Label], probabilities: Floats) -> Ints:
    """(n,) which of the classes with a share each row is predicted to be, the last number for none of them.

    `probabilities` (n, c) have a column for each of `classes`.
    """
    columns = np.full(probabilities.shape[1], len(shares), dtype=np.int64)
    number = {name: kind for kind, name in enumerate(shares)}
    for column, name in enumerate(classes):
        columns[column] = number.get(name, len(shares))
    return columns[probabilities.argmax(axis=1)] if len(columns) else np.zeros(len(probabilities), dtype=np.int64)


def said(shares: Mapping[Label, float], facts: Facts, items: Sequence[ItemId]) -> Ints:
    """(k,) the same of items by their label, -1 where there is none."""
    number: dict[Answer, int] = {name: kind for kind, name in enumerate(shares)}
    told = (list(facts.labels.get(item, {}).values()) for item in items)
    found = [number.get(max(answers, key=answers.count), len(shares)) if answers else -1 for answers in told]
    return np.array(found, dtype=np.int64)


def with_rest(shares: Mapping[str, float]) -> NDArray[np.float64]:
    """(k + 1,) the shares, and what they leave."""
    given = np.array([*shares.values(), 0.0])
    given[-1] = max(0.0, 1 - given.sum())
    return given
