"""Vectors that somebody else made: a file of them by task id, or a field of the task."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelcue.embedders import (
    Embedded,
    Embedder,
    Known,
    MediaSource,
    Reads,
    Task,
    digest_of,
    embedders,
    keep_finite,
    unit,
)
from labelcue.embedders.parquet_vectors import SUFFIXES, read_parquet
from labelcue.errors import ConfigError, TaskUnreadable
from labelcue.types import Floats, Ints, Json, TaskId

LARGEST_DIM = 65_536


_OPTION = re.compile(r",(id|vector|field)=([^,]*)$")


class _File(NamedTuple):
    vectors: NDArray[np.floating]
    rows: Mapping[int | str, int]
    """Task id, or what the task's own field says → row; the later row of one that stands there twice."""


@embedders.register("precomputed")
class Precomputed(Embedder):
    """Vectors as they are, scaled to length 1.

    `precomputed:<path>` reads an .npz with the arrays `ids` (n,) of task ids and `vectors` (n, d), or an .npy of
    vectors (memory-mapped) with the ids in `<the same name>.ids.npy`. The file is opened at the first use and not read
    again: start anew after changing it.

    `precomputed:<path>.parquet` reads the columns `id` and `vector` (lists of d floats), or those that `,id=<column>`
    and `,vector=<column>` name. `,field=<name>`: that field of its data names a task's row, and not its id.

    `precomputed:field=<name>,dim=<d>` reads a list of d numbers from that field of each task's data.
    """

    reads: ClassVar[Reads] = "vector"

    def __init__(self, source: str = "", *, threads: int = 0) -> None:
        """Raises ConfigError where the source cannot be read as one of the two forms."""
        if not source:
            raise ConfigError(
                "precomputed needs a source.", "Say precomputed:vectors.npz or precomputed:field=embedding,dim=384."
            )
        self.name = f"precomputed:{source}"
        self._lock = threading.Lock()
        self._file: _File | None = None
        self._field, self._dim = _parse_field(source) if source.startswith("field=") else ("", 0)
        path, self._options = _parse_file(source) if not self._field else ("", {})
        self._path = Path(path).expanduser()

    @property
    def dim(self) -> int:
        """The file's, or what `dim=` says."""
        return self._dim or int(self._open().vectors.shape[1])

    def embed(self, texts: Sequence[str]) -> Floats:
        """Raises ConfigError, unless there is nothing to embed: a text alone says nothing of the task's vector."""
        if texts:
            raise ConfigError(f"{self.name} holds vectors of tasks and embeds no texts.", "Use it with embed_tasks.")
        return np.empty((0, self.dim), dtype=np.float32)

    def embed_tasks(
        self,
        tasks: Sequence[Task],
        field: str,
        *,
        known: Known | None = None,
        html: bool = False,
        media: MediaSource | None = None,
    ) -> Embedded:
        """The vector of each task, by its id or its own field; what else is given does not matter here."""
        rows: list[NDArray[np.float64]] = [np.empty((0, self.dim))]
        ok, problems = [], {}
        for place, (task, data) in enumerate(tasks):
            try:
                rows.append(self._from_data(data) if self._field else self._from_file(task, data))
                ok.append(place)
            except TaskUnreadable as error:
                problems[task] = str(error)
        vectors = unit(np.concatenate(rows))
        return keep_finite(tasks, ok, vectors, [digest_of(row.tobytes()) for row in vectors], problems)

    def _from_data(self, data: Mapping[str, Json]) -> NDArray[np.float64]:
        if self._field not in data:
            raise TaskUnreadable(f"The task has no field {self._field!r}.", "Import its vector under that name.")
        value = data[self._field]
        if not isinstance(value, list) or not all(type(x) in (int, float) for x in value):
            raise TaskUnreadable(f"The field {self._field!r} is no list of numbers.", "Import its vector as one.")
        if len(value) != self._dim:
            raise TaskUnreadable(f"The field {self._field!r} holds {len(value)} numbers.", f"It takes {self._dim}.")
        try:
            return np.array([value], dtype=np.float64)
        except OverflowError as error:
            raise TaskUnreadable(f"The field {self._field!r} holds a number beyond all bounds.") from error

    def _from_file(self, task: TaskId, data: Mapping[str, Json]) -> NDArray[np.float64]:
        file, field = self._open(), self._options.get("field", "")
        row = file.rows.get(_name_in(data, field) if field else int(task))
        if row is None:
            named = f"{field} {str(data[field])[:60]!r}" if field else f"task {task}"
            raise TaskUnreadable(f"{self._path.name} has no vector for {named}.", "Add one and start anew.")
        return np.asarray(file.vectors[row : row + 1], dtype=np.float64)

    def _open(self) -> _File:
        with self._lock:
            if self._file is None:
                self._file = self._read()
            return self._file

    def _read(self) -> _File:
        if self._path.suffix not in SUFFIXES:
            vectors, ids = _read(self._path)
            return _File(vectors, {int(task): row for row, task in enumerate(ids)})
        key, field = self._options.get("id", "id"), self._options.get("field", "")
        floats, names = read_parquet(self._path, key, self._options.get("vector", "vector"))
        if not field and isinstance(names[0], str):
            raise ConfigError(
                f"The column {key!r} of {self._path} holds texts, which are no task ids.",
                f"Say which field of the tasks' data has them: {self.name},field=<name>.",
            )
        return _File(floats, {str(name) if field else name: row for row, name in enumerate(names)})


def _name_in(data: Mapping[str, Json], field: str) -> str:
    """What a task says in the field by which its row is found."""
    value = data.get(field)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TaskUnreadable(
            f"The field {field!r}, which names the task's vector, holds no text and no whole number.",
            "Import the task with it.",
        )
    return str(value)


def _parse_file(source: str) -> tuple[str, dict[str, str]]:
    """`<path>[,id=<column>][,vector=<column>][,field=<name>]` → path and options; raises ConfigError."""
    path, options = source, dict[str, str]()
    while (found := _OPTION.search(path)) is not None:
        options[found[1]] = found[2]
        path = path[: found.start()]
    if options and (not all(options.values()) or Path(path).suffix not in SUFFIXES):
        raise ConfigError(
            f"precomputed cannot read {source[:200]!r}.",
            "Columns are named of Parquet files alone: precomputed:vectors.parquet,id=doc,vector=embedding,field=doc.",
        )
    return path, options


def _parse_field(source: str) -> tuple[str, int]:
    """`field=<name>,dim=<d>` → (name, d); raises ConfigError."""
    name, _, size = source.removeprefix("field=").rpartition(",dim=")
    if not name or not size.isdecimal() or not 1 <= int(size) <= LARGEST_DIM:
        raise ConfigError(
            f"precomputed cannot read {source!r}.",
            "Name the field and the length of its vectors: precomputed:field=embedding,dim=384.",
        )
    return name, int(size)


def _read(path: Path) -> tuple[NDArray[np.floating], Ints]:
    """(n, d) vectors and (n,) ids of a file; raises ConfigError that says what is wrong with it."""
    try:
        if path.suffix == ".npy":
            vectors = np.load(path, mmap_mode="r", allow_pickle=False)
            ids = np.load(path.with_suffix(".ids.npy"), allow_pickle=False)
        else:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                vectors, ids = arrays["vectors"], arrays["ids"]
    except Exception as error:  # zipfile, zlib and numpy each have their own way to say "broken"
        raise ConfigError(
            f"The vectors in {path} cannot be read: {error}.",
            "Make it with numpy.savez(path, ids=ids, vectors=vectors); see the page on embedders.",
        ) from error
    kinds = vectors.dtype.kind == "f" and ids.dtype.kind in "iu"
    if not kinds or vectors.ndim != 2 or ids.shape != vectors.shape[:1] or vectors.shape[1] < 1:
        raise ConfigError(
            f"{path} holds vectors of shape {vectors.shape} ({vectors.dtype}) and ids of {ids.shape} ({ids.dtype}).",
            "It takes vectors (n, d) of a float type and ids (n,) of an integer type.",
        )
    return vectors, ids.astype(np.int64)
