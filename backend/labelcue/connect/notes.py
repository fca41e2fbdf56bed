"""What is remembered of a connection while it is made or taken back."""

from __future__ import annotations

import os
from pathlib import Path

from labelcue.errors import NotFound, StoreError
from labelcue.store.connection import Connection
from labelcue.store.layout import Home


def pending_path(home: Home, project: int) -> Path:
    """The connection of a connect or disconnect that is under way or broke off; the learner does not read it."""
    return home.project(project) / "pending.json"


def find_connection(home: Home, project: int) -> Connection:
    """The project's connection, a half-made or half-undone one too. Raises NotFound, Corrupt, StoreError."""
    for path in (home.connection(project), pending_path(home, project)):
        try:
            return Connection.load(path)
        except NotFound:
            continue
    raise NotFound(f"Project {project} is not connected.", "Run `labelcue connect URL --project N` first.")


def set_aside(home: Home, project: int) -> None:
    """Turn the connection into a pending one: the learner lets go of the project, and nothing is forgotten."""
    try:
        os.replace(home.connection(project), pending_path(home, project))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{home.connection(project)} cannot be set aside: {error.strerror}.") from error


def forget(home: Home, project: int) -> None:
    """Remove the pending connection, if there is one."""
    pending_path(home, project).unlink(missing_ok=True)
