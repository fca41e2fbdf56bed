"""What was chosen for a project's queue, version by version: events to plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labelcue.types import Event, Json, Kind

CHOICES = (Kind.STRATEGY, Kind.SETTINGS)
"""The kinds of events that say it."""


class Choice(NamedTuple):
    """One saved version of the settings; the last one counts."""

    version: int
    """From 1."""
    settings: Mapping[str, Json]
    """The fields that were saved; what a later LabelCue added is not among them."""
    by: str
    at: float
    """Unix seconds."""
    position: int
    """Place in the ledger."""
    back_to: int | None = None
    """The version that was gone back to."""
    token: str = ""
    """Whoever saved it recognises it by this."""


def choices_of(events: Iterable[Event]) -> list[Choice]:
    """The versions in the order of their positions, whatever the order of the events."""
    found: list[Choice] = []
    for event in sorted(events, key=lambda one: one.position):
        body, before = event.body, found[-1].settings if found else {}
        if event.kind is Kind.STRATEGY:
            settings = {**before, "strategy": str(body["name"]), "params": dict(body["params"] or {})}
        else:
            settings = dict(body["settings"])
        found.append(
            Choice(
                len(found) + 1,
                settings,
                str(body.get("by") or ""),
                event.at,
                event.position,
                body.get("back_to"),
                str(body.get("token") or ""),
            )
        )
    return found
