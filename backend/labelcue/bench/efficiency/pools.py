"""The pools that a strategy meets: as the set is, or made harder. The test items never change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.errors import BadRequest
from labelcue.types import Bools, Floats, Ints

SHARE = 0.8
"""Of the set's pool, at random by the seed: what every strategy of that seed meets."""
RARE = 0.15
"""What is left of the classes that are cut."""
COPIED, COPIES = 0.1, 10
"""Share of the frequent items that are copied, and how many copies each gets."""
JITTER = 0.01
"""Length of the random vector that tells a copy from its original."""
WRONG, STRANGE = 0.05, 0.05
"""Shares of a noisy pool: labels at random, and vectors that belong to nothing."""


@dataclass(frozen=True)
class Pool:
    """What one seed draws of a set."""

    vectors: Floats
    """(n, d) float32 of length one."""
    said: Ints
    """(n,) index of the class that an annotator will say; (n, c) 0 or 1 for sets of labels."""
    balanced: bool
    """Whether accuracy is the mean of the classes' own: the pool's classes are cut, the test's are not."""


@dataclass(frozen=True)
class Variant:
    """How a pool is made of a set."""

    longtail: bool = False
    duplicated: bool = False
    noisy: bool = False


VARIANTS = {
    "asis": Variant(),
    "longtail": Variant(longtail=True),
    "duplicated": Variant(duplicated=True),
    "dup_longtail": Variant(longtail=True, duplicated=True),
    "noisy": Variant(noisy=True),
}


OF_SETS = ("asis", "duplicated")
"""Those that make sense for sets of labels."""


def variants_named(names: list[str]) -> list[str]:
    """The same names; raises BadRequest that says which there are."""
    unknown = [name for name in names if name not in VARIANTS]
    if unknown or not names:
        raise BadRequest(
            f"There is no pool called {', '.join(unknown) or '(none was named)'}.",
            f"Choose of: {', '.join(VARIANTS)}.",
        )
    return list(dict.fromkeys(names))


def draw(data: LabelledSet, variant: str, seed: int) -> Pool:
    """The pool of one seed: a share of the set, then cut, copied or disturbed."""
    rng = np.random.default_rng([seed, 7])
    made = VARIANTS[variant]
    rows = np.sort(rng.permutation(len(data.vectors))[: int(SHARE * len(data.vectors))])
    vectors, said = data.vectors[rows], data.targets[rows]
    frequent: Ints = np.arange(len(said), dtype=np.int64)
    if made.longtail:
        kept, frequent = _cut(said, len(data.classes), rng)
        vectors, said = vectors[kept], said[kept]
    if made.duplicated:
        vectors, said = _copied(vectors, said, frequent, rng)
    if made.noisy:
        vectors, said = _disturbed(vectors, said, len(data.classes), rng)
    return Pool(vectors, said, balanced=made.longtail)


def _cut(said: Ints, classes: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows that stay where half of the classes lose all but a few, and which of these rows are of the other half."""
    rare = np.isin(said, rng.permutation(classes)[: classes // 2])
    keep: Bools = ~rare
    for number in np.unique(said[rare]):
        members = rng.permutation(np.flatnonzero(said == number))
        keep[members[: max(1, round(RARE * len(members)))]] = True
    kept = np.flatnonzero(keep).astype(np.int64)
    return kept, np.flatnonzero(~rare[kept]).astype(np.int64)


def _copied(vectors: Floats, said: Ints, frequent: Ints, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """The rows and, behind them, near-copies of some of the frequent ones."""
    chosen = rng.permutation(frequent)[: int(COPIED * len(frequent))]
    originals = np.repeat(chosen, COPIES)
    jitter = _unit(rng.standard_normal((len(originals), vectors.shape[1]), dtype=np.float32))
    copies = _unit(vectors[originals] + np.float32(JITTER) * jitter)
    return np.concatenate([vectors, copies]), np.concatenate([said, said[originals]])


def _disturbed(vectors: Floats, said: Ints, classes: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Some labels at random, and some vectors whose every number is that of another item."""
    vectors, said = vectors.copy(), said.copy()
    wrong = rng.permutation(len(said))[: round(WRONG * len(said))]
    said[wrong] = rng.integers(0, classes, len(wrong))
    strange = rng.permutation(len(said))[: round(STRANGE * len(said))]
    donors = rng.integers(0, len(said), (len(strange), vectors.shape[1]))
    vectors[strange] = _unit(_whole(vectors[donors, np.arange(vectors.shape[1])], rng))
    return vectors, said


def _whole(vectors: Floats, rng: np.random.Generator) -> Floats:
    """The same, with a direction at random where the numbers happen to be all zero."""
    empty = ~vectors.any(axis=1)
    vectors[empty] = rng.standard_normal((int(empty.sum()), vectors.shape[1]), dtype=np.float32)
    return vectors


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
