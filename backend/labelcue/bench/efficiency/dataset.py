"""Labelled sets on disk: `X` (n, d) vectors, `y` (n,) classes, `class_names` (c,) and `split` (n,): 0 pool, 1 test.

In place of `y`, `Y` (n, c) has a 1 for every label of an item that may have several, or none.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.roster import named
from labelcue.types import Floats, Ints, Json, Label

ONE, SEVERAL = "y", "Y"
POOL, TEST = 0, 1
SHORTEST = 1e-6
"""A vector that is shorter has no direction."""


@dataclass(frozen=True)
class LabelledSet:
    """A pool whose labels are known, and items that are never in it."""

    name: str
    vectors: Floats
    """(n, d) float32 of length one."""
    targets: Ints
    """(n,) index of the class; (n, c) 0 or 1 for sets of labels."""
    test_vectors: Floats
    """(m, d) float32 of length one."""
    test_targets: Ints
    """(m,) index of the class; (m, c) 0 or 1 for sets of labels."""
    classes: tuple[Label, ...]
    sha: str
    """Of the file: results of other data are not taken for results of this one."""

    @property
    def several(self) -> bool:
        """Whether an item may have several labels, or none."""
        return self.targets.ndim == 2

    def as_json(self) -> Json:
        """What it is, so that figures of other data are not taken for figures of this one."""
        return {
            "pool": len(self.targets),
            "test": len(self.test_targets),
            "classes": len(self.classes),
            "sha": self.sha,
        }


def read_set(path: Path) -> LabelledSet:
    """One set from an .npz file, without pickle; raises BadRequest that names the file, the reason and the remedy."""
    arrays = _arrays(path)
    vectors, targets = arrays["X"], arrays[_key(arrays)]
    split, names = arrays["split"], [str(name) for name in arrays["class_names"].ravel()]
    _check_shapes(path, arrays)
    _check_values(path, arrays, names)
    unit = vectors.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    pool, test = split == POOL, split == TEST
    return LabelledSet(
        name=path.name.removesuffix(".npz"),
        vectors=unit[pool],
        targets=targets[pool].astype(np.int64),
        test_vectors=unit[test],
        test_targets=targets[test].astype(np.int64),
        classes=tuple(names),
        sha=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
    )


def read_sets(paths: list[Path]) -> list[LabelledSet]:
    """Every set of single classes; raises BadRequest where two files have one name, or one has sets of labels."""
    sets = distinct([read_set(path) for path in paths])
    several = [one.name for one in sets if one.several]
    if several:
        raise BadRequest(f"{', '.join(several)} has sets of labels.", "Pass sets with y, a single class an item.")
    return sets


def distinct(sets: list[LabelledSet]) -> list[LabelledSet]:
    """The same; raises BadRequest where two have one name."""
    twice = sorted({one.name for one in sets if [other.name for other in sets].count(one.name) > 1})
    if twice:
        raise BadRequest(f"Several files are called {', '.join(twice)}.", "Name each set's file differently.")
    return sets


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            kind = SEVERAL if SEVERAL in archive.files else ONE
            keys = ("X", kind, "class_names", "split")
            missing = [key for key in keys if key not in archive.files]
            if not missing:
                return {key: archive[key] for key in keys}
    except FileNotFoundError as error:
        raise BadRequest(f"There is no file {path}.", "Name an .npz file that exists.") from error
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise BadRequest(f"{path} cannot be read: {error}.", f"Pass an .npz file of {_form()}.") from error
    raise BadRequest(f"{path} has no {', '.join(missing)}.", f"A set holds {_form()}.")


def _check_shapes(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    vectors, rows = arrays["X"], len(arrays["X"]) if arrays["X"].ndim else 0
    if vectors.ndim != 2 or not rows or not vectors.shape[1] or vectors.dtype.kind not in "fiu":
        _refuse(path, f"X is {vectors.shape} {vectors.dtype}", "make it (n, d) numbers")
    wanted = {"split": (rows,), ONE: (rows,), SEVERAL: (rows, arrays["class_names"].size)}
    for key in (_key(arrays), "split"):
        if arrays[key].shape != wanted[key] or arrays[key].dtype.kind not in "iub":
            _refuse(path, f"{key} is {arrays[key].shape} {arrays[key].dtype}", f"make it {wanted[key]} whole numbers")


def _check_values(path: Path, arrays: dict[str, NDArray[Any]], names: list[str]) -> None:
    length = np.linalg.norm(arrays["X"].astype(np.float64), axis=1)
    bad = np.flatnonzero(~(np.isfinite(length) & (length > SHORTEST)))
    if len(bad):
        _refuse(path, f"the rows {named(bad.tolist())} of X hold NaN or infinity, or are zero", "drop them")
    if len(set(names)) < 2 or len(set(names)) < len(names):
        _refuse(path, f"class_names is {names[:5]}", "give two or more names, each once")
    targets, split = arrays[_key(arrays)].astype(np.int64), arrays["split"].astype(np.int64)
    if set(np.unique(split)) != {POOL, TEST}:
        _refuse(path, f"split holds {np.unique(split)[:5].tolist()}", "use 0 for the pool and 1 for the test, both")
    if targets.ndim == 2:
        _check_several(path, targets, split, names)
        return
    if targets.min() < 0 or targets.max() >= len(names):
        _refuse(path, f"y runs from {targets.min()} to {targets.max()}", f"use 0 to {len(names) - 1}, as class_names")
    if len(np.unique(targets[split == POOL])) < 2:
        _refuse(path, "its pool has a single class", "put items of two classes or more into the pool")


def _check_several(path: Path, targets: Ints, split: Ints, names: list[str]) -> None:
    if targets.min() < 0 or targets.max() > 1:
        _refuse(path, f"Y runs from {targets.min()} to {targets.max()}", "use 0 and 1")
    alike = [name for name, column in zip(names, targets[split == POOL].T, strict=True) if np.ptp(column) == 0]
    if alike:
        _refuse(path, f"its pool has {', '.join(alike[:5])} always or never", "take such labels out")


def _key(arrays: dict[str, NDArray[Any]]) -> str:
    return SEVERAL if SEVERAL in arrays else ONE


def _refuse(path: Path, reason: str, remedy: str) -> None:
    raise BadRequest(f"{path} cannot be used: {reason}.", f"{remedy[0].upper()}{remedy[1:]}; a set holds {_form()}.")


def _form() -> str:
    return "X (n, d), y (n,) or Y (n, c), class_names (c,) and split (n,; 0 pool, 1 test)"
