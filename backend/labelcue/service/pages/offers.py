"""What the form of the settings offers, and what it greys, as it makes no sense for the project's labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from labelcue.labels import LabelKind
from labelcue.queueing.catalogue import Catalogue, StrategyCard, SurrogateCard

Card = TypeVar("Card", StrategyCard, SurrogateCard)


@dataclass(frozen=True, slots=True)
class Offer(Generic[Card]):
    """One card of the catalogue as the form shows it."""

    card: Card
    value: str
    """What the form sends for it."""
    chosen: bool
    why_not: str
    """Why it cannot be chosen; empty where it can."""
    note: str = ""
    """What else there is to know of it here."""


def strategies(catalogue: Catalogue, kind: LabelKind | None, typed: str, stands: str) -> list[Offer[StrategyCard]]:
    """All of them, those that suit the labels first; the one that stands can always be chosen again."""
    found = []
    for card in catalogue.strategies:
        stood = card.name == _bare(stands)
        unfit = kind is not None and not card.suits(kind.like or kind.name)
        why = _unfit(kind) if unfit and kind is not None else ""
        chosen, value = card.name == _bare(typed), stands if stood else card.name
        if stood and why:
            found.append(Offer(card, value, chosen, "", f"{why} Until another is chosen, one that suits them serves."))
        else:
            found.append(Offer(card, value, chosen and not why, why))
    return sorted(found, key=lambda one: bool(one.why_not))


def surrogates(catalogue: Catalogue, kind: LabelKind | None, typed: str) -> list[Offer[SurrogateCard]]:
    """Those that learn the labels. Where the one that stands does not, the one that learns in its place stands for it,
    so that saving the form changes nothing."""
    suited = [card for card in catalogue.surrogates if kind is None or card.suits(kind.name)]
    name = _bare(typed)
    asked = catalogue.surrogate(name)
    chosen = next((card for card in suited if card.name == name), None) or _first(suited, asked)
    return [Offer(card, typed if card is chosen and typed else card.name, card is chosen, "") for card in suited]


def _first(suited: Sequence[SurrogateCard], asked: SurrogateCard | None) -> SurrogateCard | None:
    """As the learner chooses: one that listens to another model as the one that is set does, then by name."""
    listens = asked is not None and asked.listens
    return min(suited, key=lambda card: (card.listens != listens, card.name), default=None)


def _unfit(kind: LabelKind) -> str:
    return f"Makes no sense for labels that are {kind.takes}."


def _bare(name: str) -> str:
    return name.partition("@")[0]
