"""Vectors in a Parquet file: a column that names the rows, and a column of lists of floats, all of one length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from labelcue.errors import ConfigError
from labelcue.types import Floats

BATCH = 8_192
"""Rows that are read at a time: beside the vectors themselves memory holds one batch."""
SUFFIXES = (".parquet", ".pq")


def read_parquet(path: Path, key: str, column: str) -> tuple[Floats, list[int | str]]:
    """(n, d) float32 vectors of the column, and what the column `key` names each row, numbers or texts.

    Raises ConfigError that says what is wrong with the file.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError("Parquet files need pyarrow.", "Run: pip install 'labelcue[parquet]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            _require(path, file.schema_arrow, key, column)
            batches = file.iter_batches(BATCH, columns=[key, column])
            return _filled(path, batches, file.metadata.num_rows, key, column)
    except (pyarrow.ArrowException, OSError) as error:
        raise ConfigError(
            f"The vectors in {path} cannot be read: {error}.", "Write it anew; see the page on embedders."
        ) from error


def _require(path: Path, schema: Any, key: str, column: str) -> None:
    from pyarrow import types

    for name, option in ((key, "id"), (column, "vector")):
        if schema.names.count(name) != 1:
            there = ", ".join(map(repr, schema.names[:20])) or "none"
            raise ConfigError(
                f"{path} has {'no' if name not in schema.names else 'more than one'} column {name!r}; it has {there}.",
                f"Name the column: precomputed:{path.name},{option}=<column>.",
            )
    kind, made = schema.field(key).type, schema.field(column).type
    if not types.is_integer(_inner(kind)) and not _is_text(_inner(kind)):
        raise ConfigError(f"The column {key!r} of {path} holds {kind}.", "It takes whole numbers or texts.")
    if not _is_list(made) or not types.is_floating(made.value_type):
        raise ConfigError(f"The column {column!r} of {path} holds {made}.", "It takes lists of floats.")


def _filled(path: Path, batches: Any, rows: int, key: str, column: str) -> tuple[Floats, list[int | str]]:
    vectors, names = np.empty((rows, 0), dtype=np.float32), list[int | str]()
    for batch in batches:
        part = _block(path, batch, len(names), key, column)
        if not names:
            vectors = np.empty((rows, part.shape[1]), dtype=np.float32)
        if part.shape[1] != vectors.shape[1]:
            raise _uneven(path, [vectors.shape[1], part.shape[1]])
        vectors[len(names) : len(names) + len(part)] = part
        names += batch.column(key).to_pylist()
    if not names:
        raise ConfigError(f"{path} has no rows.", "Write a row for each task.")
    return vectors, names


def _block(path: Path, batch: Any, start: int, key: str, column: str) -> Floats:
    """(b, d) float32 of some rows, the first of which is the file's row `start`."""
    for name in (key, column):
        if batch.column(name).null_count:
            row = start + batch.column(name).is_null().to_pylist().index(True)
            raise ConfigError(f"Row {row} of {path} has no {name!r}.", "Leave such rows out.")
    lists, fixed = batch.column(column), getattr(batch.column(column).type, "list_size", 0)
    lengths = [fixed] if fixed else np.unique(np.asarray(lists.value_lengths())).tolist()
    if len(lengths) != 1 or lengths[0] < 1:
        raise _uneven(path, lengths)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named by its task
        flat = np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.float32)
    return flat.reshape(-1, lengths[0])


def _uneven(path: Path, lengths: list[int]) -> ConfigError:
    shown = ", ".join(map(str, lengths[:5]))
    return ConfigError(
        f"The vectors in {path} have {shown} dimensions.",
        "All take one length, of one or more; make them by one model.",
    )


def _inner(kind: Any) -> Any:
    """Of a dictionary what it stands for."""
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
