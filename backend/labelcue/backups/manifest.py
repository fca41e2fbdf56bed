"""What may stand in a backup, and the list of it that the backup carries."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labelcue.errors import Corrupt

FORMAT = 1
LIST = "manifest.json"
LEDGER = "ledger.sqlite3"
LIST_BYTES = 4_000_000
"""No honest list is longer."""
_FILE = r"[a-z0-9][a-z0-9._-]{0,99}"
_NAME = re.compile(
    rf"{re.escape(LEDGER)}|labelcue\.toml|plugin\.secret"
    rf"|projects/(0|[1-9][0-9]{{0,18}})/(connection\.json|round\.safetensors|head\.json|frontiers\.jsonl)"
    rf"|projects/(0|[1-9][0-9]{{0,18}})/vectors-{_FILE}/{_FILE}",
    re.ASCII,
)


class Part(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """The list of a backup's files, as `manifest.json` in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int = Field(ge=1)
    version: str
    """Of the LabelCue that made it."""
    at: float
    """When the ledger was copied, Unix seconds."""
    projects: list[int]
    events: int
    """The last position of the ledger."""
    files: dict[str, Part]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(part.size for part in self.files.values())


def allowed(name: str) -> bool:
    """Whether a backup may hold a file of this name: one that `labelcue backup` writes, and so none outside a home."""
    return _NAME.fullmatch(name) is not None


def read_manifest(data: bytes, where: object) -> Manifest:
    """The list in `data`; raises Corrupt where it is none, or names what no backup holds."""
    try:
        manifest = Manifest.model_validate_json(data)
    except (ValidationError, RecursionError) as error:
        told: list[Any] = error.errors() if isinstance(error, ValidationError) else []
        wrong = ".".join(str(part) for part in told[0]["loc"])[:60] if told else ""
        raise no_backup(where, f"its list cannot be read{f' ({wrong!r})' if wrong else ''}") from None
    foreign = next((name for name in manifest.files if not allowed(name)), None)
    if foreign is not None:
        raise no_backup(where, f"it names {foreign[:80]!r}, which no backup holds")
    if LEDGER not in manifest.files:
        raise no_backup(where, "it has no ledger")
    return manifest


def no_backup(where: object, why: str) -> Corrupt:
    """The error of a file that cannot be restored."""
    return Corrupt(f"{where} is no whole backup: {why}.", "Take another copy of it, or an earlier backup.")
