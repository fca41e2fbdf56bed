"""The strategy and the surrogate that a round can run: those of the settings, or others in their place."""

from __future__ import annotations

from collections.abc import Callable

from labelcue.labels import kinds
from labelcue.queueing.settings import QueueSettings
from labelcue.strategies import makes_sense, strategies
from labelcue.surrogates import suiting, surrogates
from labelcue.types import TaskSpec

FALLBACK = "herding"
"""The strategy of projects for whose labels the chosen one makes no sense; it suits every kind."""


def able(
    settings: QueueSettings, spec: TaskSpec | None, graph: Callable[[], bool]
) -> tuple[str, dict[str, float], str]:
    """Strategy, its parameters and surrogate: understudies while a large graph grows that the chosen ones need, and
    others where the chosen ones make no sense for the labels.

    `spec`: what is labelled, None while nobody knows; `graph`: whether the graph is there, and lets it grow.
    """
    name, params, surrogate = settings.ordering
    if spec is not None:
        surrogate = suiting(surrogate, spec.kind)
        if not makes_sense(strategies.create(name), kinds.create(spec.kind)):
            name, params = FALLBACK, dict[str, float]()
    understudies = strategies.create(name).understudy, surrogates.create(surrogate).understudy
    if any(understudies) and not graph():
        name, params = (understudies[0], dict[str, float]()) if understudies[0] else (name, params)
        surrogate = understudies[1] or surrogate
    return strategies.resolve(name), params, surrogates.resolve(surrogate)
