"""The learner's own words for status pages: a small JSON file beside the snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from labelcue.errors import Corrupt, StoreError
from labelcue.store.atomic import replace_file
from labelcue.types import Json


def write_status(path: Path, status: Mapping[str, Json]) -> None:
    """Swap the status whole. Not synced to disk: after a power cut the learner writes it anew. Raises StoreError."""
    replace_file(path, json.dumps(status, separators=(",", ":")).encode(), durable=False)


def read_status(path: Path) -> dict[str, Json]:
    """What the learner said last, {} when it has said nothing yet. Raises Corrupt, StoreError."""
    try:
        status = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
    except ValueError as error:
        raise Corrupt(
            f"{path} is not JSON: {error}.", "Delete it: the learner writes it anew in its next round."
        ) from error
    if not isinstance(status, dict):
        raise Corrupt(f"{path} holds no JSON object.", "Delete it: the learner writes it anew in its next round.")
    return status
