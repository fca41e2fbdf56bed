"""The catalogue of what this process can queue by, made of what is registered."""

from __future__ import annotations

from labelcue.labels import kinds
from labelcue.queueing.catalogue import Catalogue, ParamCard, StrategyCard, SurrogateCard
from labelcue.strategies import makes_sense, strategies
from labelcue.strategies.params import Param, params_of
from labelcue.surrogates import surrogates


def catalogue_of(strategy: str, surrogate: str) -> Catalogue:
    """Every strategy and surrogate, these two first."""
    return Catalogue(
        strategies=[_strategy(name) for name in _first(strategy, strategies.names())],
        surrogates=[_surrogate(name) for name in _first(surrogate, surrogates.names())],
    )


def _first(name: str, names: list[str]) -> list[str]:
    return sorted(names, key=lambda one: (one != name.partition("@")[0], one))


def _strategy(name: str) -> StrategyCard:
    made = strategies.create(name)
    return StrategyCard(
        name=name,
        summary=made.summary,
        when=made.when,
        params=[_param(one) for one in params_of(made)],
        kinds=[one for one in kinds.names() if makes_sense(made, kinds.create(one))],
    )


def _param(one: Param) -> ParamCard:
    return ParamCard(
        name=one.name,
        default=one.default,
        least=one.least,
        most=one.most,
        whole=one.whole,
        range=one.range,
        says=one.says,
    )


def _surrogate(name: str) -> SurrogateCard:
    made = surrogates.create(name)
    return SurrogateCard(name=name, summary=made.summary, when=made.when, kind=made.kind, listens=made.listens)
