"""Which way a project's queue reaches its annotators: by the plugin inside Label Studio, or by predictions."""

from __future__ import annotations

from dataclasses import dataclass

from labelcue.labelstudio.client import LabelStudio

STOCK = "by Label Studio itself, from the predictions that LabelCue delivers"
GUIDE = "plugin/docs/README.md"


@dataclass(frozen=True, slots=True)
class Way:
    """One project's way, in words for people."""

    by_plugin: bool
    """Every entrance, any number of annotators: exactly the queue."""
    words: str
    remedy: str
    """What to do where a plugin is installed and does not serve the project; else empty."""


def way_of(ls: LabelStudio, project: int) -> Way:
    """Asks Label Studio. Raises LabelStudioError and its kinds."""
    said = ls.plugin(project)
    if said is None:
        return Way(False, f"{STOCK}; the plugin is not installed", "")
    if not said.get("active"):
        return Way(False, f"{STOCK}; the plugin is off: {said.get('refused')}", f"{GUIDE} says how it is switched on.")
    if said.get("served") is None:
        return Way(
            False,
            f"{STOCK}; the plugin cannot use LabelCue: {said.get('trouble')}",
            "Mend what it names; until then its last known order or Label Studio's own choice serves.",
        )
    if not said["served"]:
        return Way(
            False,
            f"{STOCK}; the plugin asks a LabelCue that does not have this project",
            "Let LABELCUE_URL in Label Studio's environment name this LabelCue, and restart Label Studio.",
        )
    return Way(True, f"by the plugin {said.get('plugin')}, exactly in the queue's order", "")
