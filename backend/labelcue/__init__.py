"""LabelCue tells annotators what to label next: an active-learning backend for Label Studio, and its engine `Cue`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labelcue.engine import Cue
    from labelcue.types import Ranked

__all__ = ["Cue", "Ranked", "__version__"]

try:
    __version__ = version("labelcue")
except PackageNotFoundError:
    __version__ = "0"


def __getattr__(name: str) -> Any:
    # Lazy: the engine brings torch, which the service and the command line do without.
    if name == "Cue":
        from labelcue.engine import Cue

        return Cue
    if name == "Ranked":
        from labelcue.types import Ranked

        return Ranked
    raise AttributeError(f"module 'labelcue' has no attribute {name!r}")
