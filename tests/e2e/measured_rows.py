"""What was measured, kept in a file after each figure: a run that is broken off goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Rows:
    """The figures of all parts; without a path they are kept nowhere."""

    def __init__(self, path: Path | None) -> None:
        """`path` may hold an earlier run's, which count."""
        self._path = path
        known = json.loads(path.read_text()) if path is not None and path.exists() else {}
        self._parts: dict[str, list[Row]] = {name: rows for name, rows in known.items() if isinstance(rows, list)}

    def of(self, part: str) -> list[Row]:
        """All rows of a part."""
        return list(self._parts.get(part, ()))

    def has(self, part: str, **wanted: Any) -> bool:
        """Whether this was measured."""
        return any(wanted.items() <= row.items() for row in self.of(part))

    def add(self, part: str, row: Row) -> None:
        """Keep a row."""
        self._parts.setdefault(part, []).append(row)
        if self._path is not None:
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps({"cores": os.cpu_count(), **self._parts}, indent=1))
            draft.replace(self._path)
