"""Which embedder suits which kind of task."""

from __future__ import annotations

from labelcue.embedders import Embedder, Reads, embedders
from labelcue.errors import ConfigError

AUTO = "auto"
"""The setting that leaves the choice to the label config."""
HOLDS: dict[str, Reads] = {"Text": "text", "HyperText": "text", "Paragraphs": "text", "Image": "image"}
"""An object's tag → what its field holds; of others LabelCue reads nothing itself."""
OWN = "vectors that you have (--embedder precomputed:...) or a server that makes them (--embedder http:...)"
DEFAULTS: dict[Reads, str] = {"text": "minilm", "image": "efficientnet-lite0"}


def embedder_for(asked: str, tag: str) -> str:
    """The embedder's name for tasks that the object `tag` shows: the one asked for, or what suits them best.

    Raises UnknownName, and ConfigError where it cannot read such tasks, or needs a library that is not there.
    """
    if asked == AUTO and tag not in HOLDS:
        raise ConfigError(f"LabelCue has no embedder of its own for {tag}.", f"Connect with {OWN}.")
    name = DEFAULTS[HOLDS[tag]] if asked == AUTO else asked
    require_fit(embedders.create(name), tag)
    return name


def require_fit(embedder: Embedder, tag: str) -> None:
    """Raises ConfigError where the embedder makes nothing of what the object `tag` shows."""
    holds = HOLDS.get(tag)
    if embedder.reads not in (holds, "vector", "any"):
        own = f"--embedder {AUTO} (which takes {DEFAULTS[holds]}), or with {OWN}" if holds else OWN
        raise ConfigError(
            f"The embedder {embedder.name!r} reads {embedder.reads}, and the label config shows {tag}.",
            f"Connect with {own}.",
        )
