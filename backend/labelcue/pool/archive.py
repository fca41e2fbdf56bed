"""Arrays and JSON in one .npz file, written whole or not at all, read without pickle."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import Corrupt

META = "meta.json"


def write_archive(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Replace `path` by these arrays and this JSON; a crash leaves the old file or the new one."""
    body = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            everything: dict[str, Any] = {META: body, **arrays}
            np.savez(file, **everything)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_archive(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What `write_archive` wrote; raises Corrupt that names the file where it is damaged or something else."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays.pop(META).tobytes())
    except (ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise Corrupt(f"{path} is not a whole LabelCue archive: {error}.", "Restore it from a backup.") from error
    return meta, arrays
