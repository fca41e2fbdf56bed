"""Tasks of several objects → one vector a task, by an embedder that reads one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from labelcue.embedders import Embedded, Embedder, Known, MediaSource, Task, digest_of, keep_finite, unit
from labelcue.embedders.dialogues import told
from labelcue.embedders.text import readable_texts
from labelcue.errors import TaskUnreadable
from labelcue.labels import PAIR
from labelcue.types import Floats, Json, TaskSpec


def fields_of(spec: TaskSpec) -> tuple[tuple[str, str], ...]:
    """(field, tag) of each object that is read."""
    return ((spec.field, spec.object), *spec.others)


def texts_of(spec: TaskSpec, tasks: Iterable[Mapping[str, Json]]) -> Iterator[str]:
    """The texts of these tasks that can be read, for a fit."""
    for data in tasks:
        with suppress(TaskUnreadable):  # embedding it names the reason
            read = told(data, spec)
            for field, tag in fields_of(spec):
                yield from readable_texts([read], field, html=tag == "HyperText")


def embed_all(
    embedder: Embedder,
    tasks: Sequence[Task],
    spec: TaskSpec,
    *,
    known: Known | None = None,
    media: MediaSource | None = None,
) -> Embedded:
    """As `embed_tasks`, of whatever the label config shows. Vectors that come with the task are taken as they are.

    A pair is the difference of its sides, left less right: swapped sides give its negative.
    """
    if not spec.turns or embedder.reads == "vector":
        return _embed(embedder, tasks, spec, known, media)
    problems, places, readable = {}, [], []
    for place, (task, data) in enumerate(tasks):
        try:
            readable.append((task, told(data, spec)))
            places.append(place)
        except TaskUnreadable as error:
            problems[task] = str(error)
    found = _embed(embedder, readable, spec, known, media)
    return replace(found, ok=tuple(places[one] for one in found.ok), problems={**problems, **found.problems})


def _embed(
    embedder: Embedder, tasks: Sequence[Task], spec: TaskSpec, known: Known | None, media: MediaSource | None
) -> Embedded:
    """Of tasks that hold texts where the label config shows dialogues."""
    fields = fields_of(spec)
    if len(fields) == 1 or embedder.reads == "vector":
        html = spec.object == "HyperText"
        return embedder.embed_tasks(tasks, spec.field, known=known, html=html, media=media)
    parts = [embedder.embed_tasks(tasks, field, html=tag == "HyperText", media=media) for field, tag in fields]
    return _joined(tasks, parts, spec.kind)


def _joined(tasks: Sequence[Task], parts: Sequence[Embedded], kind: str) -> Embedded:
    rows = [{place: row for row, place in enumerate(part.ok)} for part in parts]
    ok = [place for place in rows[0] if all(place in one for one in rows)]
    each = [part.vectors[[row[place] for place in ok]] for part, row in zip(parts, rows, strict=True)]
    digests = [
        digest_of(kind.encode() + b"".join(part.digests[row[place]] for part, row in zip(parts, rows, strict=True)))
        for place in ok
    ]
    problems = {task: why for part in reversed(parts) for task, why in part.problems.items()}
    return keep_finite(tasks, ok, unit(_difference(each) if kind == PAIR else _sum(each)), digests, problems)


def _difference(each: Sequence[Floats]) -> Floats:
    left, right = each
    return left - right


def _sum(each: Sequence[Floats]) -> Floats:
    """Each field's coordinates are turned by as many places as fields stand before it, so that what was said where is
    not lost: turned vectors are nearly at right angles (Sahlgren, Holst & Kanerva, CogSci 2008: permutations)."""
    total: Floats = np.sum([np.roll(one, place, axis=1) for place, one in enumerate(each)], axis=0)
    return total
