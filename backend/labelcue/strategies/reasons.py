"""Why an item stands where it stands, in one sentence for annotators and admins."""

from __future__ import annotations

from labelcue.strategies import Strategy

UNLIKE = 0.9
"""Share of the queue's largest novelty from which an item counts as unlike anything labelled."""


def reason_for(
    strategy: Strategy,
    opinion: str,
    novelty: float,
    most: float,
    speaks_for: float | None = None,
    propensity: float | None = None,
) -> str:
    """A sentence from the model's opinion, empty while nothing is trained, and the distance to what came before.

    `most` is the largest novelty in the queue; 1 while nothing is covered. `speaks_for`: as how many items it counts
    beside itself, where the neighbour graph tells. `propensity`: its chance, where the order was drawn.
    """
    parts = []
    if strategy.uncertain:
        parts.append(opinion or "too few labels yet to be sure of anything")
    if strategy.diverse:
        parts.append(_distance(novelty, most))
    if speaks_for is not None:
        parts.append(_speech(round(speaks_for)))
    if propensity is not None:
        parts.append(f"drawn at random, with a chance of 1 in {round(1 / propensity)}")
    return "; ".join(parts) or "drawn at random"


def _distance(novelty: float, most: float) -> str:
    if novelty >= 1:
        return "nothing labelled resembles it"
    if novelty >= UNLIKE * most:
        return f"unlike anything labelled so far (distance {novelty:.2f})"
    return f"distance {novelty:.2f} from what is labelled or comes before it"


def _speech(others: int) -> str:
    if not others:
        return "speaks for itself alone"
    return f"speaks for about {others} {'item' if others == 1 else 'items'} like it"
