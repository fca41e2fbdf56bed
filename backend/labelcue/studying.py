"""Ledger, snapshot and vectors → insights.json: reads a project's files, and writes what admins read beside them.

It asks nobody: whoever runs it, the learner's child or an admin, gets the same of the same files.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from labelcue.embedders.marked import reader_of
from labelcue.embedders.words import WIDTH
from labelcue.errors import NotFound, TaskUnreadable, UnsupportedConfig
from labelcue.insights.agreement import Votes
from labelcue.insights.covering import LARGEST
from labelcue.insights.facts import Facts
from labelcue.insights.mapping import PoolMap
from labelcue.insights.report import Progress, Report, report
from labelcue.labels import CLASS, NUMBER, REGIONS, SET, SPANS, LabelKind, kinds
from labelcue.labels.tokens import Tokens
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of
from labelcue.pool.edges import Edges
from labelcue.pool.growing import Growing
from labelcue.pool.matrix import Matrix
from labelcue.pool.token_file import TokenFile
from labelcue.pool.vectors import VectorFile
from labelcue.spanning import with_labels
from labelcue.store.atomic import replace_file
from labelcue.store.base import Ledger
from labelcue.store.fold import Fold, stamp
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import read_snapshot
from labelcue.types import Answer, Floats, Ints, Kind, Label, TaskId, TaskSpec

log = structlog.get_logger(__name__)
STUDIED = (CLASS, SET, NUMBER, REGIONS)
"""Kinds of label that the insights know."""


def study(home: Home, ledger: Ledger, project: int, progress: Progress) -> Report:
    """Compute and write the insights of a project's latest round. Raises NotFound before its first one."""
    began = time.perf_counter()
    snapshot = read_snapshot(home.snapshot(project))
    fold, arrived = _folded(ledger, project, snapshot.round.position)
    facts = _gathered(home, fold, arrived, project, snapshot)
    found = report(facts, progress)
    if snapshot.labels_are.name == SPANS:
        latest = _latest(fold, kinds.create(SPANS), snapshot.classes)
        found = with_labels(found, facts, latest, snapshot, _words(home, project, fold, snapshot))
    about = {
        "at": time.time(),
        "seconds": round(time.perf_counter() - began, 2),
        "round": snapshot.round.number,
        "position": snapshot.round.position,
    }
    packed = io.BytesIO()
    arrays: dict[str, Any] = found.arrays()
    np.savez(packed, **arrays)
    replace_file(home.insights_map(project), packed.getvalue(), durable=False)
    words = json.dumps({**found.as_json(), **about}, separators=(",", ":"), allow_nan=False)
    replace_file(home.insights(project), words.encode(), durable=False)
    log.info("insights", project=project, **about)
    return found


def gather(home: Home, ledger: Ledger, project: int, snapshot: Snapshot) -> Facts:
    """All that the insights rest on, as it was known to the snapshot's round."""
    fold, arrived = _folded(ledger, project, snapshot.round.position)
    return _gathered(home, fold, arrived, project, snapshot)


def _folded(ledger: Ledger, project: int, upto: int) -> tuple[Fold, dict[TaskId, float]]:
    """What was known then, and when each task came, in Unix seconds."""
    fold, arrived = Fold(), dict[TaskId, float]()
    for event in ledger.read(project, upto=upto):
        fold.apply(event)
        if event.kind is Kind.TASK:
            arrived.setdefault(TaskId(event.body["task"]), event.at)
    return fold, arrived


def _gathered(home: Home, fold: Fold, arrived: dict[TaskId, float], project: int, snapshot: Snapshot) -> Facts:
    matrix, row, edges = _vectors(home, project, snapshot)
    taken_as = snapshot.labels_are.like or snapshot.labels_are.name
    known = taken_as in STUDIED  # Of other kinds the pool alone is looked at.
    kind, said = snapshot.labels_are if known else kinds.create(CLASS), snapshot.probabilities
    if kind.name == REGIONS:  # What occurs is a set; whose doubt stands beside it does not matter here.
        taken_as, kind, said = SET, kinds.create(SET), said[:, : len(snapshot.classes)]
    audit, propensity = _audits(fold, snapshot.ids)
    votes, answers = votes_of(fold, snapshot.ids, kind, snapshot.classes)
    none = np.zeros((len(snapshot.ids), len(snapshot.classes)), dtype=np.float32)
    return Facts(
        classes=snapshot.classes,
        ids=snapshot.ids,
        matrix=matrix,
        row=row,
        probabilities=said if known else none,
        trained=snapshot.trained and known,
        l2=snapshot.l2,
        votes=votes,
        audit=audit,
        propensity=propensity,
        slices=_slices(fold, snapshot.ids),
        arrived=np.array([arrived.get(TaskId(int(task)), 0.0) for task in snapshot.ids]),
        squared=snapshot.cover,
        edges=edges,
        map=read_map(home.insights_map(project)),
        now=time.time(),
        kind=kind.like or kind.name,
        bounds=kind.bounds,
        answers=answers,
    )


def votes_of(fold: Fold, ids: Ints, kind: LabelKind, classes: tuple[Label, ...]) -> tuple[Votes, Floats | None]:
    """Every annotator's latest label of each task among `ids` (n,), ascending; an import counts as one of its own.

    Of classes the index of each; of other kinds (v, r) float32 what each is as numbers, and no index.
    """
    latest = _latest(fold, kind, classes)
    pairs = np.array(sorted(latest), dtype=np.int64).reshape(-1, 2)
    said = [latest[task, user] for task, user in pairs.tolist()]
    place = np.searchsorted(ids, pairs[:, 0])
    known = ids[np.minimum(place, len(ids) - 1)] == pairs[:, 0] if len(ids) else np.zeros(len(pairs), dtype=bool)
    empty = np.zeros((0, kind.rows(len(classes))), dtype=np.float32)
    numbers = kind.targets([[label] for label, _ in said], classes) if said else empty
    index = numbers.argmax(axis=1) if kind.exclusive and said else np.zeros(len(said))
    at = np.array([one for _, one in said], dtype=np.float64)
    votes = Votes(place[known].astype(np.int64), pairs[known, 1], index[known].astype(np.int64), at[known])
    return votes, None if kind.exclusive else numbers[known]


def _latest(fold: Fold, kind: LabelKind, classes: tuple[Label, ...]) -> dict[tuple[int, int], tuple[Answer, float]]:
    """(task, annotator) → the latest answer that counts, and when it was given; an import counts as one of its own."""
    spec = _spec(fold)
    latest: dict[tuple[int, int], tuple[Answer, float]] = {}
    states = sorted(fold.annotations.values(), key=lambda one: stamp(one.updated_at, one.key))
    for state in states if spec is not None else ():
        label = None if state.cancelled or spec is None else _label(spec, state.result)
        label = None if label is None else kind.read(label)
        if label is not None and kind.counts([label], classes):
            user = state.user if state.user is not None else -state.annotation
            instant = stamp(state.updated_at, state.key).instant
            latest[state.task, user] = (label, max(instant, 0) / 1e6)
    return latest


def _words(home: Home, project: int, fold: Fold, snapshot: Snapshot) -> Tokens:
    """Of the rows that the round knew; none where the learner reads them anew."""
    folder = home.vectors(project, snapshot.round.embedder) / "words"
    return TokenFile(folder, reader_of(_spec(fold)), WIDTH, looking=True).tokens


def _spec(fold: Fold) -> TaskSpec | None:
    try:
        return parse_config(fold.label_config) if fold.label_config else None
    except UnsupportedConfig:
        return None


def _label(spec: TaskSpec, result: list[Any]) -> Answer | None:
    try:
        return label_of(spec, result)
    except TaskUnreadable:
        return None


def _audits(fold: Fold, ids: Ints) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], Floats]:
    """(n,) whether each task measures the model, and (n,) the chance with which it was drawn."""
    chances = {task: one.propensity for task, one in fold.drawn.items() if one.stream == "audit"}
    propensity = np.array([chances.get(TaskId(int(task)), np.nan) for task in ids], dtype=np.float32)
    audit = np.isin(ids, np.array(sorted(chances), dtype=np.int64))
    return audit, propensity


def _slices(fold: Fold, ids: Ints) -> dict[str, list[str | None]]:
    """Field → value of each task, of the fields with few, short values."""
    tasks = [TaskId(int(task)) for task in ids]
    return {field: [fold.facets.of(field).get(task) for task in tasks] for field in fold.facets.counts()}


def _vectors(home: Home, project: int, snapshot: Snapshot) -> tuple[Matrix, Ints, Edges | None]:
    """The vectors that the round knew, (n,) the newest row of each task, and the graph where one is kept.

    Raises NotFound where vectors are gone.
    """
    made = snapshot.round
    file = VectorFile(home.vectors(project, made.embedder), snapshot.weights.shape[1], embedder=made.embedder)
    if len(file.ids) < made.rows:
        raise NotFound(
            f"{file.path} has {len(file.ids):,} of the {made.rows:,} vectors that the last round knew.",
            "Start LabelCue: the learner embeds the others again; insights follow its next round.",
        )
    vectors, names = file.vectors[: made.rows], file.ids[: made.rows]
    order = np.argsort(names, kind="stable")
    row = order[np.searchsorted(names[order], snapshot.ids, side="right") - 1].astype(np.int64)
    growing = Growing(file.path / "graph.npz")
    if len(vectors) <= LARGEST:
        growing.resume(vectors)
    return Matrix(vectors), row, growing.graph.edges() if growing.graph.rows else None


def read_map(path: Path) -> PoolMap | None:
    """The map that was written last, None where there is none that can be read: a new one is drawn."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return PoolMap(arrays["tasks"], arrays["places"], int(arrays["of"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
