"""Tables of other libraries → arrays: pandas, Polars, Hugging Face datasets, or a dict of columns. None is imported.

Each has `table["column"]`; a column turns into an array by `to_numpy`, or is a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.embedders import embedders
from labelcue.errors import BadRequest
from labelcue.types import Floats


def column(table: Any, name: str) -> list[Any]:
    """The values of one column, plain. Raises BadRequest that names the columns there are."""
    try:
        found = table[name]
    except (KeyError, TypeError, ValueError, IndexError, LookupError) as error:
        raise BadRequest(
            f"The table has no column {name!r}.", f"It has: {', '.join(map(str, columns(table))) or 'none'}."
        ) from error
    except Exception as error:  # Polars has errors of its own
        raise BadRequest(f"The column {name!r} cannot be read: {error}.", "Name another one.") from error
    for way in ("to_list", "tolist"):
        if hasattr(found, way):
            return list(getattr(found, way)())
    return list(found)


def labels_in(table: Any, name: str, ids: list[Any] | None) -> dict[Any, Any]:
    """Item → label of the rows that have one; numbers that a Hugging Face dataset has names for become these."""
    values, features = column(table, name), getattr(table, "features", None)
    named = getattr(features.get(name) if isinstance(features, dict) else None, "names", None)
    if named:
        values = [None if one is None or one < 0 else named[one] for one in values]
    items = range(len(values)) if ids is None else ids
    return {item: one for item, one in zip(items, values, strict=True) if not is_missing(one)}


def rows_of(table: Any, vectors: Any, text: str, embedder: str) -> NDArray[Any]:
    """(n, d) of a column of vectors, or an array beside the table; or of a column of texts. Raises BadRequest."""
    if (vectors is None) == (not text):
        raise BadRequest("A Cue needs vectors or a text.", "Pass one of them, and not both.")
    if text:
        return embedded(column(table, text), embedder)
    return vectors_of(column(table, vectors) if isinstance(vectors, str) else vectors)


def columns(table: Any) -> list[str]:
    """The names of its columns."""
    plain: Any = table if isinstance(table, dict) else ()
    return [str(name) for name in getattr(table, "column_names", getattr(table, "columns", plain))]


def vectors_of(source: Any) -> NDArray[Any]:
    """(n, d) of an array, of a table of numbers, of a tensor, or of a column or list of vectors.

    Raises BadRequest where they are no numbers, or not equally long.
    """
    if isinstance(source, np.ndarray) and source.dtype != object:
        return source
    if hasattr(source, "to_numpy"):
        source = source.to_numpy()
    elif hasattr(source, "detach"):  # a tensor, maybe on a GPU
        source = source.detach().cpu().numpy()
    rows: Any = list(source) if isinstance(source, Iterable) and not isinstance(source, np.ndarray) else source
    rows = list(rows) if isinstance(rows, np.ndarray) and rows.dtype == object else rows
    try:
        made = np.asarray([np.asarray(row) for row in rows] if isinstance(rows, list) else rows)
        return made if made.dtype.kind == "f" else made.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise BadRequest(
            f"The vectors cannot be read as numbers in rows of one length: {error}.",
            "Pass one list of numbers an item.",
        ) from error


def embedded(texts: list[Any], name: str) -> Floats:
    """(n, d) vectors of texts by an embedder, fitted to them where it learns. Raises BadRequest, ConfigError."""
    wrong = next((place for place, text in enumerate(texts) if not isinstance(text, str) or not text.strip()), None)
    if wrong is not None:
        raise BadRequest(f"The text of row {wrong} is {texts[wrong]!r}.", "Take the row out, or give it a text.")
    embedder = embedders.create(name)
    if embedder.needs_fit:
        embedder.fit(texts)
    return embedder.embed(texts)


def is_missing(value: Any) -> bool:
    """None, or NaN, by which tables say that there is no value."""
    return value is None or (isinstance(value, float) and isnan(value))
