"""Rows to files: JSON, CSV and Parquet. The same rows give the same bytes of JSON and CSV for ever.

JSON is one array, a row a line, keys sorted. CSV and Parquet are flat: nested objects become columns `data.text`,
lists become JSON text. Parquet's bytes depend on the version of pyarrow as well.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labelcue.errors import BadRequest, ConfigError
from labelcue.exports.labelled import Row

FORMATS: Mapping[str, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
"""Name and media type."""


def written(rows: Iterable[Row], kind: str) -> Iterator[bytes]:
    """The file's bytes, piece by piece. Raises BadRequest for an unknown format, ConfigError without pyarrow."""
    if kind == "json":
        return _json(rows)
    if kind == "csv":
        return _csv(rows)
    if kind == "parquet":
        return iter([_parquet(rows)])
    raise BadRequest(f"There is no format {kind[:20]!r}.", f"The formats are: {', '.join(FORMATS)}.")


def _json(rows: Iterable[Row]) -> Iterator[bytes]:
    between = "[\n"
    for row in rows:
        yield (between + _text(row)).encode("utf-8", "surrogatepass")
        between = ",\n"
    yield b"[]\n" if between == "[\n" else b"\n]\n"


def _csv(rows: Iterable[Row]) -> Iterator[bytes]:
    flat = [_flat(row) for row in rows]
    columns = _columns(flat)
    for row in ({name: name for name in columns}, *flat):
        line = io.StringIO()
        csv.writer(line).writerow([_cell(row.get(name)) for name in columns])
        yield line.getvalue().encode("utf-8", "surrogatepass")


def _parquet(rows: Iterable[Row]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow, which is not installed.", "pip install 'labelcue[parquet]', or take CSV or JSON."
        ) from error
    flat = [_flat(row) for row in rows]
    table = pyarrow.table({name: _column([row.get(name) for row in flat]) for name in _columns(flat)})
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _column(values: list[Any]) -> list[Any]:
    """One type a column: numbers and truth stay what they are where all are, everything else is text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 or kinds == {int, float}:
        return [float(value) if value is not None and kinds == {int, float} else value for value in values]
    return [value if value is None else _cell(value) for value in values]


def _flat(row: Row) -> Row:
    found: Row = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found.update({f"{name}.{key}": _simple(inner) for key, inner in value.items()})
        else:
            found[name] = _simple(value)
    return found


def _simple(value: Any) -> Any:
    return _text(value) if isinstance(value, dict | list) else value


def _columns(flat: list[Row]) -> list[str]:
    """Those of the row itself in their order, then the nested ones by name."""
    names = dict.fromkeys(name for row in flat for name in row)
    return [name for name in names if "." not in name] + sorted(name for name in names if "." in name)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
