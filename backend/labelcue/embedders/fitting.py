"""Which embedder suits which kind of task."""

from __future__ import annotations

from labelcue.embedders import Embedder, Reads, embedders
from labelcue.errors import ConfigError

AUTO = "auto"
"""The setting that leaves the choice to the label config."""
HOLDS: dict[str, Reads] = {"Text": "text", "HyperText": "text", "Image": "image"}
"""An object's tag → what its field holds."""
DEFAULTS: dict[Reads, str] = {"text": "minilm", "image": "efficientnet-lite0"}


def embedder_for(asked: str, tag: str) -> str:
    """The embedder's name for tasks that the object `tag` shows: the one asked for, or what suits them best.

    Raises UnknownName, and ConfigError where it cannot read such tasks, or needs a library that is not there.
    """
    name = DEFAULTS[HOLDS[tag]] if asked == AUTO else asked
    require_fit(embedders.create(name), tag)
    return name


def require_fit(embedder: Embedder, tag: str) -> None:
    """Raises ConfigError where the embedder makes nothing of what the object `tag` shows."""
    holds = HOLDS[tag]
    if embedder.reads not in (holds, "vector"):
        raise ConfigError(
            f"The embedder {embedder.name!r} reads {embedder.reads}, and the label config shows {tag}.",
            f"Connect with --embedder {AUTO} (which takes {DEFAULTS[holds]}), or with precomputed vectors.",
        )
