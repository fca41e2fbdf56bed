"""Why a task stands where it stands, in a sentence: for admins, and for annotators without naming a label. Pure."""

from __future__ import annotations

from labelcue.store.snapshot import Standing
from labelcue.types import Kind

HESITATES = 0.5
"""Margin uncertainty from which the model counts as hesitating."""
STRANGE = 0.4
"""Cosine distance to all that is labelled or queued before from which a task counts as unlike it."""


def reason_of(standing: Standing, lever: Kind | None = None) -> str:
    """For admins: the engine's own words for the first places, else from the standing and the lever alone."""
    if standing.reason and lever is not Kind.PIN:
        return standing.reason
    first = "put first by an admin; " if lever is Kind.PIN else ""
    return f"{first}{_opinion(standing)}; distance {standing.novelty:.2f} from what is labelled or comes before it"


def why_of(standing: Standing, lever: Kind | None = None) -> str:
    """For annotators: it names no label and no figure, so that it sways nobody's answer."""
    if lever is Kind.PIN:
        return "Put first by an admin."
    if standing.audit:  # what the model thinks of it would sway those who measure the model
        return "Chosen by chance."
    strange = standing.novelty >= STRANGE
    if standing.label is None:
        return "Unlike what came before it." if strange else "It stands for many others."
    if standing.uncertainty >= HESITATES:
        return f"The model is unsure of this one{', and it is unlike what came before it' if strange else ''}."
    return "Unlike what came before it." if strange else "To check the model on this one."


def _opinion(standing: Standing) -> str:
    if standing.label is None:
        return "too few labels yet to be sure of anything"
    if standing.opinion:
        return standing.opinion
    first, *rest = sorted(standing.probabilities.items(), key=lambda pair: -pair[1])
    if rest and standing.uncertainty >= HESITATES:
        second = rest[0]
        return f"the model hesitates between {first[0]} and {second[0]} ({first[1]:.2f}/{second[1]:.2f})"
    return f"the model expects {first[0]} ({first[1]:.2f})"
