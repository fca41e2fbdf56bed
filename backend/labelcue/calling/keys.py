"""Secrets of other servers: named, never written, so that no connection, log or error holds one."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from labelcue.errors import ConfigError

REMEDY = "Say where the secret is: key=env:NAME for an environment variable, or key=file:/path for a file's first line."


def require_key(source: str) -> str:
    """The source itself, where it is one that can be read later, or empty. Raises ConfigError."""
    kind, _, name = source.partition(":")
    if source and (kind not in ("env", "file") or not name):
        # Not quoted: whoever wrote the secret itself there would find it in the log.
        raise ConfigError("A key names neither an environment variable nor a file.", REMEDY)
    return source


def authorisation(source: str) -> dict[str, str]:
    """The header that proves who asks, none for an empty source: `user:password` is HTTP Basic, all else a Bearer.

    Read anew at every call, so that a key may be changed while LabelCue runs. Raises ConfigError.
    """
    if not require_key(source):
        return {}
    kind, _, name = source.partition(":")
    secret = os.environ.get(name, "") if kind == "env" else _first_line(Path(name).expanduser())
    secret = secret.strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise ConfigError(f"{source} holds no key: it is empty, or not plain text.", REMEDY)
    if ":" in secret:
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"Authorization": f"Bearer {secret}"}


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(10_000)
    except OSError as error:
        raise ConfigError(f"The key in {path} cannot be read: {error.strerror}.", REMEDY) from None
