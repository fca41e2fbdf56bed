"""A Cue on disk: its arrays and its JSON in one archive, read back without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.pool.archive import read_archive, write_archive
from labelcue.pool.outcome import Outcome

FORMAT = "labelcue-cue-3"
TOKENS = ("states", "offsets", "ends")
POOL = ("vectors", "names", "live", "squared", "propensity", *(f"tokens.{name}" for name in TOKENS))


@dataclass(frozen=True)
class Saved:
    """All that a Cue is: what it was made with, what was said to it, and where it stands."""

    pool: Mapping[str, NDArray[Any]]
    """The arrays of `POOL`; propensities and tokens may be missing."""
    made: Mapping[str, Any]
    """JSON: the arguments that it was made with."""
    facts: Mapping[str, Any]
    """JSON: what was said of items."""
    state: Mapping[str, Any]
    """JSON: where its queue stands."""
    outcome: Outcome | None
    """The latest round's."""


def write_saved(path: Path, saved: Saved) -> None:
    """Replace `path` by all of it, whole or not at all."""
    arrays = dict(saved.pool)
    meta: dict[str, Any] = {"format": FORMAT, "made": saved.made, "facts": saved.facts, "state": saved.state}
    if saved.outcome:
        body = {field.name: getattr(saved.outcome, field.name) for field in fields(Outcome)}
        found = {name: value for name, value in body.items() if isinstance(value, np.ndarray)}
        arrays |= {f"outcome.{name}": value for name, value in found.items()}
        meta["outcome"] = {name: value for name, value in body.items() if name not in found}
    write_archive(path, meta, arrays)


def read_saved(path: Path) -> Saved:
    """What `write_saved` wrote. Raises Corrupt, or KeyError, TypeError or ValueError where it is something else."""
    meta, arrays = read_archive(path)
    if meta["format"] != FORMAT:
        raise ValueError(f"its format is {meta['format']!r}")
    outcome = None
    if "outcome" in meta:
        body = dict(meta["outcome"]) | {"classes": tuple(meta["outcome"]["classes"])}
        body |= {name[len("outcome.") :]: value for name, value in arrays.items() if name.startswith("outcome.")}
        outcome = Outcome(**body)
    pool = {name: arrays[name] for name in POOL if name in arrays}
    return Saved(pool, meta["made"], meta["facts"], meta["state"], outcome)
