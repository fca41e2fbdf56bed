"""Which other model is asked, as connections name it."""

from __future__ import annotations

from typing import NamedTuple

from labelcue.calling import address_of, require_key
from labelcue.errors import ConfigError

STUDIO = "labelstudio"
REMEDY = (
    "Say labelstudio for the predictions that stand there, labelstudio:<model version> for one model's alone, or the "
    "address of an ML backend, as http://127.0.0.1:9091 or http://host:9091,key=file:/path (user:password, or a token)."
)


class Named(NamedTuple):
    """One source of predictions."""

    address: str = ""
    """Of a backend, with a slash at its end; empty: Label Studio."""
    key: str = ""
    """Where the backend's secret is."""
    version: str = ""
    """Of Label Studio's predictions the model version that counts; empty: the newest of all but LabelCue's own."""


def require_model(name: str) -> str:
    """The name itself, where it names a model or nobody (empty). Raises ConfigError."""
    if name:
        read(name)
    return name


def read(name: str) -> Named:
    """Raises ConfigError, which quotes no key."""
    bare, colon, version = name.partition(":")
    if bare == STUDIO:
        if colon and not version:
            raise ConfigError(f"{name!r} names no model version.", REMEDY)
        return Named(version=version)
    address, mark, key = name.partition(",key=")
    try:
        return Named(address_of(address), require_key(key) if mark else "")
    except ConfigError as error:
        raise ConfigError(f"The other model cannot be read: {error.message}", REMEDY) from error
