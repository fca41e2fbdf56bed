"""Finished runs on disk, so that a long measurement goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labelcue.errors import BadRequest
from labelcue.store.atomic import replace_file
from labelcue.types import Json

FORMAT = "labelcue-efficiency-1"


class Kept:
    """A mapping of runs by key, written whole after each one; without a path, in memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        """Reads what is there; raises BadRequest where the file is something else."""
        self.path = path
        self._runs: dict[str, Json] = _read(path) if path is not None and path.exists() else {}

    def __contains__(self, key: str) -> bool:
        return key in self._runs

    def __getitem__(self, key: str) -> Any:
        return self._runs[key]

    def put(self, key: str, run: Json) -> None:
        """Keep a run; raises StoreError where the file cannot be written."""
        self._runs[key] = run
        if self.path is not None:
            body = json.dumps({"format": FORMAT, "runs": self._runs})
            replace_file(self.path, body.encode(), durable=False)


def _read(path: Path) -> dict[str, Json]:
    remedy = "Name another file, or none: it is made anew."
    try:
        body = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} cannot be read as kept runs: {error}.", remedy) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT or not isinstance(body.get("runs"), dict):
        raise BadRequest(f"{path} holds no kept runs of `labelcue bench efficiency`.", remedy)
    runs: dict[str, Json] = body["runs"]
    return runs
