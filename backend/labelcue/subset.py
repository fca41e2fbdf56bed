"""`labelcue select`: a file with a surrogate's probabilities → the items that are worth labels, with their weights."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest, ConfigError
from labelcue.types import Floats

PREFIX = "p_"
CHANCE, WEIGHT = "selection_probability", "weight"
_FORM = "`probabilities` (n, c), or `X` (n, d) with the surrogate's `weights` (c, d) and `bias` (c,)"


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--budget", type=float, required=True, help="Share to keep (0.3), or number of items (above 1).")
@click.option(
    "--scheme",
    type=click.Choice(["plain", "unbiased"]),
    default="plain",
    show_default=True,
    help="Weights of the kept items in training: all 1, or 1 / chance.",
)
@click.option("--alpha", default=0.5, show_default=True, help="Above 0 prefers hard items, below 0 easy ones.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the draw.")
def select(source: Path, target: Path, budget: float, scheme: str, alpha: float, seed: int) -> None:
    """Choose of SOURCE what to label, by a surrogate that was trained elsewhere, and write it to TARGET.

    \b
    SOURCE is one of
      .npz      `probabilities` (n, c), or `X` (n, d) with `weights` (c, d) and `bias` (c,)
      .csv      one row an item; the columns p_... are the probabilities
      .parquet  the same
    TARGET is of the same kind: the kept items with their selection probability and their weight.
    """
    found, write = _reader(source)(source)
    if target.suffix != source.suffix:
        raise BadRequest(f"{target.name} is no {source.suffix} file.", f"Call it {target.stem}{source.suffix}.")
    from labelcue.insights.selecting import select as draw

    chosen = draw(found, budget, alpha, scheme, np.random.default_rng(seed))
    write(target, chosen.rows, chosen.chance, chosen.weight)
    click.echo(f"Kept {len(chosen.rows):,} of {len(found):,} items in {target}.")


Write = Callable[[Path, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]], None]


def _reader(source: Path) -> Callable[[Path], tuple[Floats, Write]]:
    readers = {".npz": _npz, ".csv": _csv, ".parquet": _parquet}
    if source.suffix not in readers:
        raise BadRequest(f"{source.name} is of no kind that is known.", f"Pass one of: {', '.join(readers)}.")
    if not source.is_file():
        raise BadRequest(f"There is no file {source}.", "Name one that exists.")
    return readers[source.suffix]


def _npz(source: Path) -> tuple[Floats, Write]:
    try:
        with np.load(source, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadRequest(f"{source} cannot be read: {error}.", f"Pass an .npz file of {_FORM}.") from error

    def write(target: Path, rows: NDArray[Any], chance: NDArray[Any], weight: NDArray[Any]) -> None:
        made: dict[str, Any] = {"rows": rows, CHANCE: chance[rows], WEIGHT: weight, "all_probabilities": chance}
        if "ids" in arrays:
            made["ids"] = arrays["ids"][rows]
        with target.open("wb") as file:
            np.savez(file, **made)

    return _of_arrays(source, arrays), write


def _of_arrays(source: Path, arrays: dict[str, NDArray[Any]]) -> Floats:
    if "probabilities" in arrays:
        return _checked(source, arrays["probabilities"])
    if not {"X", "weights", "bias"} <= arrays.keys():
        raise BadRequest(f"{source} has {', '.join(sorted(arrays)) or 'no arrays'}.", f"It needs {_FORM}.")
    try:
        scores = arrays["X"].astype(np.float64) @ arrays["weights"].T + arrays["bias"]
    except ValueError as error:
        raise BadRequest(f"X, weights and bias of {source} do not fit: {error}.", f"It needs {_FORM}.") from error
    scores -= scores.max(axis=1, keepdims=True)
    likely = np.exp(scores)
    return _checked(source, likely / likely.sum(axis=1, keepdims=True))


def _checked(source: Path, found: NDArray[Any]) -> Floats:
    """Float32; a single column is that of the second of two classes."""
    if found.dtype.kind not in "fiu" or found.ndim not in (1, 2):
        raise BadRequest(f"The probabilities of {source} are {found.dtype} {found.shape}.", f"It needs {_FORM}.")
    likely = (found if found.ndim == 2 else found[:, None]).astype(np.float32)
    return np.column_stack([1 - likely, likely]) if likely.shape[1] == 1 else likely


def _csv(source: Path) -> tuple[Floats, Write]:
    try:
        lines = list(csv.reader(io.StringIO(source.read_text(encoding="utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"{source} cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    header, body = (lines[0], lines[1:]) if lines else ([], [])
    columns = _columns(source, header)
    try:
        found = np.array([[float(line[place]) for place in columns] for line in body], dtype=np.float64)
    except (ValueError, IndexError) as error:
        raise BadRequest(f"A row of {source} has no number: {error}.", f"Fill the columns {PREFIX}...") from error

    def write(target: Path, rows: NDArray[Any], chance: NDArray[Any], weight: NDArray[Any]) -> None:
        with target.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow([*header, CHANCE, WEIGHT])
            out.writerows(
                [*body[row], repr(float(chance[row])), repr(float(one))] for row, one in zip(rows, weight, strict=True)
            )

    return _checked(source, found.reshape(len(body), len(columns))), write


def _parquet(source: Path) -> tuple[Floats, Write]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError("Parquet files need pyarrow.", "Run: pip install 'labelcue[parquet]'") from error
    try:
        table = parquet.read_table(source)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadRequest(f"{source} cannot be read: {error}.", "Pass a Parquet file.") from error
    columns = _columns(source, table.column_names)
    found = np.column_stack([table.column(place).to_numpy() for place in columns])

    def write(target: Path, rows: NDArray[Any], chance: NDArray[Any], weight: NDArray[Any]) -> None:
        kept = table.take(rows).append_column(CHANCE, pyarrow.array(chance[rows]))
        parquet.write_table(kept.append_column(WEIGHT, pyarrow.array(weight)), target)

    return _checked(source, found), write


def _columns(source: Path, header: list[str]) -> list[int]:
    columns = [place for place, name in enumerate(header) if name.startswith(PREFIX)]
    if not columns:
        shown = ", ".join(header[:8]) or "no columns"
        raise BadRequest(
            f"{source} has {shown}, and none is called {PREFIX}...",
            f"Call the surrogate's probabilities {PREFIX}<class>, one column a class.",
        )
    return columns
