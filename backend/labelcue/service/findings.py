"""What the learner worked out of a project: `insights.json` and the map beside it, kept until they are replaced.

backend/docs/insights.md says what is in them. Nothing is computed here.
"""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from labelcue.errors import Corrupt, StoreError

T = TypeVar("T")
_Mark = tuple[int, int, int]
_REBUILD = "Delete it: the learner writes it anew after its next round."
EMPTY: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "audit": {
            "labels": 0,
            "missing": 50,
            "accuracy": None,
            "classes": [],
            "confusion": [],
            "labels_f1": [],
            "error": None,
            "sentence": "",
        },
        "curve": {
            "points": [],
            "forecast": [],
            "random": None,
            "targets": [],
            "rate": {"an_hour": None, "last_hour": 0, "hours": 0.0, "sentence": ""},
            "level": None,
            "sentence": "",
        },
        "errors": {"looked_at": 0, "suspects": [], "sentence": ""},
        "agreement": {"shared": 0, "alpha": None, "annotators": [], "confusion": [], "hardest": [], "sentence": ""},
        "spending": {"choice": "", "score_new": None, "score_second": None, "second": [], "sentence": ""},
        "coverage": {
            "reach": None,
            "balance": {"labels": [], "predicted": [], "ratio": None, "effective": None, "absent": []},
            "slices": [],
            "slices_total": 0,
            "copies": {"groups": [], "number": 0, "spared": 0},
            "outliers": [],
            "sentence": "",
        },
        "drift": {"new": 0, "old": 0, "p": None, "auc": None, "alarm": False, "sentence": ""},
        "stopping": {
            "stability": [],
            "stable": False,
            "gain": None,
            "cost": None,
            "advice": "",
            "sentence": "",
            "rests_on": [],
        },
    }
)
"""Every section as it is while nothing is known of it."""


class Findings:
    """All projects' files, each read once for every time it is replaced. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[_Mark, Any]] = {}

    def report(self, folder: Path) -> dict[str, Any]:
        """The project's report with every section there; `at` is None before the first. Raises Corrupt, StoreError."""
        return self._kept(folder / "insights.json", _report, nothing)

    def map(self, folder: Path) -> dict[str, list[Any]]:
        """Columns of the pool's map: tasks, x, y, label, predicted, uncertainty; empty before the first."""
        return self._kept(folder / "insights.npz", _map, dict)

    def _kept(self, path: Path, parse: Callable[[Path, bytes], T], missing: Callable[[], T]) -> T:
        try:
            stat = os.stat(path)
            mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            with self._lock:
                known = self._known.get(path)
                if known is None or known[0] != mark:
                    known = self._known[path] = (mark, parse(path, path.read_bytes()))
            found: T = known[1]
            return found
        except FileNotFoundError:
            return missing()
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error


def nothing() -> dict[str, Any]:
    """A report of which nothing is known yet."""
    return {"at": None, "classes": [], "kind": "class", "measure": "Accuracy", "groups": None, **deepcopy(dict(EMPTY))}


def _report(path: Path, data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
        if not isinstance(said, dict):
            raise ValueError("it holds no JSON object")
        return {
            **nothing(),
            **said,
            **{name: {**deepcopy(empty), **(said.get(name) or {})} for name, empty in EMPTY.items()},
        }
    except (ValueError, TypeError) as error:
        raise Corrupt(f"{path} cannot be understood: {error}.", _REBUILD) from error


def _map(path: Path, data: bytes) -> dict[str, list[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            places = np.asarray(arrays["places"], dtype=np.float64).reshape(-1, 2).round(4)
            columns = {name: arrays[name].tolist() for name in ("tasks", "label", "predicted")}
            uncertainty = np.asarray(arrays["uncertainty"], dtype=np.float64).round(3).tolist()
        found = {**columns, "uncertainty": uncertainty, "x": places[:, 0].tolist(), "y": places[:, 1].tolist()}
        if len({len(column) for column in found.values()}) > 1:
            raise ValueError("its columns disagree")
        return found
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Corrupt(f"{path} cannot be understood: {error}.", _REBUILD) from error
