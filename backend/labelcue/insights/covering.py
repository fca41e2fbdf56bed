"""The coverage of one project's pool: distances, graph and slices brought together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labelcue.insights.audit import Audit, Sample
from labelcue.insights.coverage import (
    Audited,
    Balance,
    Copies,
    Reach,
    Slice,
    balance,
    copies,
    outliers,
    reach,
    slices,
)
from labelcue.insights.facts import Facts
from labelcue.insights.sections import Groups
from labelcue.labels import SET
from labelcue.pool.edges import Edges
from labelcue.pool.graph import Graph
from labelcue.pool.matrix import FARTHEST, Matrix
from labelcue.types import Floats, Ints

MOST = 100_000
"""Tasks that are looked at; a random share of larger pools."""
LARGEST = 200_000
"""Rows of a neighbour graph that is looked at; of larger pools a sample has one of its own."""
GROWN = 20_000
"""Tasks whose neighbour graph is made where there is none: a random share of larger pools."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the labels reach into the pool. `reach` is None without labels."""

    reach: Reach | None
    balance: Balance
    slices: tuple[Slice, ...]
    slices_total: int
    copies: Copies
    outliers: tuple[tuple[int, float], ...]
    """(task, cosine distance to its tenth neighbour)."""
    sentence: str


def coverage(facts: Facts, groups: Groups, audited: Ints, chosen: Ints, seen: Sample, sure: Audit) -> Coverage:
    """`audited` (n,) and `chosen` (k,) places of the tasks in `seen`; `sure`: whether they are enough for accuracy."""
    part = _part(facts)
    labelled = np.isin(part, facts.labelled)
    squared = _squared(facts, part)
    edges, places = _graph(facts)
    live = places >= 0
    radius = float(np.median(edges.tenth[live])) / 2 if live.any() else 0.0
    known = None
    if sure.accuracy is not None:
        rows = np.searchsorted(part, audited), np.searchsorted(part, chosen)
        known = Audited(*rows, seen, sure.accuracy.value)
    of = {field: [values[place] for place in part] for field, values in facts.slices.items()}
    found, total = slices(of, labelled, squared, radius, known)
    near, twins = reach(squared, radius), copies(edges, places, len(facts.ids))
    apart = tuple((int(facts.ids[places[live]][row]), far) for row, far in outliers(edges.tenth[live]))
    alike = tuple(tuple(int(facts.ids[place]) for place in group) for group in twins.groups)
    named = groups.names if facts.kind != SET else facts.classes
    spread = balance(groups.counted, groups.expected, named)
    words = _sentence(near, found, twins)
    return Coverage(near, spread, tuple(found), total, replace(twins, groups=alike), apart, words)


def _part(facts: Facts) -> Ints:
    """(m,) places that are looked at, ascending: all, or a random share and those with labels."""
    n = len(facts.ids)
    if n <= MOST:
        return np.arange(n, dtype=np.int64)
    return np.union1d(np.random.default_rng([facts.seed, 6]).permutation(n)[:MOST], facts.labelled).astype(np.int64)


def _squared(facts: Facts, part: Ints) -> Floats:
    """(m,) squared distances to the nearest label, infinite without labels."""
    if not len(facts.labelled):
        return np.full(len(part), np.inf, dtype=np.float32)
    if facts.squared is not None:
        return np.maximum(facts.squared[part], 0)
    ceiling = np.full(len(part), FARTHEST, dtype=np.float32)
    return facts.matrix.nearest(facts.row[part], facts.row[facts.labelled], ceiling)


def _graph(facts: Facts) -> tuple[Edges, Ints]:
    """The neighbour graph, and (r,) the place of each of its rows, -1 for rows that are no task's."""
    if facts.edges is not None and len(facts.edges.start) <= LARGEST + 1:
        rows = len(facts.edges.start) - 1
        places = np.full(rows, -1, dtype=np.int64)
        inside = np.flatnonzero(facts.row < rows)
        places[facts.row[inside]] = inside
        return facts.edges, places
    n = len(facts.ids)
    some = np.sort(np.random.default_rng([facts.seed, 7]).permutation(n)[:GROWN]).astype(np.int64)
    graph = Graph()
    graph.grow(Matrix(facts.unit(some)))
    return graph.edges(), some


def _sentence(near: Reach | None, found: list[Slice], twins: Copies) -> str:
    if near is None:
        return "There are no labels yet: nothing is covered."
    flagged = sum(bool(one.flags) for one in found)
    words = [f"{near.covered:.1%} of the tasks have a label as near as their tenth neighbour usually is."]
    words += [f"{flagged:,} {'slice is' if flagged == 1 else 'slices are'} below a threshold."] if flagged else []
    words += [f"{twins.spared:,} tasks are near-copies of others."] if twins.spared else []
    return " ".join(words)
